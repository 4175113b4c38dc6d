import SomaBackend

extension KernelFamily {
    /// What the family's kernels must compute. Several cases share a program, which is what takes time: texts do not depend on extents.
    var cases: [CheckCase] {
        switch self {
        case .map: CheckCase.maps
        case .reduce: CheckCase.reductions
        case .row: CheckCase.rows
        case .matmul: CheckCase.products
        case .convolution: CheckCase.convolutions
        case .depthwise: CheckCase.depthwiseConvolutions
        case .winograd: CheckCase.winogradConvolutions
        case .pooling: CheckCase.poolings
        case .attention: CheckCase.attentions
        case .gather: CheckCase.gathers
        case .scatterAdd: CheckCase.scatters
        case .blockCopy: CheckCase.blockCopies
        }
    }

    /// The first of them, for the first use of a device: as few programs as take each direction and each gradient once.
    var firstCases: [CheckCase] {
        let count =
            switch self {
            case .gather, .scatterAdd: 1
            case .matmul, .winograd, .attention, .blockCopy: 2
            case .map, .row, .convolution, .depthwise: 3
            case .reduce: 4
            case .pooling: 5
            }
        return Array(cases.prefix(count))
    }
}
