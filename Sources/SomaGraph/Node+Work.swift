extension Node {
    /// The multiplications, each with the addition that takes its product, of a matrix product or a convolution by their definition; 0 for all
    /// other nodes. Half of what the step that computes it has as `productOperations`.
    ///
    /// A convolution of any pass has N · K · C / groups of them for each tap and each place of its result, an attention d + e for each pair of a query
    /// and a key that it sees, and its gradient 3 · d + 2 · e, a recurrence G · H · H for each step of each sequence, and its gradient as many. Compositions, which come first among the inputs, say the same in another way and must
    /// not be counted besides.
    public var multiplyAdds: Double {
        switch primitive {
        case .matmul: product(shape.dimensions + inputs[0].shape.dimensions.suffix(1))
        case .library(.convolution(.forward, _, _)): product(shape.dimensions + inputs[2].shape.dimensions.dropFirst())
        case .library(.convolution(.inputGradient, _, _)): product(inputs[1].shape.dimensions + inputs[2].shape.dimensions.dropFirst())
        case .library(.convolution(.filterGradient, _, _)): product(inputs[2].shape.dimensions + shape.dimensions.dropFirst())
        case .library(.attention(let attention)): pairs(attention, inputs[2], inputs[3]) * width(inputs[2], inputs[4], 1, 1)
        case .library(.attentionGradient(let attention)): pairs(attention, inputs[3], inputs[4]) * width(inputs[3], inputs[5], 3, 2)
        case .library(.recurrence(let recurrence)): recurrenceProducts(inputs[recurrence.resultCount])
        case .library(.recurrenceGradient(let recurrence)): recurrenceProducts(inputs[1 + recurrence.cell.stateCount])
        case .scan(let body): Double(body.count) * body.multiplyAddsOfAStep
        default: 0
        }
    }

    /// U h of all steps, or what h gets of it: by the shapes of gx and the state.
    private func recurrenceProducts(_ gx: Node) -> Double {
        guard case .library(let operation) = primitive else { return 0 }
        return product(gx.shape.dimensions + inputs[operation.resultCount + 1].shape.dimensions.suffix(1))
    }

    private func pairs(_ attention: Attention, _ query: Node, _ key: Node) -> Double {
        Double(query.shape[0] * query.shape[1]) * attention.pairCount(queries: query.shape[2], keys: key.shape[2])
    }

    private func width(_ query: Node, _ value: Node, _ a: Int, _ b: Int) -> Double { Double(a * query.shape[3] + b * value.shape[3]) }

    private func product(_ extents: [Int]) -> Double { extents.reduce(1) { $0 * Double($1) } }
}

extension ScanBody {
    /// Those of a step, without what stands in compositions alone.
    fileprivate var multiplyAddsOfAStep: Double {
        var isRead = [Bool](repeating: false, count: lines.count), isNeeded = isRead
        for line in lines { for input in line.inputs { isRead[input] = true } }
        for line in nextStates { isNeeded[line] = true }
        var sum = 0.0
        for (place, line) in lines.enumerated().reversed() where (isNeeded[place] || !isRead[place]) && line.source == nil {
            var inputs = line.inputs[...]
            if case .library(let operation) = line.node.primitive { inputs = inputs.dropFirst(operation.resultCount) }
            for input in inputs { isNeeded[input] = true }
            sum += line.node.multiplyAdds
        }
        return sum
    }
}
