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
        case .attention, .attentionGradient, .recurrence, .recurrenceGradient: programError("gradient", "\(operation.name) has no value of its own")
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

/// The rule of a library operation with several results.
struct ResultsRule {
    let node: Node
    let inputs: NodeInputs
    /// What has arrived, by the result.
    let gradients: [NodeResult: Tensor]
    let targets: ArraySlice<Int>
    let sums: GradientSums

    func apply(_ operation: LibraryOperation) {
        if gradients.isEmpty { return }
        guard operation.hasGradientRule else {
            for index in 0..<operation.resultCount { if let gradient = gradients[.value(index)] { pass(to: index, gradient) } }
            return
        }
        switch operation {
        case .attention(let attention): self.attention(attention)
        case .recurrence(let recurrence): self.recurrence(recurrence)
        case .convolution, .pooling, .poolingGradient, .attentionGradient, .recurrenceGradient: programError("gradient", "\(operation.name) has one value, or no rule")
        }
    }

    func input(_ index: Int) -> Tensor { Tensor(node: inputs[index]) }
    func result(_ index: Int) -> Tensor { Tensor(node: .libraryResult(node, index)) }

    /// Adds to the gradient of an input, if anybody needs it.
    func pass(to index: Int, _ contribution: @autoclosure () -> Tensor) {
        let target = targets[targets.startIndex + index]
        if target >= 0 { sums.add(ArrivingGradient(contribution(), where: nil), to: target) }
    }
}
