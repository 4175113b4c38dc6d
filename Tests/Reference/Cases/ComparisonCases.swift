import Soma
import SomaGraph

extension OperationCase {
    private static let relations: [(name: String, apply: @Sendable (Tensor, Tensor) -> Tensor)] = [
        ("equal", { $0 .== $1 }), ("not equal", { $0 .!= $1 }), ("less", { $0 .< $1 }),
        ("less or equal", { $0 .<= $1 }),
        ("greater", { $0 .> $1 }), ("greater or equal", { $0 .>= $1 }),
    ]

    static let comparisons: [OperationCase] =
        relations.flatMap { name, apply in
            [
                OperationCase("\(name)", Value([1, 2, 3, 2, 1, 2], shape: [2, 3]), Value([2, 2, 2])) {
                    apply($0[0], $0[1])
                },
                OperationCase(
                    "\(name), special numbers", Value(Value.special.elements, shape: [21, 1]),
                    Value(Value.special.elements, shape: [1, 21])
                ) { apply($0[0], $0[1]) },
                OperationCase(
                    "\(name), int32", .sample([9], in: -3...3, dtype: .int32),
                    .sample([9], in: -3...3, seed: 2, dtype: .int32)
                ) { apply($0[0], $0[1]) },
                OperationCase(
                    "\(name), uint32", Value([0, 4_294_967_295, 7], dtype: .uint32),
                    Value([4_294_967_295, 0, 7], dtype: .uint32)
                ) { apply($0[0], $0[1]) },
            ]
        } + [
            OperationCase("and, or, not", Value([1, 0, 1, 0], dtype: .bool), Value([1, 1, 0, 0], dtype: .bool)) { x in
                Tensor(concatenating: [x[0] .&& x[1], x[0] .|| x[1], .!x[0], .!(x[0] .&& .!x[1])])
            },
            OperationCase("isNaN", .special) { $0[0].isNaN },
            OperationCase("isFinite", .special) { $0[0].isFinite },
            OperationCase("compared with a number", .sample([7])) {
                ($0[0] .> 0) .&& ($0[0] .<= 1) .&& ($0[0] .!= 0.5)
            },
        ]

    static let casts: [OperationCase] =
        DType.allCases.flatMap { source in
            DType.allCases.map { target in
                let numbers: [Double] =
                    switch source {
                    case .float32: [0, 1, -1.75, 2.5, 1e20, -1e20, .nan, .infinity, -.infinity, 255, 256, 300.9]
                    case .int32: [0, 1, -1, 255, 256, -300, 2_147_483_647, -2_147_483_648, 16_777_217]
                    case .int64: [0, 1, -1, 255, 256, -300, 4_294_967_296 + 5, -2_147_483_649, 9_007_199_254_740_991]
                    case .uint32: [0, 1, 255, 256, 4_294_967_295, 2_147_483_648, 16_777_217]
                    case .uint8: [0, 1, 127, 128, 255]
                    case .bool: [0, 1]
                    }
                return OperationCase(
                    "cast \(source) to \(target)",
                    Value(numbers.map { source == .float32 ? Double(Float($0)) : $0 }, dtype: source),
                    differentiable: false
                ) {
                    $0[0].as(target)
                }
            }
        } + [
            OperationCase("cast of a map's result", .sample([3, 5], in: -5...5)) {
                ($0[0].as(.int32) * 2).as(.float32) + $0[0]
            }
        ]
}
