import SomaGraph

/// The positions that a fused step runs over: extents in row-major order, each either independent (outer) or reduced (inner).
///
/// Operations of different shapes share a domain when their extents can be cut into common factors: [4, 6] and [8, 3] meet in [4, 2, 3].
struct Domain: Hashable {
    struct Factor: Hashable {
        var extent: Int
        var isInner: Bool
    }

    /// No factor has extent 1.
    var factors: [Factor]

    init(_ shape: Shape) { factors = shape.dimensions.filter { $0 != 1 }.map { Factor(extent: $0, isInner: false) } }

    /// Axes of a reduction become inner.
    init(_ shape: Shape, inner axes: [Int]) {
        factors = shape.dimensions.indices.filter { shape[$0] != 1 }.map { Factor(extent: shape[$0], isInner: axes.contains($0)) }
    }

    var count: Int { factors.reduce(1) { $0 * $1.extent } }
    var outerCount: Int { outer.reduce(1, *) }
    var innerCount: Int { inner.reduce(1, *) }
    var outer: [Int] { factors.filter { !$0.isInner }.map(\.extent) }
    var inner: [Int] { factors.filter(\.isInner).map(\.extent) }
    var hasInner: Bool { factors.contains(where: \.isInner) }

    /// Whether each outer position's elements follow each other in memory.
    var isInnerTrailing: Bool {
        guard let first = factors.firstIndex(where: \.isInner) else { return true }
        return factors[first...].allSatisfy(\.isInner)
    }

    /// The factors that cut both lists, each of which multiplies to the same count; `nil` if they do not align.
    static func common(_ a: [Int], _ b: [Int]) -> [Int]? {
        var (a, b) = (a, b)
        var result: [Int] = []
        while let x = a.popLast() {
            guard let y = b.popLast() else { return nil }
            if x == y {
                result.append(x)
            } else if y != 0, x % y == 0 {
                result.append(y)
                a.append(x / y)
            } else if x != 0, y % x == 0 {
                result.append(x)
                b.append(y / x)
            } else {
                return nil
            }
        }
        return b.isEmpty ? result.reversed() : nil
    }

    /// This domain cut so that `extents` (of all positions) align with it.
    func refined(by extents: [Int]) -> Domain? {
        guard let fine = Self.common(factors.map(\.extent), extents.filter { $0 != 1 }) else { return nil }
        return refined(to: fine, among: factors.indices.map { $0 })
    }

    /// This domain cut so that `extents` (of the outer positions alone) align with it.
    func refinedOuter(by extents: [Int]) -> Domain? {
        guard let fine = Self.common(outer, extents.filter { $0 != 1 }) else { return nil }
        return refined(to: fine, among: factors.indices.filter { !factors[$0].isInner })
    }

    private func refined(to fine: [Int], among places: [Int]) -> Domain {
        var rest = fine[...]
        var cut: [Int: [Int]] = [:]
        for place in places {
            var product = 1
            while product < factors[place].extent, let next = rest.popFirst() {
                product *= next
                cut[place, default: []].append(next)
            }
        }
        var result = self
        result.factors = factors.indices.flatMap { place in
            (cut[place] ?? [factors[place].extent]).map { Factor(extent: $0, isInner: factors[place].isInner) }
        }
        return result
    }

    /// Both domains cut into common factors; `nil` if they do not align or disagree about what is reduced.
    /// A domain without inner factors takes those of the other.
    func merged(with other: Domain) -> Domain? {
        guard let a = refined(by: other.factors.map(\.extent)), let b = other.refined(by: factors.map(\.extent)) else { return nil }
        if !a.hasInner { return b }
        return !b.hasInner || a == b ? a : nil
    }

    /// Strides over the factors for strides over the axes of a shape that the factors cut: all of them, or (`outerOnly`) the outer ones,
    /// with 0 over the others.
    func strides(_ strides: [Int], over shape: Shape, outerOnly: Bool = false) -> [Int] {
        var result = [Int](repeating: 0, count: factors.count)
        var axis = shape.rank - 1
        var rest = 0
        var stride = 0
        for place in factors.indices.reversed() where !(outerOnly && factors[place].isInner) {
            while rest <= 1, axis >= 0 {
                (rest, stride) = (shape[axis], strides[axis])
                axis -= 1
            }
            result[place] = stride
            stride *= factors[place].extent
            rest /= max(factors[place].extent, 1)
        }
        return result
    }
}
