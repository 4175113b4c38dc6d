import SomaGraph

/// What a map, a reduction or a row says of itself.
struct LoopDescriptor: StepDescriptor {
    let name: String
    let nest: LoopNest

    var label: String {
        name == "map" ? "map \(text(nest.outer))\(nest.body.fused)" : "\(name) \(text(nest.outer)) over \(text(nest.inner))\(nest.body.fused)"
    }
    var reads: [Operand] { nest.body.loads }
    var writes: [Operand] { nest.body.stores.map(\.target) }
    var otherOperations: Double { nest.operationCount }
    var byteCounts: (read: Int, written: Int) { nest.byteCounts }
}

extension LoopNest {
    var byteCounts: (read: Int, written: Int) {
        func sum(_ operands: [Operand]) -> Int { Set(operands).reduce(0) { $0 + $1.byteCount(outer + inner) } }
        return (sum(body.loads), sum(body.stores.map(\.target)))
    }

    var operationCount: Double {
        let levels = BodyStages(self).levels
        return body.instructions.indices.reduce(0) { sum, place in
            let instruction = body.instructions[place]
            let cost: Int
            switch instruction.operation {
            case .load, .scalar, .index, .accumulator, .random, .cast, .select: cost = 0
            case .multiplyAdd: cost = 2
            case .unary, .binary, .reduce: cost = 1
            }
            guard cost > 0, body.instructions[instruction.arguments[0]].dtype.isFloatingPoint else { return sum }
            var positions = 1.0
            if case .reduce = instruction.operation {
                positions = Double(outerCount * innerCount)
            } else if levels[place] != .uniform {
                positions = Double(levels[place] == .element ? outerCount * innerCount : outerCount)
            }
            return sum + Double(cost) * positions
        }
    }
}
