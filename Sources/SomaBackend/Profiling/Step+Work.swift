import SomaGraph

extension Step {
    /// What the step cannot do without. Each operation of a fused body on real numbers counts as one, a multiply-add as two; what several
    /// operands share, or windows have in common, is moved once. Integers are not counted, those that make random words among them: what
    /// bounds them is not what a device is measured by.
    public var work: Work {
        let (reads, writes) = byteCounts
        return Work(operations: productOperations + bodyOperations, bytesRead: Double(reads), bytesWritten: Double(writes))
    }

    private var bodyOperations: Double {
        switch self {
        case .map(let nest), .reduce(let nest), .row(let nest): nest.operationCount
        case .matmul(let step): step.nest.operationCount
        case .convolution(let step): step.nest.operationCount
        // A comparison or an addition for each element of each window.
        case .pooling(let step): Double(step.batch * step.channels * step.output.reduce(1, *) * step.windows.size.reduce(1, *))
        case .scatterAdd(let step): step.updates.dtype.isFloatingPoint ? Double(step.outer * step.count * step.inner) : 0
        case .scan(let step): Double(step.count) * step.body.reduce(0) { $0 + $1.bodyOperations }
        case .gather, .blockCopy, .custom: 0
        }
    }

    private var byteCounts: (read: Int, written: Int) {
        switch self {
        case .map(let nest), .reduce(let nest), .row(let nest): return nest.byteCounts
        case .matmul(let step):
            let (read, written) = step.nest.byteCounts
            return (read + step.a.byteCount([step.batch, step.m, step.k]) + step.b.byteCount([step.batch, step.k, step.n]), written)
        case .convolution(let step):
            let (read, written) = step.nest.byteCounts
            let all = step.inputShape.count + step.outputShape.count + step.filterShape.count
            return (read + 4 * (all - step.extents.reduce(1, *)), written)
        case .pooling(let step):
            let (x, y) = (step.batch * step.channels * step.input.reduce(1, *) * 4, step.batch * step.channels * step.output.reduce(1, *) * 4)
            guard step.isGradient else { return (x, y) }
            return ((step.function == .max ? x : 0) + y, x)
        case .gather(let step):
            let moved = step.outer * step.count * step.inner * step.output.dtype.byteCount
            return (moved + step.count * step.indices.dtype.byteCount, moved)
        case .scatterAdd(let step):
            let moved = step.outer * step.count * step.inner * step.updates.dtype.byteCount
            return (2 * moved + step.count * step.indices.dtype.byteCount, moved)
        case .blockCopy(let step):
            let moved = step.extents.reduce(1, *) * step.source.dtype.byteCount
            return (moved, moved)
        case .scan(let step):
            // What a run leaves for the next may stay near; elements of sequences and results come from afar.
            return step.byteCounts
        case .custom(let step):
            let read = zip(step.inputs, step.inputShapes).reduce(0) { $0 + $1.0.dtype.byteCount * $1.1.count }
            return (read, step.output.dtype.byteCount * step.outputShape.count)
        }
    }
}

extension Operand {
    /// Bytes of the distinct elements that are accessed over these extents.
    fileprivate func byteCount(_ extents: [Int]) -> Int {
        var (count, reach) = (1, 1)
        for (stride, extent) in zip(access.strides, extents) where stride != 0 {
            count *= extent
            reach += abs(stride) * max(extent - 1, 0)
        }
        return min(count, reach) * dtype.byteCount
    }
}

extension LoopNest {
    fileprivate var byteCounts: (read: Int, written: Int) {
        func sum(_ operands: [Operand]) -> Int { Set(operands).reduce(0) { $0 + $1.byteCount(outer + inner) } }
        return (sum(body.loads), sum(body.stores.map(\.target)))
    }

    fileprivate var operationCount: Double {
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
