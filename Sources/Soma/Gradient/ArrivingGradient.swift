import SomaGraph

/// The gradient of a node's value: `value` where a condition holds, and 0 elsewhere.
///
/// The branch of a `select` that is not taken gets the gradient 0, and so does everything behind it, however steep it is there:
/// `select(x > 0, √x, 0)` is flat at 0. As 0 times an infinite slope would be NaN, the condition travels beside the value through
/// elementwise rules and views, and the choice is made behind them. Where nothing is steep, that is the same number of operations.
final class ArrivingGradient {
    let value: Tensor
    let condition: Tensor?
    /// The gradient as one tensor, for rules that mix its elements.
    private(set) lazy var total = condition.map { .select($0, value, value.operand(0, "gradient")) } ?? value

    init(_ value: Tensor, where condition: Tensor?) { (self.value, self.condition) = (value, condition) }

    /// Two gradients of one node; the condition stays if it is the same for both.
    func adding(_ other: ArrivingGradient) -> ArrivingGradient {
        if condition?.node === other.condition?.node { return ArrivingGradient(value + other.value, where: condition) }
        return ArrivingGradient(total + other.total, where: nil)
    }
}

/// Gradients under accumulation, by place.
final class GradientSums {
    private var all: [ArrivingGradient?]
    /// Gradients of slices, which are put together when all have arrived.
    private var slices: [Int: [GradientSlice]] = [:]
    /// Gradients of the results of nodes that have several.
    private var results: [Int: [NodeResult: Tensor]] = [:]

    init(count: Int) { all = [ArrivingGradient?](repeating: nil, count: count) }

    /// What has arrived at a place so far.
    subscript(place: Int) -> ArrivingGradient? {
        for whole in slices.removeValue(forKey: place).map(GradientSlice.joined) ?? [] { add(ArrivingGradient(whole, where: nil), to: place) }
        return all[place]
    }

    func add(_ gradient: ArrivingGradient, to place: Int) { all[place] = all[place].map { $0.adding(gradient) } ?? gradient }

    /// What has arrived for the results of a node at a place.
    func results(of place: Int) -> [NodeResult: Tensor] { results[place] ?? [:] }

    func add(_ gradient: Tensor, toResult result: NodeResult, of place: Int) {
        let sum = results[place, default: [:]][result].map { $0 + gradient } ?? gradient
        results[place, default: [:]][result] = sum
    }

    func add(_ slice: GradientSlice, to place: Int) { slices[place, default: []].append(slice) }
}

extension Tensor {
    /// This condition on `shape`, which has an extent of 1 along some of the axes: nil where it may differ along them.
    func narrowed(to shape: Shape) -> Tensor? {
        if rank == 0 { return self }
        guard case .expand = node.primitive, case .one(let x) = Node.lock.withLock({ _ in node.inputs }),
            zip(x.shape.dimensions, shape.dimensions).allSatisfy({ $0 == 1 || $0 == $1 })
        else { return nil }
        return Tensor(node: x).repeated(to: shape)
    }
}

extension Primitive {
    /// Whether each element of an input's gradient follows from one element of the result's: so it is of elementwise functions and of
    /// operations that move or add up elements.
    var keepsPlaces: Bool {
        switch self {
        case .unary, .binary, .select, .cast, .reshape, .permute, .pad, .concatenate, .contiguous, .reduce(.sum, axes: _): true
        case .buffer, .constant, .range, .random, .expand, .slice, .window, .fold, .deviceCopy, .dynamicSlice, .updateSlice, .reduce, .matmul,
            .gather, .scatterAdd, .library, .scan, .result, .custom, .stopGradient:
            false
        case .customGradient(let rule): (rule as? UserGradientRule)?.isElementwise ?? false
        }
    }
}
