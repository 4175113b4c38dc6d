import Glibc
import SomaBackend
import SomaGraph

extension StepInterpreter {
    func attention(_ step: AttentionStep) {
        step.forEachQuery { b, h, i in
            let scores = scores(step, b, h, i)
            let highest = scores.values.max() ?? -.infinity
            let weights = scores.mapValues { highest == -.infinity ? 0 : exp($0 - highest) }
            let sum = weights.values.reduce(0, +)
            for e in 0..<step.valueWidth {
                let total = weights.keys.sorted().reduce(0.0) { $0 + (weights[$1] ?? 0) * real(step.inputs[2], [b, step.keyHead(h), $1, e]) }
                store(.real(Float(sum == 0 ? 0 : total / sum)), step.results[0], [b, h, i, e])
            }
            store(.real(Float(sum == 0 ? 0 : highest)), step.results[1], [b, h, i, 0])
            store(.real(Float(sum == 0 ? .infinity : log(sum))), step.results[1], [b, h, i, 1])
        }
    }

    func attentionGradient(_ step: AttentionStep) {
        var sums = step.results.map { _ in [[Int]: Double]() }
        step.forEachQuery { b, h, i in
            let (group, d) = (step.keyHead(h), real(step.inputs[4], [b, h, i]))
            let (highest, logarithm) = (real(step.inputs[3], [b, h, i, 0]), real(step.inputs[3], [b, h, i, 1]))
            for (j, score) in scores(step, b, h, i) {
                let weight = exp(score - highest - logarithm)
                let product = (0..<step.valueWidth).reduce(0.0) { $0 + real(step.inputs[5], [b, h, i, $1]) * real(step.inputs[2], [b, group, j, $1]) }
                let ofScore = weight * (product - d) * Double(step.attention.scale)
                for c in 0..<step.width {
                    sums[0][[b, h, i, c], default: 0] += ofScore * real(step.inputs[1], [b, group, j, c])
                    sums[1][[b, group, j, c], default: 0] += ofScore * real(step.inputs[0], [b, h, i, c])
                }
                for e in 0..<step.valueWidth { sums[2][[b, group, j, e], default: 0] += weight * real(step.inputs[5], [b, h, i, e]) }
            }
        }
        let shapes = [
            [step.batch, step.heads, step.queries, step.width], [step.batch, step.keyHeads, step.keys, step.width],
            [step.batch, step.keyHeads, step.keys, step.valueWidth],
        ]
        for (index, shape) in shapes.enumerated() {
            for place in 0..<shape.reduce(1, *) {
                var (rest, position) = (place, shape)
                for axis in shape.indices.reversed() { (rest, position[axis]) = rest.quotientAndRemainder(dividingBy: shape[axis]) }
                store(.real(Float(sums[index][position] ?? 0)), step.results[index], position)
            }
        }
    }

    /// The scores of the keys that a query sees.
    private func scores(_ step: AttentionStep, _ b: Int, _ h: Int, _ i: Int) -> [Int: Double] {
        var result: [Int: Double] = [:]
        for j in step.attention.keys(ofQuery: i, queries: step.queries, keys: step.keys) {
            if let lengths = step.lengths, Double(j) >= real(lengths, [b]) { continue }
            let product = (0..<step.width).reduce(0.0) { $0 + real(step.inputs[0], [b, h, i, $1]) * real(step.inputs[1], [b, step.keyHead(h), j, $1]) }
            result[j] = product * Double(step.attention.scale) + (step.bias.map { real($0, [b, h, i, j]) } ?? 0)
        }
        return result
    }

    func real(_ operand: Operand, _ position: [Int]) -> Double {
        switch load(operand, position) {
        case .real(let value): Double(value)
        case .whole(let value): Double(value)
        }
    }
}

extension AttentionStep {
    fileprivate func keyHead(_ head: Int) -> Int { head / (heads / keyHeads) }

    fileprivate func forEachQuery(_ body: (_ b: Int, _ h: Int, _ i: Int) -> Void) {
        for b in 0..<batch { for h in 0..<heads { for i in 0..<queries { body(b, h, i) } } }
    }
}
