import SomaGraph

extension GradientRule {
    /// The first input is the composition, the operands follow.
    func library(_ operation: LibraryOperation) {
        let g = gradient
        switch operation {
        case .convolution(let pass, let windows, let groups): convolution(pass, windows, groups)
        case .pooling(.max, let windows): pass(to: 1, .maxPoolingGradient(input(1), g, windows))
        case .pooling(.sum, let windows): pass(to: 1, .sumPoolingGradient(g, of: inputs[1].shape, windows))
        case .poolingGradient(.sum, let windows): pass(to: 1, .pooled(g, .sum, windows))
        case .poolingGradient(.max, _): pass(to: 0, g)
        }
    }

    /// Each of the three products is linear in both operands, and its gradients are the other two.
    private func convolution(_ kind: ConvolutionPass, _ windows: Windows, _ groups: Int) {
        let (a, b, g) = (input(1), input(2), gradient)
        switch kind {
        case .forward:
            pass(to: 1, .convolutionInputGradient(g, b, of: a.shape, windows, groups))
            pass(to: 2, .convolutionFilterGradient(a, g, of: b.shape, windows, groups))
        case .inputGradient:
            pass(to: 1, .convolution(g, b, windows, groups))
            pass(to: 2, .convolutionFilterGradient(g, a, of: b.shape, windows, groups))
        case .filterGradient:
            pass(to: 1, .convolutionInputGradient(b, g, of: a.shape, windows, groups))
            pass(to: 2, .convolution(a, g, windows, groups))
        }
    }
}
