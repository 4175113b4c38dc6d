import SomaGraph

/// What a subscript takes along an axis: an integer, a range, a `stride`, or one of the forms of `TensorIndex`.
public protocol TensorIndexing {
    /// What is taken along the axis.
    var tensorIndex: TensorIndex { get }
}

/// One place of a tensor's subscript. Positions may be counted from the end: −1 is the last.
///
///     x[0]                    the first row, without its axis
///     x[1..., 2..<5]          from the second row on, columns 2, 3 and 4
///     x[(-3)...]              the last three rows
///     x[.ellipsis, -1]        the last element of the last axis
///     x[.every(2)]            every other row
///     x[.every(-1)]           the rows backwards
///     x[.all, .newAxis]       with an axis of extent 1 after the first
///     x[stride(from: 8, through: 0, by: -2)]
public struct TensorIndex: TensorIndexing, Sendable {
    enum Form: Sendable {
        case at(Int)
        case range(from: Int?, to: Int?, by: Int)
        case positions(first: Int, count: Int, by: Int)
        case all, ellipsis, newAxis
    }

    let form: Form
    /// The place itself.
    public var tensorIndex: TensorIndex { self }
}

extension TensorIndexing where Self == TensorIndex {
    /// One position; the axis is dropped.
    public static func at(_ position: Int) -> TensorIndex { TensorIndex(form: .at(position)) }
    /// From `from` up to and without `to` in steps of `step`; a bound of `nil` is the end that the sign of the step suggests.
    public static func range(from: Int? = nil, to: Int? = nil, by step: Int = 1) -> TensorIndex {
        TensorIndex(form: .range(from: from, to: to, by: step))
    }
    /// Every `step`-th position; backwards from the last one if negative.
    public static func every(_ step: Int) -> TensorIndex { .range(by: step) }
    /// The whole axis.
    public static var all: TensorIndex { TensorIndex(form: .all) }
    /// As many whole axes as are needed; at most once.
    public static var ellipsis: TensorIndex { TensorIndex(form: .ellipsis) }
    /// A further axis of extent 1.
    public static var newAxis: TensorIndex { TensorIndex(form: .newAxis) }
}

extension Int: TensorIndexing {
    /// One position; the axis goes.
    public var tensorIndex: TensorIndex { .at(self) }
}
extension Range<Int>: TensorIndexing {
    /// The positions of the range.
    public var tensorIndex: TensorIndex { .range(from: lowerBound, to: upperBound) }
}
extension ClosedRange<Int>: TensorIndexing {
    /// The positions of the range.
    public var tensorIndex: TensorIndex { .range(from: lowerBound, to: pastEnd(upperBound)) }
}
extension PartialRangeFrom<Int>: TensorIndexing {
    /// The positions of the range.
    public var tensorIndex: TensorIndex { .range(from: lowerBound) }
}
extension PartialRangeUpTo<Int>: TensorIndexing {
    /// The positions of the range.
    public var tensorIndex: TensorIndex { .range(to: upperBound) }
}
extension PartialRangeThrough<Int>: TensorIndexing {
    /// The positions of the range.
    public var tensorIndex: TensorIndex { .range(to: pastEnd(upperBound)) }
}

/// The bound after `last`, which is the end where `last` is the last one counted from the back.
private func pastEnd(_ last: Int) -> Int? { last == -1 ? nil : last.addingSaturated(1) }

extension StrideTo<Int>: TensorIndexing {
    /// The positions of the stride.
    public var tensorIndex: TensorIndex { .positions(of: Array(self)) }
}
extension StrideThrough<Int>: TensorIndexing {
    /// The positions of the stride.
    public var tensorIndex: TensorIndex { .positions(of: Array(self)) }
}

extension TensorIndex.Form {
    fileprivate var takesAnAxis: Bool {
        switch self {
        case .at, .range, .positions, .all: true
        case .ellipsis, .newAxis: false
        }
    }
}

extension TensorIndex {
    fileprivate static func positions(of positions: [Int]) -> TensorIndex {
        let step = positions.count > 1 ? positions[1] - positions[0] : 1
        return TensorIndex(form: .positions(first: positions.first ?? 0, count: positions.count, by: step))
    }
}

extension Tensor {
    /// A view of a part of the tensor, axis by axis; axes that are not mentioned are taken whole. See `TensorIndex`.
    ///
    /// Assigning to it makes the variable another tensor, as `replacing(at:with:)` gives it; who holds the old one keeps it.
    public subscript(
        _ indices: any TensorIndexing..., file file: StaticString = #fileID, line line: UInt = #line
    ) -> Tensor {
        get { sliced(by: indices.map(\.tensorIndex), file: file, line: line) }
        set { self = replacing(at: indices.map(\.tensorIndex), with: newValue, file: file, line: line) }
    }

    /// A view of a part of the tensor; what the subscript does, with the places in an array.
    public func sliced(by indices: [TensorIndex], file: StaticString = #fileID, line: UInt = #line) -> Tensor {
        let slice = SubscriptPlan(shape, indices, file, line)
        let part = Node.slice(node, starts: slice.starts, counts: slice.counts, steps: slice.steps)
        return Tensor(node: .reshape(part, to: Shape(slice.resultDimensions)))
    }
}

/// A subscript, read axis by axis.
struct SubscriptPlan {
    let shape: Shape
    private let file: StaticString
    private let line: UInt
    private(set) var starts: [Int] = []
    private(set) var counts: [Int] = []
    private(set) var steps: [Int] = []
    private(set) var resultDimensions: [Int] = []

    init(_ shape: Shape, _ indices: [TensorIndex], _ file: StaticString, _ line: UInt) {
        (self.shape, self.file, self.line) = (shape, file, line)
        for index in filled(indices.map(\.form)) { take(index) }
    }

    private func fail(_ reason: String) -> Never { programError("subscript", reason, file: file, line: line) }

    /// One index for each axis, the ellipsis (at the end if there is none) written out.
    private func filled(_ indices: [TensorIndex.Form]) -> [TensorIndex.Form] {
        let axes = indices.filter(\.takesAnAxis).count
        guard axes <= shape.rank else { fail("\(axes) indices for shape \(shape)") }
        let rest = [TensorIndex.Form](repeating: .all, count: shape.rank - axes)
        let ellipses = indices.indices.filter { if case .ellipsis = indices[$0] { true } else { false } }
        guard ellipses.count <= 1 else { fail("more than one ellipsis") }
        guard let place = ellipses.first else { return indices + rest }
        return indices[..<place] + rest + indices[(place + 1)...]
    }

    private mutating func take(_ index: TensorIndex.Form) {
        if case .newAxis = index { return resultDimensions.append(1) }
        let extent = shape[starts.count]
        switch index {
        case .at(let position): append(from: inside(position, extent), count: 1, by: 1, keepingAxis: false)
        case .range(let from, let to, let step): range(from, to, step, extent)
        case .positions(let first, let count, let step):
            let last = first + Swift.max(0, count - 1) * step
            guard count == 0 || (0..<extent).contains(first) && (0..<extent).contains(last) else {
                fail("positions \(first) to \(last) on an axis of \(extent) of \(shape)")
            }
            append(from: count == 0 ? 0 : first, count: count, by: step)
        case .all, .ellipsis, .newAxis: append(from: 0, count: extent, by: 1)
        }
    }

    private mutating func append(from start: Int, count: Int, by step: Int, keepingAxis: Bool = true) {
        starts.append(start)
        counts.append(count)
        steps.append(step)
        if keepingAxis { resultDimensions.append(count) }
    }

    private func inside(_ position: Int, _ extent: Int) -> Int {
        let counted = position < 0 ? position + extent : position
        guard (0..<extent).contains(counted) else { fail("index \(position) on an axis of \(extent) of \(shape)") }
        return counted
    }

    private mutating func range(_ from: Int?, _ to: Int?, _ step: Int, _ extent: Int) {
        guard step != 0 else { fail("a step of 0") }
        func bound(_ position: Int) -> Int { position < 0 ? position + extent : position }
        let start = from.map(bound) ?? (step > 0 ? 0 : extent - 1)
        let end = to.map(bound) ?? (step > 0 ? extent : -1)
        func leaves() -> Never {
            let (lower, upper) = (from.map(String.init) ?? "", to.map(String.init) ?? "")
            fail("range \(lower)..<\(upper) on an axis of \(extent) of \(shape)")
        }
        guard (-1...extent).contains(start), (-1...extent).contains(end) else { leaves() }
        let distance = end - start
        let isEmpty = distance.signum() != step.signum()
        // In magnitudes, since the least Int has no negative.
        let count = isEmpty ? 0 : Int((distance.magnitude - 1) / step.magnitude) + 1
        let axis = 0..<extent
        guard isEmpty || axis.contains(start) && axis.contains(start + (count - 1) * step) else { leaves() }
        append(from: isEmpty ? 0 : start, count: count, by: step)
    }
}
