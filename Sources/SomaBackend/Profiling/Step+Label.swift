import SomaGraph

extension Step {
    /// The step in a few words for people: its kind, its extents, and what is fused with it.
    public var label: String {
        switch self {
        case .map(let nest): "map \(extents(nest.outer))\(fused(nest.body))"
        case .reduce(let nest), .row(let nest): "\(name) \(extents(nest.outer)) over \(extents(nest.inner))\(fused(nest.body))"
        case .matmul(let step):
            "matmul \(step.batch > 1 ? "\(step.batch) of " : "")\(extents([step.m, step.n])) over \(step.k)\(fused(step.epilogue))"
        case .convolution(let step): convolution(step)
        case .pooling(let step):
            "\(step.function) pooling\(step.isGradient ? " gradient" : "") \(extents(step.windows.size)) of "
                + extents([step.batch, step.channels] + step.input)
        case .gather(let step): "gather \(step.count) of \(step.extent)" + (step.outer * step.inner > 1 ? ", each \(step.outer * step.inner)" : "")
        case .scatterAdd(let step):
            "scatter-add \(step.count) into \(step.extent)" + (step.outer * step.inner > 1 ? ", each \(step.outer * step.inner)" : "")
        case .blockCopy(let step): "block copy \(extents(step.extents))"
        case .scan(let step): "scan of \(step.count), \(step.body.count == 1 ? "1 step" : "\(step.body.count) steps") each"
        case .custom(let step): "\(step.operation.name) \(extents(step.outputShape.dimensions))"
        }
    }

    private func convolution(_ step: ConvolutionStep) -> String {
        let pass =
            switch step.pass {
            case .forward: ""
            case .inputGradient: " input gradient"
            case .filterGradient: " filter gradient"
            }
        let groups = step.groups > 1 ? " in \(step.groups) groups" : ""
        let channels = "\(step.inputChannels) to \(step.outputChannels) channels\(groups)"
        let stride = step.windows.stride.allSatisfy { $0 == 1 } ? "" : " stride \(extents(step.windows.stride))"
        return "convolution\(pass) \(extents(step.windows.size))\(stride), \(channels), \(step.batch) of \(extents(step.input))\(fused(step.epilogue))"
    }

    private func extents(_ extents: [Int]) -> String { extents.isEmpty ? "1" : extents.map(String.init).joined(separator: "×") }

    /// How many operations, loads and stores aside, are done on the way.
    private func fused(_ body: Body) -> String {
        let count = body.instructions.count { instruction in
            switch instruction.operation {
            case .load, .scalar, .index, .accumulator: false
            case .random, .unary, .binary, .select, .multiplyAdd, .cast, .reduce: true
            }
        }
        // Words of a generator cost far more than any other operation.
        let isRandom = body.instructions.contains { if case .random = $0.operation { true } else { false } }
        return count == 0 ? "" : ", \(count) fused" + (isRandom ? ", with random words" : "")
    }
}
