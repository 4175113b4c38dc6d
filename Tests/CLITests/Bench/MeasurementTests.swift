import Glibc
import Soma
import Testing

@testable import SomaCLI

/// Statistics of repeated timings, and how they are taken.
@Suite struct MeasurementTests {
    @Test func quartiles() {
        let odd = Measurement(samples: [4, 1, 2, 3, 5], firstCall: 9)
        #expect(odd.samples == [4, 1, 2, 3, 5], "the order of the repetitions is kept")
        #expect(odd.median == 3 && odd.best == 1 && odd.lowerQuartile == 2 && odd.upperQuartile == 4)
        #expect(odd.spread == 2.0 / 3 && odd.isWide)
        // As NumPy's percentile interpolates: 25 % of [1, 2, 3, 10] is 1.75, 75 % is 4.75.
        let even = Measurement(samples: [10, 1, 3, 2])
        #expect(even.median == 2.5 && even.lowerQuartile == 1.75 && even.upperQuartile == 4.75)
        let single = Measurement(samples: [2])
        #expect(single.median == 2 && single.spread == 0 && !single.isWide)
        #expect(Measurement(samples: []).median.isNaN)
        #expect(!Measurement(samples: [0.95, 1, 1.05]).isWide && Measurement(samples: [0.88, 1, 1.12]).isWide)
    }

    @Test func ratiosArePairByPair() {
        let fast = Measurement(samples: [1, 2, 4])
        #expect(fast.ratios(over: Measurement(samples: [2, 2, 2])) == [2, 1, 0.5], "above 1 where it is the faster one")
    }

    @Test func aStopwatchMakesFiveToTwentyFiveSamples() throws {
        var (calls, ends) = (0, 0)
        let work = PreparedWork(call: { calls += 1; usleep(100) }, finish: { ends += 1 })
        let watch = try Stopwatch(work, budget: 1e-3)
        #expect(calls == 3 && ends == 3, "a first call, a warm-up and an estimate")
        #expect(watch.sampleCount == 5 && !watch.isCapped)
        let measurement = try watch.run()
        #expect(measurement.samples.count == 5 && ends == 8, "each sample waits once")
        #expect(calls >= 3 + 5 * 2, "a sample is as many calls as take 20 ms")
        #expect(measurement.best >= 0.0001 && measurement.firstCall >= 0.0001)
        #expect(try Stopwatch(PreparedWork {}, budget: 100).sampleCount == 25)
    }

    @Test func whatTakesTooLongIsCapped() throws {
        let work = PreparedWork { usleep(30_000) }
        let watch = try Stopwatch(work, budget: 0.01, limit: 0.07)
        #expect(watch.isCapped && (1...2).contains(watch.sampleCount))
        #expect(try watch.run().isCapped)
        #expect(try Stopwatch(PreparedWork {}, budget: 1).measurement([1, 2, 3, 4]).isCapped, "turns were cut short by another device")
        #expect(try Stopwatch(work, budget: 0.01, limit: 0.001).sampleCount == 1, "one sample at least")
    }

    @Test func anErrorOfTheWorkEndsIt() {
        #expect(throws: SomaError("no")) { try Stopwatch(PreparedWork { throw SomaError("no") }, budget: 1) }
    }
}
