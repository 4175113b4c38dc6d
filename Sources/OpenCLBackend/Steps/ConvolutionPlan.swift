import SomaBackend
import SomaGraph

extension StepPlanner {
    /// One of the three products of a convolution, with its epilogue.
    func convolution(_ step: ConvolutionStep) throws -> [LaunchPlan] {
        guard step.order == .channelsFirst else { throw BackendError.unsupported("convolution steps with channels last") }
        guard step.hasIntCounts else { throw BackendError.unsupported("a convolution of more than \(Int32.max) pixels") }
        if let product = step.asMatmul { return matmul(product) }
        if isDepthwise(step) { return depthwise(step) }
        if takesWinograd(step) { return winograd(step) }
        return traits.isCPU ? convolutionOnCPU(step) : convolutionOnGPU(step)
    }

    /// See convolution.cl.
    private func convolutionOnGPU(_ step: ConvolutionStep) -> [LaunchPlan] {
        let product = ImplicitProduct(step)
        let tile = tile(for: step, product)
        let aWidth = product.readsQuads(step) && allowsVectors ? 4 : 1
        var kernel = ConvolutionKernel(step, product, segments: tile.segments, depthStep: tile.k, aWidth: aWidth)
        let width = allowsVectors && !product.hasPhases && kernel.nest.allowsVectors ? 4 : 1
        let slots = kernel.finish(width: width) { "SUM(i, q, j + \($0))" }
        let definitions = tile.definitions(unroll: traits.isNVIDIA ? 2 : 4) + kernel.definitions + [("ALONG_DEPTH", step.pass == .filterGradient ? "1" : "0"), ("WIDTH", "\(width)")]
        let text = source(
            isWide: kernel.isWide, uses: files(for: kernel.nest.body) + ["tile", "taps"], definitions: definitions,
            KernelTemplate("convolution").filled("head", slots))
        let launch = LaunchPlan(
            entry: "soma_convolution", source: text, options: tile.items >= 256 && traits.isNVIDIA ? "-cl-nv-maxrregcount=128" : "",
            arguments: kernel.parameters.arguments,
            global: [tile.groups(batch: product.batch, m: product.m, n: product.columns.count) * tile.segments * tile.items], local: [tile.items],
            workspaceBytes: kernel.sumBytes)
        return [launch] + kernel.secondPass(self)
    }

    /// See convolution_cpu.cl.
    private func convolutionOnCPU(_ step: ConvolutionStep) -> [LaunchPlan] {
        let product = ImplicitProduct(step)
        let (panelsM, panelsN) = (ceilDivide(product.m, 8), ceilDivide(product.columns.count, 32))
        let tile = tile(for: step, product)
        let (rowPanels, depth) = (min(panelsM, tile.m / tile.threadM), tile.k)
        let items = ceilDivide(panelsM, rowPanels) * panelsN * product.batch
        let wanted = ceilDivide(traits.computeUnits * convolutionTiles.groupsPerUnit, max(items, 1))
        let segments = max(1, min(wanted, product.depth.count / (depth * 4), 64))
        let packed = (product.batch * panelsM * 8 * product.depth.count + 63) / 64 * 64
        var kernel = ConvolutionKernel(step, product, segments: segments, depthStep: depth, aWidth: 1, workspaceStart: packed)
        kernel.parameters.add(int: "k_most", product.depth.count)
        let shared = KernelParameters(isWide: kernel.isWide).with("global float *packed", .workspace, before: kernel.parameters)
        let slots = kernel.finish(width: 1) { _ in "line_of_sums[j]" }
        let parameters = KernelParameters(isWide: kernel.isWide).with("global const float *packed", .workspace, before: kernel.parameters)
        let isRun = step.pass != .filterGradient && product.columns.step[1] == 1
        let definitions = kernel.definitions + [("ROW_PANELS", "\(rowPanels)"), ("DEPTH", "\(depth)"), ("RUNS", isRun ? "1" : "0")]
        let text = source(
            isWide: kernel.isWide, uses: files(for: kernel.nest.body) + ["tile_cpu", "taps"], definitions: definitions,
            KernelTemplate("convolution_cpu").filled("head", slots.merging(["shared": Array(shared.list.dropFirst())]) { $1 }))
        let bytes = packed * 4 + kernel.sumBytes
        let pack = LaunchPlan(
            entry: "soma_pack", source: text, arguments: shared.arguments,
            global: [panelsM, max(1, ceilDivide(product.depth.count, depth)), product.batch], local: [1, 1, 1], workspaceBytes: bytes,
            work: Work(copying: 4 * product.batch * product.m * product.depth.count))
        let launch = LaunchPlan(
            entry: "soma_convolution", source: text, arguments: parameters.arguments,
            global: [ceilDivide(panelsM, rowPanels), panelsN, product.batch * segments], local: [1, 1, 1], workspaceBytes: bytes)
        return [pack, launch] + kernel.secondPass(self)
    }
}
