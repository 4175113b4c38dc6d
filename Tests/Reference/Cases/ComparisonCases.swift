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
            OperationCase("isFinite of uint8", Value([255, 0], dtype: .uint8)) { $0[0].isFinite },
            OperationCase("isFinite of int32", Value([2_147_483_647, -2_147_483_648], dtype: .int32)) { $0[0].isFinite .&& .!$0[0].isNaN },
            OperationCase("isFinite of int64", Value([-9_223_372_036_854_775_808, 1], dtype: .int64)) { $0[0].isFinite },
            OperationCase("isFinite of bool", Value([1, 0], dtype: .bool)) { $0[0].isFinite },
            OperationCase("int32 beside infinities", Value([2_147_483_647, -2_147_483_648, 0], dtype: .int32)) { x in
                Tensor(stacking: [
                    x[0] .< .infinity, x[0] .<= .infinity, x[0] .> -.infinity, x[0] .!= .infinity, x[0] .== .infinity, x[0] .>= .infinity,
                    x[0] .< -.infinity, x[0] .== -.infinity,
                ])
            },
            OperationCase("uint8 clamped beyond its range", Value([0, 7, 255], dtype: .uint8)) { x in
                Tensor(stacking: [x[0].clamped(to: -3...9), x[0].clamped(to: 200...300), x[0].clamped(to: -(.infinity)...(.infinity))])
            },
            OperationCase("int64 clamped beyond its range", Value([-9_223_372_036_854_775_808, 5], dtype: .int64)) { $0[0].clamped(to: -1e30...1e30) },
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
        } + [DType.int32, .uint32, .int64, .uint8].map { target in
            // Computed on the device, and enough for vectors and a rest; no product is near a whole number.
            OperationCase("cast of computed NaN and infinities to \(target)",
                Value([.nan, .infinity, -.infinity, Double(Float(2e38)), -Double(Float(2e38)), 0.5, -0.5, 2.1, 300.3, -300.3].map { Double(Float($0)) }),
                differentiable: false
            ) { (Tensor(concatenating: [Tensor](repeating: $0[0], count: 7)) * 1.25).as(target) }
        } + [
            OperationCase("cast of a map's result", .sample([3, 5], in: -5...5)) {
                ($0[0].as(.int32) * 2).as(.float32) + $0[0]
            }
        ]
}
