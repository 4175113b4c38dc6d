import SomaBackend
import SomaGraph

extension StepPlanner {
    /// See pooling.cl and pooling_cpu.cl.
    func pooling(_ step: PoolingStep) throws -> LaunchPlan {
        guard step.hasIntCounts else { throw BackendError.unsupported("a pooling of more than \(Int32.max) pixels") }
        let made = step.isGradient ? step.input : step.output
        let extents = [step.batch * step.channels] + made
        let count = extents.reduce(1, *)
        let greatest = step.batch * step.channels * max(step.input.reduce(1, *), step.output.reduce(1, *))
        var parameters = KernelParameters(isWide: greatest > Int(Int32.max) - (1 << 20))
        let names = step.isGradient ? (step.function == .max ? ["x", "g"] : ["g"]) : ["x"]
        for (name, operand) in zip(names, step.operands) { parameters.add(operand, name, isConstant: true) }
        parameters.add(step.result, "result", isConstant: false)
        let windows = step.windows
        let pairs = [
            ("window_lines", "window_pixels", windows.size), ("stride_y", "stride_x", windows.stride), ("dilation_y", "dilation_x", windows.dilation),
            ("before_y", "before_x", windows.before), ("height", "width", step.input), ("pooled_height", "pooled_width", step.output),
        ]
        for (y, x, values) in pairs { parameters.add(y, x, values) }
        var coordinates: [String] = []
        if !traits.isCPU {
            parameters.add(index: "count", count)
            coordinates = digits(of: "item", "i", extents: extents, &parameters)
        }
        let definitions = [("IS_MAX", step.function == .max ? "1" : "0"), ("IS_GRADIENT", step.isGradient ? "1" : "0")]
        let lines = KernelTemplate(traits.isCPU ? "pooling_cpu" : "pooling").filled("head", ["parameters": parameters.list, "coordinates": coordinates])
        let (global, local) = traits.isCPU ? ([extents[0]], [1]) : line(of: count)
        return LaunchPlan(
            entry: "soma_pooling", source: source(isWide: parameters.isWide, uses: [], definitions: definitions, lines),
            arguments: parameters.arguments, global: global, local: local)
    }
}

extension PoolingStep {
    /// Whether numbers of pixels fit 32 bits, which the kernels count with.
    fileprivate var hasIntCounts: Bool {
        let reaches = (0...1).map { axis in windows.before[axis] + windows.after[axis] + input[axis] }
        return max(input.reduce(1, *), output.reduce(1, *), reaches.max() ?? 0) < Int(Int32.max) - (1 << 20)
    }
}

extension KernelParameters {
    /// A number for rows and one for columns of images.
    mutating func add(_ y: String, _ x: String, _ values: [Int]) {
        add(int: y, values[0])
        add(int: x, values[1])
    }
}
