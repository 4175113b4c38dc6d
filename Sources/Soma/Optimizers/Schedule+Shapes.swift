import SomaGraph

#if canImport(Glibc)
    import Glibc
#endif

extension Schedule {
    /// `rate`, multiplied by `factor` at each of the given counts, which rise.
    public static func milestones(_ rate: Double, by factor: Double = 0.1, at counts: [Int]) -> Schedule {
        guard zip(counts, counts.dropFirst()).allSatisfy(<), counts.first ?? 1 > 0 else { programError("Schedule", "milestones at \(counts)") }
        return Schedule { count in rate * pow(factor, Double(counts.count { $0 <= count })) }
    }

    /// `rate`, multiplied by `factor` after every update; with `inEpochs(of:)` after every epoch.
    public static func exponential(_ rate: Double, by factor: Double) -> Schedule { steps(rate, by: factor, every: 1) }

    /// Half a cosine from `start` down to `end`, again and again: over `period` updates the first time, and `growth` times as many each time
    /// from then on.
    ///
    /// I. Loshchilov, F. Hutter, *SGDR: Stochastic Gradient Descent with Warm Restarts*, ICLR 2017.
    public static func cosineWithRestarts(from start: Double, to end: Double = 0, every period: Int, growth: Int = 1) -> Schedule {
        guard period > 0, growth > 0 else { programError("Schedule", "a cosine over \(period) updates, \(growth) times as many each time") }
        return Schedule { count in
            var (length, begin) = (period, 0)
            if growth == 1 { begin = count / period * period }
            while count - begin >= length {
                begin += length
                length *= growth
            }
            return end + (start - end) * (1 + cos(.pi * Double(count - begin) / Double(length))) / 2
        }
    }

    /// One cycle over `updates` updates: from `peak` / `startDivisor` up to `peak`, then down to that start / `endDivisor`, which stays.
    ///
    /// L. N. Smith, N. Topin, *Super-Convergence: Very Fast Training of Neural Networks Using Large Learning Rates*, 2018; the numbers and the
    /// positions of the corners are PyTorch's `OneCycleLR`. `cycledMomentum` goes the other way.
    /// - Parameters:
    ///   - rise: the share of the cycle that goes up.
    ///   - shape: along half cosines, or along lines.
    ///   - hasThreePhases: whether it comes down to where it began over as many updates as it rose, and then further down, as in the paper.
    public static func oneCycle(
        to peak: Double, over updates: Int, rise: Double = 0.3, startDivisor: Double = 25, endDivisor: Double = 1e4, shape: CycleShape = .cosine,
        hasThreePhases: Bool = false
    ) -> Schedule {
        let start = peak / startDivisor
        let corners = cycleCorners(updates, rise, hasThreePhases)
        return piecewise(corners, [start, peak] + (hasThreePhases ? [start] : []) + [start / endDivisor], shape)
    }

    /// The momentum, or Adam's β₁, of one cycle: from `high` down to `low` while the rate rises, and up again while it falls.
    ///
    /// The other arguments must be those of `oneCycle`: `SGD(momentumFollowing: .cycledMomentum(over: n))` beside a learning rate of
    /// `.oneCycle(to: 0.1, over: n)`.
    public static func cycledMomentum(
        from high: Double = 0.95, to low: Double = 0.85, over updates: Int, rise: Double = 0.3, shape: CycleShape = .cosine,
        hasThreePhases: Bool = false
    ) -> Schedule {
        piecewise(cycleCorners(updates, rise, hasThreePhases), [high, low, high] + (hasThreePhases ? [high] : []), shape)
    }

    /// This schedule with epochs of so many updates as its steps: `.milestones(0.1, at: [30, 60]).inEpochs(of: updates)` falls with epochs 30 and 60.
    ///
    /// `DataSet.updatesPerEpoch(batchSize:)` tells how many an epoch has.
    public func inEpochs(of updates: Int) -> Schedule {
        guard updates > 0 else { programError("Schedule", "an epoch of \(updates) updates") }
        return Schedule { [self] in rate(after: $0 / updates) }
    }

    private static func cycleCorners(_ updates: Int, _ rise: Double, _ hasThreePhases: Bool) -> [Double] {
        let top = rise * Double(updates) - 1
        let corners = [0, top] + (hasThreePhases ? [2 * top] : []) + [Double(updates - 1)]
        guard zip(corners, corners.dropFirst()).allSatisfy(<) else {
            programError("Schedule", "a cycle over \(updates) updates whose share \(rise) rises: its parts need an update each")
        }
        return corners
    }

    /// From value to value between the corners; the last value stays.
    private static func piecewise(_ corners: [Double], _ values: [Double], _ shape: CycleShape) -> Schedule {
        Schedule { count in
            let place = min(Double(count), corners[corners.count - 1])
            let part = corners.dropFirst().dropLast().count { $0 < place }
            let progress = (place - corners[part]) / (corners[part + 1] - corners[part])
            return shape.between(values[part], values[part + 1], progress)
        }
    }
}

/// How a cycle goes from one corner to the next.
public enum CycleShape: Sendable {
    /// By half a wave of the cosine: slowly at the corners.
    case cosine
    /// On a straight line.
    case linear

    fileprivate func between(_ start: Double, _ end: Double, _ progress: Double) -> Double {
        switch self {
        case .cosine: end + (start - end) / 2 * (1 + cos(.pi * progress))
        case .linear: (end - start) * progress + start
        }
    }
}

extension DataSet {
    /// How many updates an epoch has: batches of `batchSize` samples, the last perhaps smaller.
    public func updatesPerEpoch(batchSize: Int) -> Int {
        guard batchSize > 0 else { programError("updatesPerEpoch", "batches of \(batchSize) samples") }
        return (count + batchSize - 1) / batchSize
    }
}
