import Soma
import SomaGraph

extension OperationCase {
    static let views: [OperationCase] = [
        OperationCase("reshape", .sample([3, 4])) { $0[0].reshaped(to: [2, -1]) },
        OperationCase("reshape to one number", .sample([1, 1])) { $0[0].reshaped(to: []) },
        OperationCase("reshape of nothing", .sample([0, 4])) { $0[0].reshaped(to: [2, 0]) },
        OperationCase("reshape, transposed", .sample([3, 4])) { $0[0].transposed().reshaped(to: [6, 2]) },
        OperationCase("flatten", .sample([2, 3, 2])) { $0[0].flattened() },
        OperationCase("flatten from axis 1", .sample([2, 3, 2])) { $0[0].flattened(fromAxis: 1) },
        OperationCase("transpose", .sample([3, 4])) { $0[0].transposed() },
        OperationCase("transpose a batch", .sample([2, 3, 4])) { $0[0].transposed() },
        OperationCase("swap axes", .sample([2, 3, 4])) { $0[0].transposed(0, 2) },
        OperationCase("permute", .sample([2, 3, 4])) { $0[0].permuted(axes: [2, 0, 1]) },
        OperationCase("permute twice", .sample([2, 3, 4])) {
            $0[0].permuted(axes: [2, 0, 1]).permuted(axes: [-1, 0, 1])
        },
        OperationCase("expand", .sample([3, 1])) { $0[0].expanded(to: [2, 3, 4]) },
        OperationCase("expand one number", .sample([])) { $0[0].expanded(to: [2, 3]) },
        OperationCase("expand to nothing", .sample([1, 2])) { $0[0].expanded(to: [0, 2]) },
        OperationCase("squeeze", .sample([1, 3, 1])) { $0[0].squeezed() },
        OperationCase("squeeze one axis", .sample([1, 3, 1])) { $0[0].squeezed(alongAxes: -1) },
        OperationCase("expanding dimensions", .sample([2, 3])) { $0[0].expandingDims(at: 1) },
        OperationCase("expanding dimensions at the end", .sample([2, 3])) { $0[0].expandingDims(at: -1) },
        OperationCase("contiguous", .sample([3, 4])) { $0[0].transposed().contiguous() },
        OperationCase("transpose 70 by 33", .sample([70, 33]), differentiable: false) {
            $0[0].transposed().contiguous()
        },
        OperationCase("view of int32", .sample([3, 4], in: -9...9, dtype: .int32)) { $0[0].transposed()[1..., 0] },
        OperationCase("view of bool", Value([1, 0, 0, 1, 1, 0], shape: [2, 3], dtype: .bool)) { $0[0].transposed() },
    ]

    private static let places: [(name: String, indices: [TensorIndex])] = [
        ("x[1]", [.at(1)]), ("x[-1]", [.at(-1)]), ("x[1..<3]", [.range(from: 1, to: 3)]),
        ("x[..., 0]", [.ellipsis, .at(0)]),
        ("x[::2]", [.every(2)]), ("x[::3]", [.every(3)]), ("x[::-1]", [.every(-1)]), ("x[::-2]", [.every(-2)]),
        ("x[1::2, ::-3]", [.range(from: 1, by: 2), .every(-3)]),
        ("x[:, 3:0:-1]", [.all, .range(from: 3, to: 0, by: -1)]),
        ("x[3:3]", [.range(from: 3, to: 3)]), ("x[:, None, -2:]", [.all, .newAxis, .range(from: -2)]),
        ("x[1, 2]", [.at(1), .at(2)]),
        ("x[:-1, 1:-1]", [.range(to: -1), .range(from: 1, to: -1)]), ("x[4:1:-2]", [.range(from: 4, to: 1, by: -2)]),
    ]

    static let subscripts: [OperationCase] =
        places.map { name, indices in
            OperationCase(name, .sample([5, 7])) { $0[0].sliced(by: indices) }
        } + [
            OperationCase("slice of a slice", .sample([9])) { $0[0][1..<8][.every(-2)] },
            OperationCase("slice by stride", .sample([9])) { $0[0][stride(from: 7, through: 1, by: -3)] },
            OperationCase("slice, transposed, mapped", .sample([5, 7])) { exp($0[0][1..<4, .every(2)].transposed()) },
            OperationCase("overlapping slices", .sample([9])) { $0[0][1...] * $0[0][..<8] },
            OperationCase("slices side by side", .sample([4, 3])) { x in
                x[0][3] * sin(x[0][0]) + x[0][1] * x[0][2]
            },
            OperationCase("slices with gaps", .sample([3, 11])) { x in
                exp(x[0][.all, 1..<3]) * x[0][.all, 4..<6] + x[0][.all, 8..<10]
            },
            OperationCase("slices like tiles, one missing, and the whole", .sample([4, 6])) { x in
                let a: Tensor = x[0][..<2, ..<3], b: Tensor = x[0][..<2, 3...], c: Tensor = x[0][2..., ..<3]
                return exp(a) * b * c + x[0].sum()
            },
            OperationCase("windows as slices", .sample([8])) { x in
                let windows: [Tensor] = (0..<6).map { start in exp(x[0][start..<start + 3]) }
                return windows.dropFirst().reduce(windows[0]) { sum, window in sum * window }
            },
            OperationCase("slices of several axes, overlapping in some", .sample([4, 5])) { x in
                let a: Tensor = x[0][1..<3, ..<3], b: Tensor = x[0][1..<3, 2...], c: Tensor = x[0][..<2, 1..<4]
                return a * b + exp(c)
            },
            OperationCase("slice of nothing", .sample([0, 4])) { $0[0][.all, 1..<3] },
        ]

    static let joints: [OperationCase] = [
        OperationCase("concatenate rows", .sample([2, 3]), .sample([1, 3], seed: 1), .sample([3, 3], seed: 2)) {
            Tensor(concatenating: $0)
        },
        OperationCase("concatenate columns", .sample([2, 3]), .sample([2, 1], seed: 1)) {
            Tensor(concatenating: $0, alongAxis: -1)
        },
        OperationCase("concatenate with nothing", .sample([2, 3]), .sample([0, 3])) { Tensor(concatenating: $0) },
        OperationCase("concatenate itself", .sample([2, 2])) {
            Tensor(concatenating: [$0[0], $0[0].transposed(), $0[0]])
        },
        OperationCase("concatenate maps", .sample([3]), .sample([2], seed: 1)) {
            Tensor(concatenating: [exp($0[0]), sin($0[1])]) * 2
        },
        OperationCase("concatenate 20", .sample([2, 5]), terms: 20) { x in
            Tensor(concatenating: (0..<20).map { x[0] * Double($0) })
        },
        OperationCase("stack", .sample([2, 3]), .sample([2, 3], seed: 1)) { Tensor(stacking: $0, alongAxis: 1) },
        OperationCase("stack numbers", .sample([]), .sample([], seed: 1)) { Tensor(stacking: $0) },
        OperationCase("stack at the end", .sample([2, 3]), .sample([2, 3], seed: 1)) {
            Tensor(stacking: $0, alongAxis: -1)
        },
        OperationCase("split evenly", .sample([2, 6])) { x in
            let parts = x[0].split(into: 3, alongAxis: 1)
            return parts[0] * parts[1] - parts[2]
        },
        OperationCase("split by sizes", .sample([5, 2])) { $0[0].split(sizes: [1, 0, 4])[2] },
        OperationCase("flip", .sample([3, 4])) { $0[0].flipped(alongAxes: 1) },
        OperationCase("flip all", .sample([3, 4])) { $0[0].flipped() },
        OperationCase("tile", .sample([2, 3])) { $0[0].tiled([2, 3]) },
        OperationCase("repeat", .sample([2, 3])) { $0[0].repeated(3, alongAxis: 1) },
        OperationCase("pad", .sample([2, 3])) { $0[0].padded([(1, 2), (0, 3)]) },
        OperationCase("pad with a number", .sample([2, 3])) { $0[0].padded([(1, 0), (2, 1)], with: -1.5) },
        OperationCase("pad, transposed, mapped", .sample([2, 3])) { exp($0[0].transposed().padded([(1, 1), (1, 0)])) },
        OperationCase("pad nothing", .sample([0, 2])) { $0[0].padded([(1, 1), (0, 0)], with: 3) },
        OperationCase("pad with a tensor", .sample([2, 2]), .sample([], seed: 1)) { x in
            Tensor(node: .pad(x[0].node, before: [1, 0], after: [0, 2], value: x[1].node))
        },
    ]
}
