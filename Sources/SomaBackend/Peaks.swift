/// Something that a device can be measured by, apart from any workload.
public enum Peak: String, CaseIterable, Hashable, Sendable {
    /// Multiply-adds of float32 numbers from registers, in operations a second.
    case float32 = "float32_fma"
    /// Multiply-adds in IEEE half precision, in operations a second.
    case float16 = "float16_fma"
    /// Multiply-adds of bfloat16 numbers, in operations a second.
    case bfloat16 = "bfloat16_fma"
    /// Multiply-adds of float32 numbers of which the units read 10 bits of the fraction, in operations a second.
    case tensorFloat32 = "tf32_fma"
    /// Reading the memory nearest to the arithmetic: local memory, or the first-level caches of a processor.
    case localMemory = "local_memory_read"
    /// Reading the device's memory, far beyond its caches, in bytes a second.
    case memoryRead = "memory_read"
    /// Writing memory beyond all caches, in bytes a second.
    case memoryWrite = "memory_write"
    /// Copying memory beyond all caches: bytes read and written, a second.
    case memoryCopy = "memory_copy"
    /// From ordinary memory of the host to the device, in bytes a second.
    case uploadPageable = "upload_pageable"
    /// From the device to ordinary memory of the host, in bytes a second.
    case downloadPageable = "download_pageable"
    /// From pinned memory of the host to the device, in bytes a second.
    case uploadPinned = "upload_pinned"
    /// From the device to pinned memory of the host, in bytes a second.
    case downloadPinned = "download_pinned"
    /// A launch that does nothing, one of many in a row, in seconds.
    case launch = "launch"
    /// From enqueueing one launch that does nothing until the host knows that it is done, in seconds.
    case latency = "enqueue_to_finish"
    /// From the source of a program that was never seen before to the end of its first launch, in seconds.
    case buildCold = "build_cold"
    /// The same as `buildCold` for a program that an earlier run has kept, in seconds.
    case buildCached = "build_cached"

    /// What a value counts.
    public enum Unit: Hashable, Sendable {
        /// Floating-point operations a second; a multiply-add is two.
        case operationsPerSecond
        /// Bytes a second.
        case bytesPerSecond
        /// Seconds for one round.
        case seconds
    }

    /// What a value of this peak counts; more is better, except of seconds.
    public var unit: Unit {
        switch self {
        case .float32, .float16, .bfloat16, .tensorFloat32: .operationsPerSecond
        case .localMemory, .memoryRead, .memoryWrite, .memoryCopy, .uploadPageable, .downloadPageable, .uploadPinned, .downloadPinned:
            .bytesPerSecond
        case .launch, .latency, .buildCold, .buildCached: .seconds
        }
    }
}

/// A backend that can measure what its device is capable of.
public protocol PeakProbe: AnyObject, Sendable {
    /// The best that the device was seen to do, in the peak's unit.
    /// - Parameter budget: about how many seconds to spend; a few rounds are run in any case, and never more than some dozens.
    /// - Throws: `BackendError.unsupported` with the reason where the device has no such thing; other errors of the device.
    func measure(_ peak: Peak, budget: Double) throws -> Double
}

/// What was measured of a device.
public struct DevicePeaks: Hashable, Sendable {
    /// What came of measuring a peak.
    public enum Figure: Hashable, Sendable {
        /// In the peak's unit.
        case value(Double)
        /// There is no such figure, and why.
        case missing(String)
    }

    /// By peak; one that nobody asked for is not there.
    public var figures: [Peak: Figure]

    /// Of figures that were measured; by default of none.
    public init(_ figures: [Peak: Figure] = [:]) { self.figures = figures }

    /// Takes the better of this and another measurement of the same device, since what disturbs one makes it worse.
    /// - Returns: by how many times the figure rose that rose most, of those that were known before; 1 where none did.
    @discardableResult
    public mutating func improve(with other: DevicePeaks) -> Double {
        var most = 1.0
        for (peak, figure) in other.figures {
            guard case .value(let value) = figure, let known = self[peak] else { continue }
            let gain = peak.unit == .seconds ? known / value : value / known
            if gain > 1 { figures[peak] = figure }
            most = max(most, gain)
        }
        return most
    }

    /// The value of a peak, if it was measured.
    public subscript(peak: Peak) -> Double? {
        guard case .value(let value)? = figures[peak] else { return nil }
        return value
    }
}

// MARK: - Floors

extension DevicePeaks {
    /// What bounds work.
    public enum Resource: String, Hashable, Sendable {
        /// The arithmetic units, by `Peak.float32`.
        case arithmetic
        /// The device's memory, by `Peak.memoryCopy` and by `memoryRead` or `memoryWrite`.
        case bandwidth
        /// Starting launches, by `Peak.launch`.
        case launches
    }

    /// The least seconds that work can take on the device by what was measured, and which resource says so: of arithmetic, memory and launches,
    /// which go on side by side, the slowest. `nil` where none is known.
    public func floor(of work: Work) -> (seconds: Double, resource: Resource)? {
        let arithmetic = self[.float32].map { work.operations / $0 } ?? 0
        let memory = seconds(reading: work.bytesRead, writing: work.bytesWritten) ?? 0
        let launches = self[.launch].map { work.launches * $0 } ?? 0
        let slowest = max(arithmetic, memory, launches)
        guard slowest > 0 else { return nil }
        return (slowest, slowest == arithmetic ? .arithmetic : slowest == memory ? .bandwidth : .launches)
    }

    /// As much as possible goes at the speed of a copy, the rest at that of reading or writing alone.
    private func seconds(reading: Double, writing: Double) -> Double? {
        guard let copy = self[.memoryCopy], let rest = self[reading > writing ? .memoryRead : .memoryWrite] else { return nil }
        return 2 * min(reading, writing) / copy + abs(reading - writing) / rest
    }
}

// MARK: - Timing

/// Finds how fast something goes that can be run any number of times in a row.
public enum PeakTimer {
    /// The least seconds of one round: found with runs of about `length` seconds, which are repeated within the budget.
    /// - Parameters:
    ///   - most: the most rounds of a run.
    ///   - length: long beside what it takes to start a run, and short, since what lasts is hardly ever undisturbed on a machine that does other
    ///     things too; 0 where one round is long enough.
    public static func fastest(
        budget: Double, most: Int = 1 << 24, length: Double = 4e-3, _ run: (_ rounds: Int) throws -> Void
    ) rethrows -> Double {
        let clock = ContinuousClock()
        let start = clock.now
        return try fastest(budget: budget, most: most, length: length, now: { (clock.now - start) / .seconds(1) }, run)
    }

    /// The same by another clock, in seconds.
    ///
    /// A machine that is busy may disturb all runs from which the rounds were found: where a later one shows that so many do not last, they are
    /// raised again.
    package static func fastest(
        budget: Double, most: Int, length: Double, now: () -> Double, _ run: (_ rounds: Int) throws -> Void
    ) rethrows -> Double {
        let start = now()
        func seconds(_ rounds: Int) throws -> Double {
            let begin = now()
            try run(rounds)
            return now() - begin
        }
        var (rounds, least) = try settled(most: most, length: length, seconds)
        for number in 0..<256 where now() - start < budget || (length > 0 && number < 3) {
            least = min(least, try seconds(rounds))
            if least < length && rounds < most { (rounds, least) = try settled(from: rounds, most: most, length: length, seconds) }
        }
        return least / Double(rounds)
    }

    /// How many rounds a run is to have, and the least seconds that one took.
    ///
    /// They are raised until a run takes `length` and one of more rounds takes longer in proportion: before that, it is the start of a run that
    /// was measured. What disturbs a run makes it longer, so the shortest of three counts.
    package static func settled(
        from rounds: Int = 1, most: Int, length: Double, _ seconds: (_ rounds: Int) throws -> Double
    ) rethrows -> (rounds: Int, seconds: Double) {
        func leastOfThree(_ rounds: Int) throws -> Double { min(try seconds(rounds), try seconds(rounds), try seconds(rounds)) }
        var (rounds, least) = (rounds, try leastOfThree(rounds))
        while rounds < most && length > 0 && least < 20 * length {
            let more = min(most, Int(Double(rounds) * min(max(1.2 * length / max(least, 1e-9), 2), 32)))
            let longer = try leastOfThree(more)
            let isSettled = least >= length && longer * Double(rounds) > 0.8 * least * Double(more)
            (rounds, least) = (more, longer)
            if isSettled { break }
        }
        return (rounds, least)
    }
}
