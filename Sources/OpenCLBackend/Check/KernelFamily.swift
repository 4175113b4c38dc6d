import SomaBackend

/// Kernels that share a file of text: they are checked together, and done without together.
enum KernelFamily: String, CaseIterable, Sendable {
    case map, reduce, row, matmul, convolution, depthwise, winograd, pooling, attention, gather
    case scatterAdd = "scatter-add"
    case blockCopy = "block-copy"

    /// The family that computes the same more slowly by more general kernels, if one does.
    var general: KernelFamily? {
        switch self {
        case .matmul: .reduce
        case .depthwise, .winograd: .convolution
        case .map, .reduce, .row, .convolution, .pooling, .attention, .gather, .scatterAdd, .blockCopy: nil
        }
    }
}

/// By which kernels the steps of a family are computed.
enum KernelWay: String, Sendable {
    /// Those planned for the device.
    case own
    /// Those of the other kind: for processors on a GPU, for GPUs on a processor.
    case other
    /// Those of the more general family.
    case general
}

extension StepPlanner {
    /// The family of the kernels that a step is launched as; `nil` for a user's own.
    func family(of step: Step) -> KernelFamily? {
        switch step {
        case .map: .map
        case .reduce(let nest), .row(let nest): BodyStages(nest.padded).stages.count > 1 ? .row : .reduce
        case .matmul(let product): isReduction(product) ? .reduce : .matmul
        case .convolution(let step):
            if let product = step.asMatmul { family(of: .matmul(product)) } else if isDepthwise(step) { .depthwise } else {
                takesWinograd(step) ? .winograd : .convolution
            }
        case .pooling: .pooling
        case .gather: .gather
        case .scatterAdd: .scatterAdd
        case .blockCopy: .blockCopy
        case .attention: .attention
        case .recurrence, .scan, .custom: nil
        }
    }

    /// Whether the device ever runs a family's kernels.
    func has(_ family: KernelFamily) -> Bool { family != .winograd || !traits.isCPU }

    /// The planner that takes a family's cases to its own kernels, whatever was measured or asked for: convolutions of 3 × 3 taps belong to two.
    func reaching(_ family: KernelFamily) -> StepPlanner {
        var result = self
        (result.tuning, result.usesWinograd, result.keepsPrograms) = (Tuning(), family == .winograd, false)
        return result
    }

    /// The planner for a family's steps where they go another way than its own; `nil` where that way does not exist.
    func taking(_ way: KernelWay, for family: KernelFamily) -> StepPlanner? {
        var result = self
        switch way {
        case .own: break
        case .other:
            result.use(traits.isCPU ? .gpu : .cpu)
            guard traits.isCPU ? traits.fitKernelsForGPUs : family != .winograd else { return nil }
        case .general:
            guard family.general != nil else { return nil }
            result.generalised.insert(family)
        }
        return result
    }
}
