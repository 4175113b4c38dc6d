import Soma
import SomaReference
import Testing

/// Tensors of nested arrays, and numbers of Swift beside tensors.
@Suite struct LiteralTests {
    private let device = Device(running: InterpretingBackend())

    @Test func nestedArraysHaveTheirShapeAndDtype() throws {
        try withDevice(device) { () throws in
            let whole = Tensor([1, 2, 3])
            #expect(whole.shape == [3] && whole.dtype == .int64)
            #expect(try whole.scalars(as: Int.self) == [1, 2, 3])
            let real = Tensor([[1.0, 2.0], [3.0, 4.5]])
            #expect(real.shape == [2, 2] && real.dtype == .float32)
            #expect(try real.scalars(as: Float.self) == [1, 2, 3, 4.5])
            let deep = Tensor([[[1, 2, 3]], [[4, 5, 6]]])
            #expect(deep.shape == [2, 1, 3] && deep.dtype == .int64)
            #expect(Tensor([1.0, 2, 3]).dtype == .float32 && Tensor([true, false]).dtype == .bool)
            #expect(Tensor([[1, 2]] as [[Float]]).dtype == .float32 && Tensor([UInt8(1)]).dtype == .uint8)
            let rows: [[Float]] = [[1, 2, 3], [4, 5, 6]]
            #expect(try Tensor(rows).transposed().scalars() == [1, 4, 2, 5, 3, 6])
            #expect(Tensor([1, 2, 3, 4], shape: [2, 2]).shape == [2, 2])
        }
    }

    @Test func emptyArraysHaveTheRankOfTheirType() throws {
        try withDevice(device) { () throws in
            #expect(Tensor([] as [Float]).shape == [0])
            #expect(Tensor([] as [[Float]]).shape == [0, 0])
            #expect(Tensor([[], []] as [[Int]]).shape == [2, 0])
        }
    }

    /// Every number reaches the dtype that is asked for without passing through one that rounds it.
    @Test func anotherDtypeHoldsTheSameNumbers() throws {
        try withDevice(device) { () throws in
            #expect(try Tensor([1, 2, 3], dtype: .float32).scalars(as: Float.self) == [1, 2, 3])
            #expect(try Tensor([[16_777_217.0]], dtype: .int32).scalars(as: Int32.self) == [16_777_217])
            #expect(try Tensor([9_007_199_254_740_993], dtype: .int64).scalars(as: Int64.self) == [9_007_199_254_740_993])
            #expect(try Tensor([9_007_199_791_611_905], dtype: .float32).scalars(as: Float.self) == [9_007_200_328_482_816])
            #expect(try Tensor([0, 1], dtype: .bool).scalars(as: Bool.self) == [false, true])
            #expect(try Tensor([true, false], dtype: .float32).scalars(as: Float.self) == [1, 0])
            #expect(try Tensor([Float(1.5)], dtype: .float32).scalars(as: Float.self) == [1.5])
        }
    }

    @Test func elementsOfAnyDtypeAreReadAsDoubles() throws {
        try withDevice(device) { () throws in
            for dtype in DType.allCases {
                let values = try Tensor([[0, 1]], dtype: dtype).scalars()
                #expect(values == [0, 1], "\(dtype)")
            }
        }
    }

    @Test func numbersOfEveryTypeStandOnBothSides() throws {
        try withDevice(device) { () throws in
            let x = Tensor([1.0, 2.0, 4.0])
            let (float, double, int) = (Float(2), 0.5, 3)
            func values(_ x: Tensor) throws -> [Double] { try x.scalars() }
            #expect(try values(x * float) == [2, 4, 8] && values(float * x) == [2, 4, 8])
            #expect(try values(x + int) == [4, 5, 7] && values(int + x) == [4, 5, 7])
            #expect(try values(x - double) == [0.5, 1.5, 3.5] && values(double - x) == [-0.5, -1.5, -3.5])
            #expect(try values(x / float) == [0.5, 1, 2] && values(int / x) == [3, 1.5, 0.75])
            #expect(try values(pow(x, int)) == [1, 8, 64] && values(pow(float, x)) == [2, 4, 16])
            #expect(try values(maximum(x, float)) == [2, 2, 4] && values(maximum(int, x)) == [3, 3, 4])
            #expect(try values(minimum(x, float)) == [1, 2, 2] && values(minimum(int, x)) == [1, 2, 3])
            #expect(try values(remainder(x, float)) == [1, 0, 0] && values(remainder(int, x)) == [0, 1, 3])
            #expect(try values(x .< float) == [1, 0, 0] && values(float .< x) == [0, 0, 1])
            #expect(try values(x .<= int) == [1, 1, 0] && values(int .<= x) == [0, 0, 1])
            #expect(try values(x .> double) == [1, 1, 1] && values(int .> x) == [1, 1, 0])
            #expect(try values(x .>= float) == [0, 1, 1] && values(float .>= x) == [1, 1, 0])
            #expect(try values(x .== float) == [0, 1, 0] && values(float .!= x) == [1, 0, 1])
            #expect(try values(Tensor.select(x .> float, x, int)) == [3, 3, 4] && values(Tensor.select(x .> float, 0, x)) == [1, 2, 0])
            #expect(try values(x.clamped(to: 2...3)) == [2, 2, 3] && values(x.replacing(with: float, where: x .> int)) == [1, 2, 2])
            #expect(try values(x * .pi) == [1, 2, 4].map { Double(Float(Double.pi)) * $0 })
            #expect(try values(Tensor.full([2], float)) == [2, 2] && Tensor(float).item() == 2 && Tensor(int).item() == 3)
            #expect(try values(x .> -.infinity) == [1, 1, 1] && values(maximum(x, -.infinity)) == [1, 2, 4])
            #expect(try values(Tensor.full([1], -.infinity)) == [-.infinity] && values(x.clamped(to: -.infinity ... 2)) == [1, 2, 2])
            var y = x
            y += float
            y -= int
            y *= double
            y /= float
            #expect(try values(y) == [0, 0.25, 0.75])
        }
    }

    /// No number of 64 bits goes by way of a Double.
    @Test func wholeNumbersStayExact() throws {
        // The interpreter reckons in Doubles.
        try withDevice(.named("cpu")) { () throws in
            let large = 9_007_199_254_740_993
            #expect(try (Tensor([large]) - (large - 1)).scalars(as: Int.self) == [1])
            #expect(try Tensor(large, dtype: .int64).scalars(as: Int.self) == [large])
            #expect(try minimum(Tensor([Int.max]), Int.max - 1).scalars(as: Int.self) == [Int.max - 1])
            #expect(try maximum(Tensor([Int.min]), Int.min + 1).scalars(as: Int.self) == [Int.min + 1])
            #expect(try minimum(Tensor([Int32(5)]), Int.max).scalars(as: Int32.self) == [5])
        }
    }

    /// The type checker takes a few milliseconds for this; as a sum of overloads for each type of number it would give up.
    @Test func longExpressionsCompile() throws {
        try withDevice(device) { () throws in
            let (a, b, c, d, x) = (Tensor([1.0]), Tensor([2.0]), Tensor([3.0]), Tensor([4.0]), Tensor([5.0]))
            let short = try (a * x + b * 2 - c / 3 + 0.5 * d).item()
            let long = try (1 - a * 2 * x + (b * 2 - 1) * (c / 3 + 1) + 0.5 * d * 3 - 2 / (x - 1)).item()
            #expect(short == 10 && long == 2.5)
        }
    }

    @Test func everyIntegerIsAnIndex() throws {
        try withDevice(device) { () throws in
            let x = Tensor([10.0, 20.0, 30.0])
            for dtype in [DType.int32, .int64, .uint8, .uint32] {
                #expect(try x.gathered(atIndices: Tensor([2, 0], dtype: dtype)).scalars() == [30, 10], "\(dtype)")
                #expect(try x.dynamicSlice(at: Tensor([1], dtype: dtype), shape: [2]).scalars() == [20, 30], "\(dtype)")
            }
            // 2³² + 1 is not 1.
            let beyond = try x.gathered(atIndices: Tensor([4_294_967_297])).item()
            #expect(beyond.isNaN)
            #expect(try x.scatteredAdd(Tensor([1.0]), atIndices: Tensor([-4_294_967_295])).scalars() == [10, 20, 30])
        }
    }
}
