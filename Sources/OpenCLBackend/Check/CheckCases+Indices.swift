import SomaBackend
import SomaGraph

extension CheckCase {
    /// Of several positions in any order, with one that occurs often and one that is out of range.
    private static let indices = [3, 0, 3, 3, 7, 1, 0]

    static var gathers: [CheckCase] {
        [(2, 5), (1, 1)].map { outer, inner in
            let (extent, count) = (4, indices.count)
            let x = CheckArray.halves(outer * extent * inner, 7)
            let y = (0..<outer * count * inner).map { place -> Double in
                let index = indices[place / inner % count]
                return index < extent ? x.values[(place / inner / count * extent + index) * inner + place % inner] : .nan
            }
            let step = GatherStep(
                outer: outer, extent: extent, inner: inner, count: count, input: operand(0, [x.values.count]), indices: operand(1, [count], .int32),
                output: operand(2, [y.count]))
            return CheckCase(
                name: "rows of \(inner) gathered", step: .gather(step), memory: [x, CheckArray(indices.map(Double.init), .int32), .blank(y.count)],
                expected: [2: CheckArray(y)])
        }
    }

    /// The gradient of a gather.
    static var scatters: [CheckCase] {
        [(2, 5), (1, 1)].map { outer, inner in
            let (extent, count) = (4, indices.count)
            let (updates, target) = (CheckArray.halves(outer * count * inner, 7), CheckArray.halves(outer * extent * inner, 3))
            var sums = target
            for place in updates.values.indices {
                let index = indices[place / inner % count]
                if index < extent { sums.values[(place / inner / count * extent + index) * inner + place % inner] += updates.values[place] }
            }
            let step = ScatterAddStep(
                outer: outer, extent: extent, inner: inner, count: count, indices: operand(0, [count], .int32), updates: operand(1, [updates.values.count]),
                target: operand(2, [target.values.count]))
            return CheckCase(
                name: "rows of \(inner) added at indices", step: .scatterAdd(step),
                memory: [CheckArray(indices.map(Double.init), .int32), updates, target], expected: [2: sums])
        }
    }

    static var blockCopies: [CheckCase] {
        [true, false].map { movesSource in
            let (block, whole, starts) = ([3, 4], [6, 9], [2, 9])
            let limits = [3, 5], begin = 2 * whole[1] + 5
            let source = CheckArray.halves(movesSource ? 54 : 12, 7), target = CheckArray.halves(movesSource ? 12 : 54, 3)
            var result = target
            for place in 0..<12 {
                let moved = begin + place / block[1] * whole[1] + place % block[1]
                result.values[movesSource ? place : moved] = source.values[movesSource ? moved : place]
            }
            let wide = Access(strides: [whole[1], 1]), narrow = Access(strides: [block[1], 1])
            let step = BlockCopyStep(
                extents: block, source: Operand(slot: 0, dtype: .float32, access: movesSource ? wide : narrow),
                target: Operand(slot: 1, dtype: .float32, access: movesSource ? narrow : wide), starts: operand(2, [2], .int32), limits: limits,
                startStrides: [whole[1], 1], movesSource: movesSource)
            return CheckCase(
                name: "a block \(movesSource ? "read" : "written")", step: .blockCopy(step),
                memory: [source, target, CheckArray(starts.map(Double.init), .int32)], expected: [1: result])
        }
    }
}
