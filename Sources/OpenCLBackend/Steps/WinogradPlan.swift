import SomaBackend
import SomaGraph

extension StepPlanner {
    /// Whether Winograd's algorithm can compute a convolution. It needs scratch memory, for one image at a time at least.
    func canTakeWinograd(_ step: ConvolutionStep) -> Bool {
        let windows = step.windows
        guard !traits.isCPU, step.pass != .filterGradient, step.groups == 1, windows.size == [3, 3], windows.stride == [1, 1],
            windows.dilation == [1, 1]
        else { return false }
        return WinogradPlan(step, self).bytesPerImage <= winogradBytes
    }

    /// Whether Winograd's algorithm is taken: as measured, else as is expected to pay. Its transforms move some 16 numbers for each pixel of x
    /// and y, which only pays where the sums over channels are long.
    func takesWinograd(_ step: ConvolutionStep) -> Bool {
        guard !generalised.contains(.winograd), canTakeWinograd(step) else { return false }
        if let choice = tuning[StepClass(step)], choice.fits(traits) { return choice == .winograd }
        return usesWinograd ?? (min(step.inputChannels, step.outputChannels) >= 64 && step.batch * step.input.reduce(1, *) >= 1024)
    }

    /// See winograd.cl.
    func winograd(_ step: ConvolutionStep) -> [LaunchPlan] {
        let plan = WinogradPlan(step, self)
        let starts = stride(from: 0, to: step.batch, by: plan.images)
        return [plan.filter] + starts.flatMap { plan.part(from: $0, count: min(plan.images, step.batch - $0)) }
    }
}

private struct WinogradPlan {
    private let step: ConvolutionStep
    private let planner: StepPlanner
    /// Of the images that are read, and of the result.
    private let channels, rows: Int
    private let image, result: [Int]
    /// Tiles of an image, in lines and pixels.
    private let tiles: [Int]
    /// Images that are taken together.
    let images: Int
    private let uCount: Int
    /// Of scratch memory, besides that for the filter.
    let bytesPerImage: Int

    init(_ step: ConvolutionStep, _ planner: StepPlanner) {
        (self.step, self.planner) = (step, planner)
        let isForward = step.pass == .forward
        (channels, rows) = isForward ? (step.inputChannels, step.outputChannels) : (step.outputChannels, step.inputChannels)
        (image, result) = isForward ? (step.input, step.output) : (step.output, step.input)
        tiles = result.map { planner.ceilDivide($0, 2) }
        uCount = 16 * (channels * rows + 3) / 4 * 4
        bytesPerImage = 16 * (channels + rows) * tiles[0] * tiles[1] * 4
        // `canTakeWinograd` has seen to it that one has room.
        let parts = planner.ceilDivide(step.batch, max(1, planner.winogradBytes / max(bytesPerImage, 1)))
        images = planner.ceilDivide(step.batch, parts)
    }

    private var isWide: Bool { step.isWide || 16 * max(channels, rows) * images * tiles[0] * tiles[1] > Int(Int32.max) }

    /// Scratch memory: U, then V, then M.
    private func places(_ count: Int) -> (v: Int, m: Int, byteCount: Int) {
        let tileCount = count * tiles[0] * tiles[1]
        let v = uCount, m = v + 16 * channels * tileCount
        return (v, m, (m + 16 * rows * tileCount) * 4)
    }

    var filter: LaunchPlan {
        var parameters = KernelParameters(isWide: isWide)
        parameters.add(step.second, "w", isConstant: true)
        parameters.add(.workspace([16, channels, rows]), "u_all", isConstant: false)
        parameters.add("rows", "channels", [rows, channels])
        let toU = Work(bytesRead: Double(36 * channels * rows), bytesWritten: Double(64 * channels * rows))
        return launch("filter", extents: [channels, rows], &parameters, toU, byteCount: places(images).byteCount)
    }

    /// The launches for some of the images.
    func part(from first: Int, count: Int) -> [LaunchPlan] {
        let (places, tileCount) = (places(count), count * tiles[0] * tiles[1])
        var b = step.first
        b.access.offset += first * channels * image[0] * image[1]
        var read = KernelParameters(isWide: isWide)
        read.add(b, "b", isConstant: true)
        read.add(.workspace([16, channels, tileCount], offset: places.v), "v_all", isConstant: false)
        addImage(to: &read)

        let product = MatmulStep(
            batch: 16, m: rows, n: tileCount, k: channels,
            a: Operand(slot: Operand.workspaceSlot, dtype: .float32, access: Access(strides: [channels * rows, 1, rows])),
            b: .workspace([16, channels, tileCount], offset: places.v),
            epilogue: .plain(to: .workspace([16, rows, tileCount], offset: places.m)))
        var tile = planner.convolutionTiles.tile(for: product, planner.traits)
        tile.segments = 1
        var multiply = planner.matmulOnGPU(product, tile)
        for i in multiply.indices { (multiply[i].workspaceBytes, multiply[i].work) = (places.byteCount, Step.matmul(product).work) }

        let nest = step.nest.mergingPixels(step)
        var write = KernelParameters(isWide: isWide)
        write.add(.workspace([16, rows, tileCount], offset: places.m), "m_all", isConstant: true)
        write.add(b, "b", isConstant: true)
        write.add(step.second, "w", isConstant: true)
        addImage(to: &write)
        write.add(int: "rows", rows)
        write.add(int: "first_image", first)
        write.add("result_height", "result_width", result)
        var writer = BodyWriter(nest, width: 1, &write)
        writer.accumulator = { _ in "sum" }
        let axes = nest.outer.count == 3 ? [(2, "place")] : [(2, "y"), (3, "x")]
        let slots = ["uniforms": writer.uniforms, "elements": writer.epilogue([(0, "image"), (1, "channel")] + axes)]
        let pixels = { (extents: [Int]) in count * extents[0] * extents[1] }
        let toV = Work(bytesRead: Double(4 * channels * pixels(image)), bytesWritten: Double(64 * channels * tileCount))
        let fromM = Work(bytesRead: Double(64 * rows * tileCount), bytesWritten: Double(4 * rows * pixels(result)))
        return [launch("image", extents: [channels, count] + tiles, &read, toV, byteCount: places.byteCount)] + multiply
            + [launch("result", extents: [rows, count] + tiles, &write, fromM, uses: planner.files(for: nest.body), slots, byteCount: places.byteCount)]
    }

    private func addImage(to parameters: inout KernelParameters) {
        parameters.add(int: "channels", channels)
        parameters.add("height", "width", image)
        parameters.add("before_y", "before_x", step.pass == .forward ? step.windows.before : step.windows.before.map { 2 - $0 })
    }

    private func launch(
        _ section: String, extents: [Int], _ parameters: inout KernelParameters, _ work: Work, uses files: [String] = [], _ slots: [String: [String]] = [:],
        byteCount: Int
    ) -> LaunchPlan {
        let count = extents.reduce(1, *)
        parameters.add(index: "count", count)
        let coordinates = planner.digits(of: "item", "i", extents: extents, &parameters)
        let template = KernelTemplate("winograd")
        let own = ["parameters": parameters.list, "coordinates": coordinates]
        let (global, local) = planner.line(of: count)
        return LaunchPlan(
            entry: "soma_winograd_\(section)",
            source: planner.source(
                isWide: isWide, uses: files, definitions: [("IS_GRADIENT", step.pass == .inputGradient ? "1" : "0")],
                template.filled() + template.filled(section, own.merging(slots) { $1 })),
            arguments: parameters.arguments, global: global, local: local, workspaceBytes: byteCount, work: work)
    }
}
