import SomaGraph

#if canImport(Glibc)
    import Glibc
#endif

/// The learning rate as a function of how many updates were made before.
///
/// A number is a constant schedule: `learningRate: 1e-3`.
public struct Schedule: Sendable {
    private let value: @Sendable (Int) -> Double

    /// Any function of the number of updates that were made before.
    /// - Parameter value: the learning rate after so many updates.
    public init(_ value: @escaping @Sendable (_ updates: Int) -> Double) { self.value = value }

    /// The rate of the update that follows on `updates` others.
    public func rate(after updates: Int) -> Double { value(updates) }

    /// The same rate always.
    public static func constant(_ rate: Double) -> Schedule { Schedule { _ in rate } }

    /// `rate`, multiplied by `factor` every `interval` updates.
    public static func steps(_ rate: Double, by factor: Double = 0.1, every interval: Int) -> Schedule {
        guard interval > 0 else { programError("Schedule", "a step every \(interval) updates") }
        return Schedule { rate * pow(factor, Double($0 / interval)) }
    }

    /// Half a cosine from `start` down to `end` over `updates` updates, and `end` from then on.
    ///
    /// I. Loshchilov, F. Hutter, *SGDR: Stochastic Gradient Descent with Warm Restarts*, ICLR 2017.
    public static func cosine(from start: Double, to end: Double = 0, over updates: Int) -> Schedule {
        guard updates > 0 else { programError("Schedule", "a cosine over \(updates) updates") }
        return Schedule { count in
            let progress = Double(min(count, updates)) / Double(updates)
            return end + (start - end) * (1 + cos(.pi * progress)) / 2
        }
    }

    /// A line from `start` to `end` over `updates` updates, and `end` from then on.
    public static func linear(from start: Double, to end: Double = 0, over updates: Int) -> Schedule {
        guard updates > 0 else { programError("Schedule", "a line over \(updates) updates") }
        return Schedule { start + (end - start) * Double(min($0, updates)) / Double(updates) }
    }

    /// A line from 0 to this schedule's first rate, reached after `updates` updates, and then this schedule from its
    /// beginning.
    public func warmedUp(over updates: Int) -> Schedule {
        guard updates > 0 else { return self }
        let first = rate(after: 0)
        return Schedule { [self] count in
            count < updates ? first * Double(count + 1) / Double(updates + 1) : rate(after: count - updates)
        }
    }
}

extension Schedule: ExpressibleByFloatLiteral, ExpressibleByIntegerLiteral {
    /// A constant rate.
    public init(floatLiteral value: Double) { self = .constant(value) }
    /// A constant rate.
    public init(integerLiteral value: Int) { self = .constant(Double(value)) }
}

extension Optimizer {
    /// Trains all parameters of a model alike, at one rate; see the initialiser with a schedule.
    /// - Throws: `BackendError.outOfMemory`; whatever the device fails with.
    public convenience init(
        _ rule: any UpdateRule, for model: some Module, learningRate: some TensorNumber, clipping: GradientClipping? = nil,
        averageDecay: Double? = nil
    ) throws {
        try self.init(
            rule, for: model, learningRate: .constant(learningRate.exactly.double), clipping: clipping, averageDecay: averageDecay)
    }
}
