import Glibc
import SomaBackend
import SomaGraph

extension CheckCase {
    /// Several blocks of keys, of which the last has the greatest scores of some queries; a sequence without keys; then odd widths and a key that a
    /// bias of −∞ hides.
    static let attentions: [CheckCase] = {
        let masked = Attention(scale: 0.25, isCausal: true, window: 40, hasLengths: true), biased = Attention(scale: 0.25, hasBias: true)
        let samples = [
            Sample(attention: masked, heads: 2, keyHeads: 1, width: 8, valueWidth: 4), Sample(attention: biased, heads: 2, keyHeads: 2, width: 5, valueWidth: 3),
        ]
        return samples.flatMap { [attention($0, isGradient: false), attention($0, isGradient: true)] }
    }()

    private struct Sample {
        var attention: Attention
        var heads, keyHeads, width, valueWidth: Int
        let batch = 2, queries = 37, keys = 70

        var lengths: [Int] { attention.hasLengths ? [keys - 3, 0] : [keys, keys] }
        var shapes: (q: [Int], k: [Int], v: [Int], o: [Int]) {
            ([batch, heads, queries, width], [batch, keyHeads, keys, width], [batch, keyHeads, keys, valueWidth], [batch, heads, queries, valueWidth])
        }
    }

    private static func attention(_ sample: Sample, isGradient: Bool) -> CheckCase {
        let (shapes, attention) = (sample.shapes, sample.attention)
        let rowShape = Array(shapes.o.dropLast()), pairShape = rowShape + [2]
        var inputs = zip([shapes.q, shapes.k, shapes.v, shapes.o], [7, 3, 5, 4]).map { CheckArray.halves($0.reduce(1, *), $1) }
        // Greater scores come with the last keys.
        for place in inputs[1].values.indices where place / sample.width % sample.keys >= sample.keys - 10 { inputs[1].values[place] *= 2 }
        var bias = CheckArray.halves(sample.batch * sample.heads * sample.queries * sample.keys, 9)
        for place in stride(from: 1, to: bias.values.count, by: sample.keys) { bias.values[place] = -.infinity }
        let found = results(sample, q: inputs[0].values, k: inputs[1].values, v: inputs[2].values, g: inputs[3].values, bias: bias.values)
        var read: [(CheckArray, [Int])] = [(inputs[0], shapes.q), (inputs[1], shapes.k), (inputs[2], shapes.v)]
        if isGradient { read += [(found.l, pairShape), (found.d, rowShape), (inputs[3], shapes.o)] }
        if attention.hasLengths { read.append((CheckArray(sample.lengths.map(Double.init), .int32), [sample.batch])) }
        if attention.hasBias { read.append((bias, [sample.batch, sample.heads, sample.queries, sample.keys])) }
        let gradients = [(found.dq, shapes.q), (found.dk, shapes.k), (found.dv, shapes.v)]
        let written = isGradient ? gradients : [(found.o, shapes.o), (found.l, pairShape)]
        let operands = (read + written).enumerated().map { operand($0, $1.1, $1.0.dtype) }
        let step = AttentionStep(
            attention: attention, isGradient: isGradient, batch: sample.batch, heads: sample.heads, keyHeads: sample.keyHeads, queries: sample.queries,
            keys: sample.keys, width: sample.width, valueWidth: sample.valueWidth, inputs: Array(operands.prefix(read.count)),
            results: Array(operands.dropFirst(read.count)))
        return CheckCase(
            name: step.label, step: .attention(step), memory: read.map(\.0) + written.map { .blank($0.0.values.count) },
            expected: Dictionary(uniqueKeysWithValues: written.enumerated().map { (read.count + $0, $1.0) }), tolerance: isGradient ? 1e-4 : 1e-5)
    }

    /// The definition, query by query.
    private static func results(
        _ sample: Sample, q: [Double], k: [Double], v: [Double], g: [Double], bias: [Double]
    ) -> (o: CheckArray, l: CheckArray, d: CheckArray, dq: CheckArray, dk: CheckArray, dv: CheckArray) {
        let (width, valueWidth, scale) = (sample.width, sample.valueWidth, Double(sample.attention.scale))
        var (o, l, d) = ([Double](repeating: 0, count: g.count), [Double](), [Double]())
        var (dq, dk, dv) = (q.map { _ in 0.0 }, k.map { _ in 0.0 }, v.map { _ in 0.0 })
        for row in 0..<sample.batch * sample.heads * sample.queries {
            let (i, head) = (row % sample.queries, row / sample.queries)
            let batch = head / sample.heads, keyHead = batch * sample.keyHeads + head % sample.heads / (sample.heads / sample.keyHeads)
            let seen = sample.attention.keys(ofQuery: i, queries: sample.queries, keys: sample.keys).filter { $0 < sample.lengths[batch] }
            let scores = seen.map { j in
                (0..<width).reduce(sample.attention.hasBias ? bias[row * sample.keys + j] : 0) {
                    $0 + scale * q[row * width + $1] * k[(keyHead * sample.keys + j) * width + $1]
                }
            }
            let highest = scores.max() ?? 0, sum = scores.reduce(0) { $0 + exp($1 - highest) }
            l += seen.isEmpty ? [0, .infinity] : [highest, log(sum)]
            let weights = scores.map { exp($0 - highest) / sum }
            for (j, weight) in zip(seen, weights) {
                for e in 0..<valueWidth {
                    o[row * valueWidth + e] += weight * v[(keyHead * sample.keys + j) * valueWidth + e]
                    dv[(keyHead * sample.keys + j) * valueWidth + e] += weight * g[row * valueWidth + e]
                }
            }
            d.append((0..<valueWidth).reduce(0) { $0 + g[row * valueWidth + $1] * o[row * valueWidth + $1] })
            for (j, weight) in zip(seen, weights) {
                let product = (0..<valueWidth).reduce(0) { $0 + g[row * valueWidth + $1] * v[(keyHead * sample.keys + j) * valueWidth + $1] }
                let ofScore = weight * (product - d[row]) * scale
                for c in 0..<width {
                    dq[row * width + c] += ofScore * k[(keyHead * sample.keys + j) * width + c]
                    dk[(keyHead * sample.keys + j) * width + c] += ofScore * q[row * width + c]
                }
            }
        }
        return (CheckArray(o), CheckArray(l), CheckArray(d), CheckArray(dq), CheckArray(dk), CheckArray(dv))
    }
}
