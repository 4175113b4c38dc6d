import SomaGraph

extension MatmulStep: StepDescriptor {
    public var name: String { "matmul" }
    public var label: String { "matmul \(batch > 1 ? "\(batch) of " : "")\(text([m, n])) over \(k)\(epilogue.fused)" }
    public var reads: [Operand] { [a, b] + epilogue.loads }
    public var writes: [Operand] { epilogue.stores.map(\.target) }
    public var productOperations: Double { 2 * [batch, m, n, k].reduce(1) { $0 * Double($1) } }
    public var otherOperations: Double { nest.operationCount }

    public var byteCounts: (read: Int, written: Int) {
        let (read, written) = nest.byteCounts
        return (read + a.byteCount([batch, m, k]) + b.byteCount([batch, k, n]), written)
    }
}

extension ConvolutionStep: StepDescriptor {
    public var name: String { "convolution" }

    public var label: String {
        let kind =
            switch pass {
            case .forward: ""
            case .inputGradient: " input gradient"
            case .filterGradient: " filter gradient"
            }
        let channels = "\(inputChannels) to \(outputChannels) channels\(groups > 1 ? " in \(groups) groups" : "")"
        let stride = windows.stride.allSatisfy { $0 == 1 } ? "" : " stride \(text(windows.stride))"
        return "convolution\(kind) \(text(windows.size))\(stride), \(channels), \(batch) of \(text(input))\(epilogue.fused)"
    }

    public var reads: [Operand] { [first, second] + epilogue.loads }
    public var writes: [Operand] { epilogue.stores.map(\.target) }

    public var productOperations: Double {
        2 * (outputShape.dimensions + filterShape.dimensions.dropFirst()).reduce(1) { $0 * Double($1) }
    }
    public var otherOperations: Double { nest.operationCount }

    public var byteCounts: (read: Int, written: Int) {
        let (read, written) = nest.byteCounts
        let all = inputShape.count + outputShape.count + filterShape.count
        return (read + 4 * (all - extents.reduce(1, *)), written)
    }
}

extension PoolingStep: StepDescriptor {
    public var name: String { "pooling" }
    public var label: String {
        "\(function) pooling\(isGradient ? " gradient" : "") \(text(windows.size)) of " + text([batch, channels] + input)
    }
    public var reads: [Operand] { operands }
    public var writes: [Operand] { [result] }
    /// A comparison or an addition for each element of each window.
    public var otherOperations: Double { Double(batch * channels * output.reduce(1, *) * windows.size.reduce(1, *)) }

    public var byteCounts: (read: Int, written: Int) {
        let (x, y) = (batch * channels * input.reduce(1, *) * 4, batch * channels * output.reduce(1, *) * 4)
        guard isGradient else { return (x, y) }
        return ((function == .max ? x : 0) + y, x)
    }
}
