import Glibc

/// An axis of a chart: what it shows, and how its values are spread.
public struct ChartAxis: Hashable, Sendable {
    /// How values are spread along the axis.
    public enum Scale: Hashable, Sendable {
        /// Equal differences at equal distances.
        case linear
        /// Equal ratios at equal distances. Values that are not positive have no place and are left out.
        case logarithmic
        /// Equal differences of log(p / (1 − p)) at equal distances: shares near 0 and near 1 are spread. Values that are not between these have
        /// no place and are left out.
        case logit
    }

    /// What the axis shows, with its unit; written beside it.
    public var label: String
    /// How values are spread; linear by default.
    public var scale: Scale
    /// The possible values, such as 0...1 for a share: the axis ends there unless a value lies beyond. nil: any.
    public var limits: ClosedRange<Double>?
    /// Whether the axis counts something, as updates or epochs: there are no numbers between whole ones then.
    public var isCount: Bool

    /// Limits that are empty or have no place on the axis do not count.
    public init(_ label: String, scale: Scale = .linear, limits: ClosedRange<Double>? = nil, isCount: Bool = false) {
        (self.label, self.scale, self.limits, self.isCount) = (label, scale, limits, isCount)
    }
}

/// From values to a stretch of the picture, and where along it to put numbers.
struct ChartScale {
    /// A place on an axis and what is written there.
    struct Tick: Hashable {
        let value: Double
        let label: String
    }

    let ticks: [Tick]
    private let kind: ChartAxis.Scale
    private let lower: Double
    private let upper: Double
    private let start: Double
    private let end: Double

    /// - Parameters:
    ///   - values: what must fit; those that have no place on the axis are passed over.
    ///   - start: the coordinate of the smallest value, `end` that of the largest.
    ///   - reachesTicks: whether the axis is lengthened to the next tick at either end.
    ///   - limits: where the axis ends at the latest, unless a value lies beyond.
    ///   - isCount: whether only whole numbers are written.
    init(
        _ kind: ChartAxis.Scale, values: some Sequence<Double>, from start: Double, to end: Double, reachesTicks: Bool,
        within limits: ClosedRange<Double>? = nil, isCount: Bool = false
    ) {
        (self.kind, self.start, self.end) = (kind, start, end)
        let placed = values.compactMap { Self.place($0, kind) }
        var (low, high) = (placed.min() ?? 0, placed.max() ?? 1)
        let bounds = Self.bounds(limits, kind, low, high)
        let size = max(abs(low), abs(high))
        if high - low < max(1e-12 * size, 1e-290) {
            // All values are the same: give them room to both sides.
            let margin = kind != .linear || size < 1e-280 ? 0.5 : size / 2
            (low, high) = (max(low - margin, bounds.lowerBound), min(high + margin, bounds.upperBound))
        }
        let room = abs(end - start)
        let places = switch kind {
        case .linear: Self.linearTicks(low, high, room, leastStep: isCount ? 1 : 0)
        // Below 1, whose logarithm is 0, nothing is counted.
        case .logarithmic: Self.decades(low, high, room).filter { !isCount || $0.value >= 0 }
        case .logit: Self.shares(low, high, room)
        }
        if reachesTicks, let first = places.first, let last = places.last {
            (low, high) = (max(min(low, first.value), bounds.lowerBound), min(max(high, last.value), bounds.upperBound))
        }
        let slack = (high - low) * 1e-9
        ticks = places.filter { $0.value >= low - slack && $0.value <= high + slack }
        (lower, upper) = (low, high)
    }

    /// The places of `limits`, or of values that lie beyond; limits that leave no room do not count.
    private static func bounds(_ limits: ClosedRange<Double>?, _ kind: ChartAxis.Scale, _ low: Double, _ high: Double) -> ClosedRange<Double> {
        guard let limits, limits.lowerBound < limits.upperBound else { return -.infinity ... .infinity }
        return min(place(limits.lowerBound, kind) ?? -.infinity, low)...max(place(limits.upperBound, kind) ?? .infinity, high)
    }

    /// A scale that ends exactly at the given bounds.
    init(_ kind: ChartAxis.Scale, bounds: ClosedRange<Double>, from start: Double, to end: Double) {
        self.init(kind, values: [bounds.lowerBound, bounds.upperBound], from: start, to: end, reachesTicks: false)
    }

    /// The coordinate of a value; nil where it has no place on the axis.
    func callAsFunction(_ value: Double) -> Double? {
        Self.place(value, kind).map(coordinate)
    }

    /// The coordinate of a tick.
    func coordinate(of tick: Tick) -> Double { coordinate(tick.value) }

    private func coordinate(_ place: Double) -> Double { start + (place - lower) / (upper - lower) * (end - start) }

    private static func place(_ value: Double, _ kind: ChartAxis.Scale) -> Double? {
        guard abs(value) < 1e300 else { return nil }
        switch kind {
        case .linear: return value
        case .logarithmic: return value > 0 ? log10(value) : nil
        case .logit: return value > 0 && value < 1 ? log10(value / (1 - value)) : nil
        }
    }
}

// MARK: - Ticks

extension ChartScale {
    /// Multiples of 1, 2 or 5 times a power of ten that enclose the interval, one about every 60 units.
    private static func linearTicks(_ low: Double, _ high: Double, _ room: Double, leastStep: Double) -> [Tick] {
        let rough = (high - low) / max(2, (room / 60).rounded())
        let exponent = log10(rough).rounded(.down)
        let power = pow(10, exponent)
        let step = max(leastStep, [1, 2, 5, 10].first { $0 * power >= rough * 0.999 }.map { $0 * power } ?? power)
        let decimals = max(0, -Int(log10(step * 1.001).rounded(.down)))
        let first = (low / step + 1e-9).rounded(.down)
        let last = (high / step - 1e-9).rounded(.up)
        guard last - first < 1000 else { return [] }
        return stride(from: first, through: last, by: 1).map {
            Tick(value: $0 * step, label: label($0 * step, decimals))
        }
    }

    /// The powers of ten that enclose the interval, thinned where they are many, with 2 and 5 between where they are few.
    private static func decades(_ low: Double, _ high: Double, _ room: Double) -> [Tick] {
        let (first, last) = (Int((low + 1e-9).rounded(.down)), Int((high - 1e-9).rounded(.up)))
        if last - first <= 2 { return fineDecades(first, last, low, high) }
        let step = max(1, Int((Double(last - first) * 45 / room).rounded(.up)))
        let start = Int((Double(first) / Double(step)).rounded(.down)) * step
        return stride(from: start, to: last + step, by: step).map { Tick(value: Double($0), label: powerOfTen($0)) }
    }

    private static func fineDecades(_ first: Int, _ last: Int, _ low: Double, _ high: Double) -> [Tick] {
        let all = (first...last).flatMap { decade in
            [1.0, 2, 5].map { factor in
                Tick(
                    value: Double(decade) + log10(factor),
                    label: label(factor * pow(10, Double(decade)), max(0, -decade)))
            }
        }
        return enclosing(all, low, high)
    }

    /// Those between the last that is not above `low` and the first that is not below `high`.
    private static func enclosing(_ ticks: [Tick], _ low: Double, _ high: Double) -> [Tick] {
        let below = ticks.last { $0.value <= low + 1e-9 }?.value ?? low
        let above = ticks.first { $0.value >= high - 1e-9 }?.value ?? high
        return ticks.filter { $0.value >= below && $0.value <= above }
    }

    /// One half, and the shares that are 1, 2 or 5 of some power of ten away from 0 or 1; of powers of ten alone where the others have no room.
    private static func shares(_ low: Double, _ high: Double, _ room: Double) -> [Tick] {
        func ticks(_ factors: [Double]) -> [Tick] {
            let tails = (1...9).flatMap { digits in
                factors.filter { digits > 1 || $0 < 5 }.map { factor in (share: factor * pow(10, -Double(digits)), digits: digits) }
            }
            let lower = tails.map { Tick(value: log10($0.share / (1 - $0.share)), label: label($0.share, $0.digits)) }
            let upper = tails.map { Tick(value: -log10($0.share / (1 - $0.share)), label: label(1 - $0.share, $0.digits)) }
            return enclosing((lower + [Tick(value: 0, label: "0.5")] + upper).sorted { $0.value < $1.value }, low, high)
        }
        let all = ticks([1, 2, 5])
        return Double(all.count) * 25 <= room ? all : ticks([1])
    }

    static func label(_ value: Double, _ decimals: Int) -> String {
        let size = abs(value)
        if value == 0 && decimals > 4 { return "0" }
        if size > 0 && (size >= 1e6 || decimals > 4) {
            var exponent = Int(log10(size).rounded(.down))
            var digits = (value / pow(10, Double(exponent)) * 100).rounded() / 100
            if abs(digits) >= 10 { (digits, exponent) = (digits / 10, exponent + 1) }
            return digits == 1 ? powerOfTen(exponent) : "\(SVGElement.number(digits))·\(powerOfTen(exponent))"
        }
        return fixed(value, decimals)
    }

    /// The value with so many decimals and the sign for minus that typesetters use.
    private static func fixed(_ value: Double, _ decimals: Int) -> String {
        let scaled = Int((abs(value) * pow(10, Double(decimals))).rounded())
        var digits = String(scaled)
        if decimals > 0 {
            digits = String(repeating: "0", count: max(0, decimals + 1 - digits.count)) + digits
            digits.insert(".", at: digits.index(digits.endIndex, offsetBy: -decimals))
        }
        return value < 0 && scaled != 0 ? "−" + digits : digits
    }

    static func powerOfTen(_ exponent: Int) -> String {
        switch exponent {
        case 0: return "1"
        case 1: return "10"
        default: return "10" + String(exponent).map { superscripts[$0, default: String($0)] }.joined()
        }
    }

    private static let superscripts: [Character: String] = [
        "-": "⁻", "0": "⁰", "1": "¹", "2": "²", "3": "³", "4": "⁴", "5": "⁵", "6": "⁶", "7": "⁷", "8": "⁸", "9": "⁹",
    ]
}
