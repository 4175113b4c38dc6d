import SomaBackend
import SomaGraph

/// What the kernels of convolution.cl and convolution_cpu.cl are given in common.
struct ConvolutionKernel {
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
    func readsQuads(_ step: ConvolutionStep) -> Bool {
        guard step.second.access.offset % 4 == 0 else { return false }
        switch step.pass {
        case .forward: return aLead % 4 == 0
        case .filterGradient: return depth.lines * depth.pixels % 4 == 0
        case .inputGradient: return false
        }
    }

    func declare(in parameters: inout KernelParameters, before: [Int], dilation: [Int]) {
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
