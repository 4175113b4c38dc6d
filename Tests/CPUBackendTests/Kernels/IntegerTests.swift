import CPUKernels
import SomaGraph
import Testing

extension CPUBackendTests.KernelTests {
    @Test func integersWrapAndDivideByZeroGivesZero() {
        let x: [Int32] = [7, -7, .min, .min, .max, 5, 0], y: [Int32] = [2, 2, -1, 0, 1, 0, 3]
        func run(_ function: soma_binary) -> [Int32] {
            var result = x
            soma_loop_binary(function, SOMA_INT32, SOMA_ALL_VECTORS)?(x.count, &result, x, y, nil)
            return result
        }
        atEveryLevel { _ in
            #expect(run(SOMA_DIVIDE) == [3, -3, .min, 0, .max, 0, 0])
            #expect(run(SOMA_REMAINDER) == [1, -1, 0, 0, 0, 0, 0])
            #expect(run(SOMA_ADD) == zip(x, y).map { $0 &+ $1 })
            #expect(run(SOMA_MULTIPLY) == zip(x, y).map { $0 &* $1 })
            #expect(run(SOMA_SHIFT_LEFT) == zip(x, y).map { $0 &<< $1 })
            #expect(run(SOMA_SHIFT_RIGHT) == zip(x, y).map { $0 &>> $1 })
        }
    }

    @Test func realToIntegerTruncatesAndSaturates() {
        let x: [Float] = [1.9, -1.9, .nan, .infinity, -.infinity, 3e9, -3e9, 300, -1, 0.5, 1e20, -1e20, 255.9]
        func cast<Element: FixedWidthInteger>(_ type: soma_type, _ zero: Element) -> [Element] {
            var result = [Element](repeating: 99, count: x.count)
            soma_loop_cast(SOMA_FLOAT32, type)?(x.count, &result, x, nil, nil)
            return result
        }
        func expected<Element: FixedWidthInteger>(_ type: DType, _ zero: Element) -> [Element] {
            x.map { Element(truncatingIfNeeded: Scalar(Double($0), type).bits) }
        }
        atEveryLevel { level in
            #expect(cast(SOMA_INT32, Int32(0)) == expected(.int32, Int32(0)), "\(level)")
            #expect(cast(SOMA_UINT32, UInt32(0)) == expected(.uint32, UInt32(0)), "\(level)")
            #expect(cast(SOMA_INT64, Int64(0)) == expected(.int64, Int64(0)), "\(level)")
            #expect(cast(SOMA_UINT8, UInt8(0)) == expected(.uint8, UInt8(0)), "\(level)")
        }
    }

    @Test func randomWordsAreThoseOfPhilox() {
        // A long run, one that does not begin a block, and one that jumps.
        let numbers: [[UInt32]] = [Array(0..<300), Array(5..<200), [7, 3, 1_000_000, 4_294_967_295, 0]]
        atEveryLevel { level in
            for indices in numbers {
                var words = [UInt32](repeating: 0, count: indices.count)
                soma_loop_random(SOMA_INT32)(indices.count, &words, indices, [11, 22, 33] as [UInt32], nil)
                let expected = indices.map { Philox.block(counter: [$0 / 4, 0, 33, 0], key: [11, 22])[Int($0 % 4)] }
                #expect(words == expected, "\(level)")
            }
        }
    }

    @Test func randomWordsBeyond32BitsAreThoseOfPhilox() {
        let far: [Int64] = [0, 5, 1 << 31, 1 << 32 | 3, 1 << 34 - 1, 1 << 34, 1 << 50 | 2]
        let numbers = far + (0..<70).map { 1 << 34 - 30 + $0 }
        atEveryLevel { level in
            var words = [UInt32](repeating: 0, count: numbers.count)
            soma_loop_random(SOMA_INT64)(numbers.count, &words, numbers, [11, 22, 33] as [UInt32], nil)
            let expected = numbers.map { number in
                let block = UInt64(number) / 4
                let counter = SIMD4(UInt32(truncatingIfNeeded: block), UInt32(truncatingIfNeeded: block >> 32), 33, 0)
                return Philox.block(counter: counter, key: [11, 22])[Int(number % 4)]
            }
            #expect(words == expected, "\(level)")
        }
    }

    @Test func aLongSumLosesLittle() {
        var random = Random(state: 9)
        let x = (0..<1_000_003).map { _ in Float.random(in: 0...1, using: &random) }
        let exact = x.reduce(0.0) { $0 + Double($1) }
        atEveryLevel { level in
            var reduction = soma_reduction_for(SOMA_SUM, SOMA_FLOAT32)
            var state = soma_state_empty(&reduction)
            var first = 0
            while first < x.count {
                let count = min(1024, x.count - first)
                x.withUnsafeBufferPointer { reduction.add(&state, count, $0.baseAddress! + first, first) }
                first += count
            }
            #expect(abs(state.real - exact) / exact < 1e-7, "\(level): \(state.real) instead of \(exact)")
        }
    }
}
