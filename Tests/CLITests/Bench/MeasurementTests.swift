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
        // By a clock that only reckons: the first call takes a second, each other 2⁻¹³ s, and each wait a sixteenth of that.
        var (time, calls, ends) = (0.0, 0, 0)
        let (call, wait) = (1.0 / 8192, 1.0 / 131_072)
        let work = PreparedWork(
            call: { (calls, time) = (calls + 1, time + (calls == 0 ? 1 : call)) }, finish: { (ends, time) = (ends + 1, time + wait) })
        let watch = try Stopwatch(work, budget: 1e-3, now: { time })
        #expect(calls == 3 && ends == 3, "a first call, a warm-up and an estimate")
        #expect(watch.sampleCount == 5 && !watch.isCapped)
        let measurement = try watch.run()
        #expect(measurement.samples.count == 5 && ends == 8, "each sample waits once")
        #expect(calls == 3 + 5 * 155, "a sample is as many calls as take 20 ms")
        #expect(measurement.firstCall == 1 + wait && measurement.samples == [Double](repeating: (155 * call + wait) / 155, count: 5))
        #expect(try Stopwatch(work, budget: 100, now: { time }).sampleCount == 25)
    }

    @Test func theClockGoesOn() throws {
        let measurement = try Stopwatch(PreparedWork { usleep(1000) }, budget: 1e-3).run()
        #expect(measurement.best >= 0.001 && measurement.firstCall >= 0.001)
    }

    @Test func whatTakesTooLongIsCapped() throws {
        var time = 0.0
        let work = PreparedWork { time += 0.03125 }
        let watch = try Stopwatch(work, budget: 0.01, limit: 0.07, now: { time })
        #expect(watch.isCapped && watch.sampleCount == 2)
        #expect(try watch.run().isCapped)
        #expect(try Stopwatch(PreparedWork {}, budget: 1).measurement([1, 2, 3, 4]).isCapped, "turns were cut short by another device")
        #expect(try Stopwatch(work, budget: 0.01, limit: 0.001, now: { time }).sampleCount == 1, "one sample at least")
    }

    @Test func anErrorOfTheWorkEndsIt() {
        #expect(throws: SomaError("no")) { try Stopwatch(PreparedWork { throw SomaError("no") }, budget: 1) }
    }
}
