import CPUBackend
import CPUKernels
import Soma
import SomaBackend
import Testing

extension CPUBackendTests {
    /// Every figure is there or says why not; the loops move and compute what they say.
    @Test func peaks() throws {
        let backend = CPUBackend(memoryLimit: 64 << 20)
        for peak in Peak.allCases {
            do {
                let value = try backend.measure(peak, budget: 0)
                #expect(value > 0 && value < .infinity, "\(peak)")
            } catch BackendError.unsupported(let reason) {
                #expect([.float16, .bfloat16, .tensorFloat32, .uploadPinned, .downloadPinned, .buildCold, .buildCached].contains(peak) && !reason.isEmpty)
            }
        }
        #expect(backend.memory.live == 0, "nothing is kept")
    }

    @Test func peaksWithoutMemory() {
        let backend = CPUBackend(memoryLimit: 1 << 12)
        #expect(throws: BackendError.self) { try backend.measure(.memoryCopy, budget: 0) }
    }

    @Test func loopsThatMeasure() {
        let count = 3 * Int(SOMA_PEAK_BLOCK)
        let memory = UnsafeMutableRawBufferPointer.allocate(byteCount: 2 * count * 4, alignment: 64)
        defer { memory.deallocate() }
        let floats = memory.bindMemory(to: Float.self)
        floats.initialize(repeating: 7)
        guard let start = floats.baseAddress else { return }
        for level in 0..<soma_level_count() {
            soma_level_use(level)
            soma_peak_write(start, count)
            #expect(floats[..<count].allSatisfy { $0 == 1 } && floats[count...].allSatisfy { $0 == 7 })
            soma_peak_copy(start, start + count, count)
            #expect(floats.allSatisfy { $0 == 7 })
            soma_peak_read(start, count)
            #expect(soma_peak_round_operations() >= 2 * 12 * 4 && soma_peak_round_bytes() >= 4 * Double(SOMA_PEAK_BLOCK))
        }
        soma_level_use(0)
    }

    @Test func theShortestRunCounts() {
        var (time, runs) = (0.0, [Int]())
        // The first runs are slow for once, as those are that compile.
        let seconds = PeakTimer.fastest(budget: 0, most: 100, length: 4e-3, now: { time }) { rounds in
            runs.append(rounds)
            time += runs.count < 3 ? 0.02 : 1e-7
        }
        #expect(runs.prefix(3).allSatisfy { $0 == 1 } && runs.last == 100, "\(runs)")
        #expect(runs.count <= 3 * 8 && seconds < 0.02)
    }

    /// The first runs take 4 ms a round for once, so that two rounds seem enough, and the others a nanosecond: by a clock that only reckons.
    @Test(arguments: [(1, 0.0), (2, 0), (4, 0.1), (30, 1)]) func disturbedRunsAreNotWhatIsMeasured(count: Int, budget: Double) {
        var (time, runs) = (0.0, 0)
        let seconds = PeakTimer.fastest(budget: budget, most: 1 << 30, length: 4e-3, now: { time }) { rounds in
            runs += 1
            time += 1e-9 * Double(rounds) + (runs <= 3 * count ? 4e-3 * Double(rounds) : 1e-6)
        }
        #expect(seconds < 1.1e-9, "\(seconds) s a round after \(runs) runs")
    }

    /// A microsecond a round, after whatever it takes to start a run: by a clock that only reckons.
    @Test(arguments: [0, 1e-6, 5e-4, 2e-3, 1e-2]) func theStartOfARunIsNotWhatIsMeasured(start: Double) {
        var most = 0
        let (rounds, seconds) = PeakTimer.settled(most: 1 << 30, length: 1e-3) { rounds in
            most = max(most, rounds)
            return start + 1e-6 * Double(rounds)
        }
        #expect(seconds / Double(rounds) < 1.8e-6, "\(rounds) rounds in \(seconds) s")
        #expect(seconds < 0.1 && most == rounds, "runs stay short")
        #expect(PeakTimer.settled(most: 10, length: 1e-3) { 1e-9 * Double($0) }.rounds == 10)
        #expect(PeakTimer.settled(most: 10, length: 0) { _ in 1e-9 }.rounds == 1, "one round is long enough")
    }
}
