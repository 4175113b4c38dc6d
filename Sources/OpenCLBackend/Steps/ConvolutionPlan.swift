import SomaBackend
import SomaGraph

extension StepPlanner {
    /// One of the three products of a convolution, with its epilogue.
    func convolution(_ step: ConvolutionStep) throws -> [LaunchPlan] {
        guard step.order == .channelsFirst else { throw BackendError.unsupported("convolution steps with channels last") }
        guard step.hasIntCounts else { throw BackendError.unsupported("a convolution of more than \(Int32.max) pixels") }
        if let product = step.asMatmul { return matmul(product) }
        if isDepthwise(step) { return depthwise(step) }
        if isForWinograd(step) { return winograd(step) }
        return traits.isCPU ? convolutionOnCPU(step) : convolutionOnGPU(step)
    }

    /// See convolution.cl.
    private func convolutionOnGPU(_ step: ConvolutionStep) -> [LaunchPlan] {
        let product = ImplicitProduct(step)
        let tile = convolutionTiles.tile(batch: product.batch, m: product.m, n: product.columns.count, k: product.depth.count, traits)
        let aWidth = product.readsQuads(step) && allowsVectors ? 4 : 1
        var kernel = ConvolutionKernel(step, product, segments: tile.segments, depthStep: tile.k, aWidth: aWidth)
        let width = allowsVectors && !product.hasPhases && kernel.nest.allowsVectors ? 4 : 1
        let slots = kernel.finish(width: width) { "sums[i][q * 4 + j + \($0)]" }
        let definitions = tile.definitions + kernel.definitions + [("ALONG_DEPTH", step.pass == .filterGradient ? "1" : "0"), ("WIDTH", "\(width)")]
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
        let (rowPanels, depth) = (min(panelsM, 8), 128)
        let items = ceilDivide(panelsM, rowPanels) * panelsN * product.batch
        let wanted = ceilDivide(traits.computeUnits * 2, max(items, 1))
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
            global: [panelsM, max(1, ceilDivide(product.depth.count, depth)), product.batch], local: [1, 1, 1], workspaceBytes: bytes)
        let launch = LaunchPlan(
            entry: "soma_convolution", source: text, arguments: parameters.arguments,
            global: [ceilDivide(panelsM, rowPanels), panelsN, product.batch * segments], local: [1, 1, 1], workspaceBytes: bytes)
        return [pack, launch] + kernel.secondPass(self)
    }
}

/// What the kernels of convolution.cl and convolution_cpu.cl are given in common.
private struct ConvolutionKernel {
    let step: ConvolutionStep
    let product: ImplicitProduct
    /// Of the epilogue, and of what the kernel itself does: the same, or sums that are written to the scratch memory.
    let whole, nest: LoopNest
    let segments: Int
    let isWide: Bool
    let definitions: [(String, String)]
    private let workspaceStart: Int
    var parameters: KernelParameters

    /// - Parameters:
    ///   - depthStep: what the length of a segment is a multiple of.
    ///   - workspaceStart: where the scratch memory is free, in elements.
    init(_ step: ConvolutionStep, _ product: ImplicitProduct, segments: Int, depthStep: Int, aWidth: Int, workspaceStart: Int = 0) {
        (self.step, self.product, self.segments, self.workspaceStart) = (step, product, segments, workspaceStart)
        whole = step.nest.mergingPixels(step)
        nest = segments > 1 ? LoopNest(outer: whole.outer, body: .plain(to: .workspace(whole.outer, offset: workspaceStart))) : whole
        isWide = step.isWide
        definitions = [
            ("PHASES", product.hasPhases ? "1" : "0"), ("A_WIDTH", "\(aWidth)"), ("SEGMENTS", segments > 1 ? "1" : "0"),
        ]
        parameters = KernelParameters(isWide: isWide)
        parameters.add(step.second, "a", isConstant: true, width: aWidth)
        parameters.add(step.first, "b", isConstant: true)
        for (name, value) in [("groups", step.groups), ("m", product.m), ("n", product.columns.count)] { parameters.add(int: name, value) }
        let terms = product.depth.count, steps = (terms + segments * depthStep - 1) / (segments * depthStep)
        parameters.add(int: "segment_depth", max(1, steps) * depthStep)
        product.declare(in: &parameters, before: step.windows.before, dilation: step.windows.dilation)
    }

    /// Bytes of the sums of segments.
    var sumBytes: Int { segments > 1 ? segments * nest.outerCount * 4 : 0 }

    /// What adds up the segments.
    func secondPass(_ planner: StepPlanner) -> [LaunchPlan] {
        segments > 1 ? planner.reduce(whole.sum(ofSegments: segments, from: workspaceStart), isSecondPass: true) : []
    }

    /// Adds the parameters of the epilogue; the fillings of the template's slots.
    mutating func finish(width: Int, _ accumulator: @escaping (Int) -> String) -> [String: [String]] {
        var writer = BodyWriter(nest, width: width, &parameters)
        writer.accumulator = accumulator
        if segments > 1 { parameters.add("const long result_count", .long(nest.outerCount)) }
        let (coordinates, axes) = resultCoordinates()
        return [
            "parameters": parameters.list, "uniforms": writer.uniforms, "coordinates": coordinates, "elements": writer.epilogue(axes),
        ]
    }

    /// How the element of the result at (row, column) is found: lines that compute coordinates, and which axes of the nest these are.
    private mutating func resultCoordinates() -> (lines: [String], axes: [(axis: Int, name: String)]) {
        let digits = "DIGITS(column, column_lines, column_pixels, outer, y, x)"
        if step.pass == .filterGradient {
            if nest.outer.count == 2 { return ([], [(0, "channel"), (1, "column")]) }
            return ([digits], [(0, "channel"), (1, "outer"), (2, "y"), (3, "x")])
        }
        var lines = [digits], names = ["y", "x"]
        if product.hasPhases {
            parameters.add("result_lines", "result_pixels", step.input)
            lines += ["const int result_y = y * phases_y + phase_y, result_x = x * phases_x + phase_x;"]
            lines += ["if (result_y >= result_lines || result_x >= result_pixels) continue;"]
            names = ["result_y", "result_x"]
        }
        if nest.outer.count == 4 { return (lines, [(0, "outer"), (1, "channel"), (2, names[0]), (3, names[1])]) }
        let width = product.hasPhases ? "result_pixels" : "column_pixels"
        return (lines + ["const int place = \(names[0]) * \(width) + \(names[1]);"], [(0, "outer"), (1, "channel"), (2, "place")])
    }
}

extension ImplicitProduct {
    /// Whether four neighbours along the depth are neighbours in A, at a multiple of four.
    fileprivate func readsQuads(_ step: ConvolutionStep) -> Bool {
        guard step.second.access.offset % 4 == 0 else { return false }
        switch step.pass {
        case .forward: return aLead % 4 == 0
        case .filterGradient: return depth.lines * depth.pixels % 4 == 0
        case .inputGradient: return false
        }
    }

    fileprivate func declare(in parameters: inout KernelParameters, before: [Int], dilation: [Int]) {
        parameters.add("const long a_group", .long(aGroup))
        parameters.add("const long b_group", .long(bGroup))
        parameters.add(index: "a_lead", aLead)
        parameters.add(index: "a_stride", aStride)
        parameters.add("a_step_y", "a_step_x", aStep)
        parameters.add("height", "width", image)
        parameters.add(intDivisor: "column_lines", columns.lines)
        parameters.add(intDivisor: "column_pixels", columns.pixels)
        parameters.add(index: "column_stride", columns.stride)
        parameters.add("column_step_y", "column_step_x", columns.step)
        parameters.add(intDivisor: "depth_lines", depth.lines)
        parameters.add(intDivisor: "depth_pixels", depth.pixels)
        parameters.add(index: "depth_stride", depth.stride)
        parameters.add("depth_step_y", "depth_step_x", depth.step)
        if hasPhases {
            parameters.add(int: "depth_outer", depth.outer)
            parameters.add("phases_y", "phases_x", phases)
            parameters.add("apart_y", "apart_x", apart)
            parameters.add("before_y", "before_x", before)
            parameters.add("dilation_y", "dilation_x", dilation)
        } else {
            parameters.add(int: "k", depth.count)
            parameters.add("start_y", "start_x", columns.start)
        }
    }
}

extension ConvolutionStep {
    private static let most = Int(Int32.max) - (1 << 20)

    /// Whether numbers of pixels and of terms fit 32 bits, which the kernels count with.
    fileprivate var hasIntCounts: Bool {
        let product = ImplicitProduct(self)
        return max(product.columns.count, product.depth.count, input.reduce(1, *), output.reduce(1, *)) < Self.most
    }

    /// Whether positions need 64 bits.
    var isWide: Bool { nest.isWide || max(inputShape.count, outputShape.count, filterShape.count) > Self.most }

    /// The same as a product of matrices, which a filter of one tap is: an image is then a matrix [channels, pixels].
    var asMatmul: MatmulStep? {
        let pixels = input.reduce(1, *)
        let isPointwise = windows.size == [1, 1] && windows.stride == [1, 1] && windows.before == [0, 0] && windows.after == [0, 0]
        // With few pixels the columns of all images together fill tiles better.
        guard isPointwise, groups == 1, pixels >= 64 || batch == 1, let merged = nest.merging(pass == .filterGradient ? 1...3 : 2...3) else { return nil }
        func operand(_ operand: Operand, _ strides: [Int]) -> Operand {
            Operand(slot: operand.slot, dtype: operand.dtype, access: operand.access.with(strides: strides))
        }
        let images = operand(first, [(pass == .forward ? inputChannels : outputChannels) * pixels, pixels, 1])
        switch pass {
        case .forward:
            return MatmulStep(
                batch: batch, m: outputChannels, n: pixels, k: inputChannels, a: operand(second, [0, inputChannels, 1]), b: images,
                epilogue: merged.body)
        case .inputGradient:
            return MatmulStep(
                batch: batch, m: inputChannels, n: pixels, k: outputChannels, a: operand(second, [0, 1, inputChannels]), b: images,
                epilogue: merged.body)
        case .filterGradient:
            guard batch == 1 else { return nil }
            let nest = merged.withLeadingAxis
            return MatmulStep(
                batch: 1, m: outputChannels, n: inputChannels, k: pixels, a: operand(second, [0, pixels, 1]), b: operand(first, [0, 1, pixels]),
                epilogue: nest.body)
        }
    }
}

extension LoopNest {
    /// The nest with the axes of a pixel (of a filter: with all but its first) made one, where every access allows it.
    func mergingPixels(_ step: ConvolutionStep) -> LoopNest { merging(step.pass == .filterGradient ? 1...3 : 2...3) ?? self }

    /// Neighbouring outer axes made one; `nil` where an access does not allow it.
    func merging(_ axes: ClosedRange<Int>) -> LoopNest? {
        func merged(_ access: Access) -> Access? {
            var stride = access.strides[axes.upperBound], extent = outer[axes.upperBound]
            for axis in axes.dropLast().reversed() where outer[axis] != 1 {
                if extent == 1 { stride = access.strides[axis] } else if access.strides[axis] != stride * extent { return nil }
                extent *= outer[axis]
            }
            var strides = access.strides
            strides.replaceSubrange(axes, with: [stride])
            return access.with(strides: strides)
        }
        guard accesses.allSatisfy({ merged($0) != nil }) else { return nil }
        var result = mappingAccesses { merged($0) ?? $0 }
        result.outer.replaceSubrange(axes, with: [outer[axes].reduce(1, *)])
        return result
    }

    fileprivate var withLeadingAxis: LoopNest {
        var result = mappingAccesses { $0.with(strides: [0] + $0.strides) }
        result.outer.insert(1, at: 0)
        return result
    }

    /// The nest with every access changed.
    func mappingAccesses(_ change: (Access) -> Access) -> LoopNest {
        var result = self
        for i in body.loads.indices { result.body.loads[i].access = change(body.loads[i].access) }
        for i in body.stores.indices { result.body.stores[i].target.access = change(body.stores[i].target.access) }
        for i in body.instructions.indices {
            if case .index(let access) = body.instructions[i].operation { result.body.instructions[i].operation = .index(change(access)) }
        }
        return result
    }

    /// The epilogue of a product over the sums of its segments, which lie in the workspace as [segment, result].
    func sum(ofSegments segments: Int, from start: Int = 0) -> LoopNest {
        var load = Operand.workspace(outer, offset: start)
        load.access.strides.append(outerCount)
        return reducing(
            inner: segments, loads: [load], instructions: [Instruction(.load(operand: 0), .float32), Instruction(.reduce(.sum, 0), .float32)])
    }

    /// An epilogue's nest as a reduction whose last instruction takes the place of the accumulator.
    func reducing(inner: Int, loads: [Operand], instructions: [Instruction]) -> LoopNest {
        let outerOnly = { (access: Access) in access.with(strides: access.strides + [0]) }
        let epilogue = mappingAccesses(outerOnly).body
        var result = Body(loads: loads + epilogue.loads, scalars: epilogue.scalars, instructions: instructions)
        var places: [Int] = []
        for instruction in epilogue.instructions {
            var moved = instruction.renumbered { places[$0] }
            switch instruction.operation {
            case .accumulator:
                places.append(instructions.count - 1)
                continue
            case .load(let operand): moved.operation = .load(operand: operand + loads.count)
            default: break
            }
            result.instructions.append(moved)
            places.append(result.instructions.count - 1)
        }
        result.stores = epilogue.stores.map { Store(value: places[$0.value], target: $0.target) }
        return LoopNest(outer: outer, inner: [inner], body: result)
    }
}

extension Body {
    /// The epilogue that writes the product and nothing else.
    static func plain(to target: Operand) -> Body {
        Body(instructions: [Instruction(.accumulator, .float32)], stores: [Store(value: 0, target: target)])
    }
}

extension Operand {
    /// An array in the device's scratch memory.
    static func workspace(_ extents: [Int], offset: Int = 0) -> Operand {
        Operand(slot: workspaceSlot, dtype: .float32, access: Access(strides: Shape(extents).contiguousStrides, offset: offset))
    }
}
