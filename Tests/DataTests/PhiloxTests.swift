import SomaGraph
import Testing

@testable import Soma

@Suite struct PhiloxTests {
    /// Counter, key and block as published with the paper's library (Random123, kat_vectors).
    @Test(
        arguments: [
            ([0, 0, 0, 0], [0, 0], [0x6627_e8d5, 0xe169_c58d, 0xbc57_ac4c, 0x9b00_dbd8]),
            ([.max, .max, .max, .max], [.max, .max], [0x408f_276d, 0x41c8_3b0e, 0xa20b_c7c6, 0x6d54_51fd]),
            (
                [0x243f_6a88, 0x85a3_08d3, 0x1319_8a2e, 0x0370_7344], [0xa409_3822, 0x299f_31d0],
                [0xd16c_fe09, 0x94fd_cceb, 0x5001_e420, 0x2412_6ea1]
            ),
        ] as [([UInt32], [UInt32], [UInt32])])
    func knownAnswers(counter: [UInt32], key: [UInt32], expected: [UInt32]) {
        #expect(Philox.block(counter: SIMD4(counter), key: SIMD2(key)) == SIMD4(expected))
    }

    @Test func sequenceIsTheBlocksInOrder() {
        var generator = Philox(
            seed: 0x299f_31d0_a409_3822, stream: 0x0370_7344_1319_8a2e, position: 4 * 0x05a3_08d3_243f_6a88)
        let block = Philox.block(
            counter: [0x243f_6a88, 0x05a3_08d3, 0x1319_8a2e, 0x0370_7344], key: [0xa409_3822, 0x299f_31d0])
        let words = (0..<4).map { _ in generator.nextWord() }
        #expect(words == (0..<4).map { block[$0] })
    }

    @Test func restoringThePositionResumesTheSequence() {
        var whole = Philox(seed: 7, stream: 3)
        let words = (0..<23).map { _ in whole.nextWord() }
        for cut in 0..<23 {
            var resumed = Philox(seed: 7, stream: 3, position: UInt64(cut))
            let rest = (cut..<23).map { _ in resumed.nextWord() }
            #expect(rest == Array(words[cut...]))
        }
    }

    @Test func seedsAndStreamsDiffer() {
        var (a, b, c) = (Philox(seed: 1), Philox(seed: 2), Philox(seed: 1, stream: 1))
        let words = [a.next(), b.next(), c.next()]
        #expect(Set(words).count == 3)
    }

    @Test func uniformIsHalfOpenWithTheRightMoments() {
        var generator = Philox(seed: 42)
        let draws = (0..<100_000).map { _ in Double(generator.uniform()) }
        let mean = draws.reduce(0, +) / 1e5
        let variance = draws.reduce(0) { $0 + ($1 - mean) * ($1 - mean) } / 1e5
        #expect(draws.allSatisfy { $0 >= 0 && $0 < 1 })
        // Five standard errors: 5·√(1/12)/√1e5 and 5·√(1/180)/√1e5.
        #expect(abs(mean - 0.5) < 0.0046)
        #expect(abs(variance - 1.0 / 12) < 0.0012)
    }

    @Test(arguments: [1, 2, 3, 10, 1000, 1 << 32, (1 << 32) + 1, Int.max])
    func integersStayBelowTheirBound(bound: Int) {
        var generator = Philox(seed: 5)
        let draws = (0..<1000).map { _ in generator.integer(below: bound) }
        #expect(draws.allSatisfy((0..<bound).contains))
    }

    @Test func integersAreEven() {
        var generator = Philox(seed: 9)
        var counts = [Int](repeating: 0, count: 7)
        for _ in 0..<70_000 { counts[generator.integer(below: 7)] += 1 }
        let chiSquare = counts.reduce(0.0) { $0 + Double(($1 - 10_000) * ($1 - 10_000)) / 10_000 }
        #expect(chiSquare < 22.5)  // 0.1 % of the chi-square distribution of six degrees of freedom lie above
    }

    @Test(arguments: [0, 1, 2, 5, 1797])
    func permutationHoldsEveryIndexOnce(count: Int) {
        var generator = Philox(seed: 11)
        #expect(generator.permutation(of: count).sorted() == Array(0..<count))
    }

    @Test func everyOrderOfThreeIsEquallyLikely() {
        var generator = Philox(seed: 13)
        var counts: [[Int]: Int] = [:]
        for _ in 0..<60_000 { counts[generator.permutation(of: 3), default: 0] += 1 }
        #expect(counts.count == 6)
        let chiSquare = counts.values.reduce(0.0) { $0 + Double(($1 - 10_000) * ($1 - 10_000)) / 10_000 }
        #expect(chiSquare < 20.5)  // 0.1 % of the chi-square distribution of five degrees of freedom lie above
    }

    @Test func normalHasItsFirstFourMoments() {
        var generator = Philox(seed: 17)
        let draws = [Float](unsafeUninitializedCapacity: 100_001) { buffer, count in
            generator.fillNormal(UnsafeMutableBufferPointer(rebasing: buffer[..<100_001]))
            count = 100_001
        }.map(Double.init)
        func moment(_ power: Int) -> Double {
            draws.reduce(0) { sum, x in sum + (0..<power).reduce(1) { product, _ in product * x } }
                / Double(draws.count)
        }
        #expect(abs(moment(1)) < 0.016)
        #expect(abs(moment(2) - 1) < 0.023)
        #expect(abs(moment(3)) < 0.062)
        #expect(abs(moment(4) - 3) < 0.16)
        #expect(draws.allSatisfy { $0.isFinite })
    }

    @Test func uniformIntervalIsHalfOpen() {
        var generator = Philox(seed: 19)
        // An interval so narrow that rounding would reach its upper bound.
        let draws = withUnsafeTemporaryAllocation(of: Float.self, capacity: 1000) { buffer in
            generator.fillUniform(buffer, from: 1, to: 1 + 0x1p-22)
            return Array(buffer)
        }
        #expect(draws.allSatisfy { $0 >= 1 && $0 < 1 + 0x1p-22 })
    }
}
