import Soma
import SomaGraph

/// Elements that lie in memory, for tests without a device.
public final class ReferenceStorage: Storage, @unchecked Sendable {
    public let value: Value

    public init(_ value: Value) {
        self.value = value
        super.init()
    }
}

extension Device {
    /// Where tensors of the reference are said to live: no program runs there.
    public static let reference = Device.recording()
}

extension Tensor {
    /// A tensor whose elements only the interpreter can read.
    public init(reference value: Value, isTracked: Bool = false) {
        let storage = ReferenceStorage(value)
        self.init(
            node: Node(
                storage: storage, shape: value.shape, dtype: value.dtype, device: Device.reference.tag,
                isTracked: isTracked))
    }
}

/// Computes a graph in double precision, node by node, straight from the definitions of the primitives.
///
/// It is the reference the engine is held against, so it is written to be obviously right and not to be fast. Rounding to
/// single precision is not imitated: results differ from a device's by its rounding errors. Integers and random words are exact.
public struct Interpreter {
    /// The elements of nodes that lie in memory elsewhere, by the identity of the node.
    public var leaves: [ObjectIdentifier: Value]

    public init(leaves: [ObjectIdentifier: Value] = [:]) { self.leaves = leaves }

    /// The values of `tensors`.
    public func evaluate(_ tensors: [Tensor]) -> [Value] {
        let roots = tensors.map(\.node)
        var values: [ObjectIdentifier: Value] = [:]
        for link in links(to: roots) { values[ObjectIdentifier(link.node)] = known(link.node) ?? compute(link, values) }
        return roots.map { root in
            guard let value = values[ObjectIdentifier(root)] else { fatalError("a root without a value") }
            return value
        }
    }

    /// The value of one tensor.
    public func evaluate(_ tensor: Tensor) -> Value { evaluate([tensor])[0] }

    /// The value of a tensor as a function of that of `variable`, a leaf: what does not depend on it is computed once.
    public func function(_ tensor: Tensor, of variable: Tensor) -> (Value) -> Value {
        let (leaf, root) = (ObjectIdentifier(variable.node), ObjectIdentifier(tensor.node))
        var fixed: [ObjectIdentifier: Value] = [:]
        var moving: [Link] = []
        for link in links(to: [tensor.node]) where ObjectIdentifier(link.node) != leaf {
            if let value = known(link.node) ?? (link.inputs.allSatisfy { fixed[ObjectIdentifier($0)] != nil } ? compute(link, fixed) : nil) {
                fixed[ObjectIdentifier(link.node)] = value
            } else {
                moving.append(link)
            }
        }
        return { [fixed, moving] value in
            var values = fixed
            values[leaf] = value
            for link in moving { values[ObjectIdentifier(link.node)] = compute(link, values) }
            guard let result = values[root] else { fatalError("a root without a value") }
            return result
        }
    }

    // MARK: Nodes

    private typealias Link = (node: Node, inputs: [Node])

    /// The nodes that `roots` are made of, each behind its inputs.
    private func links(to roots: [Node]) -> [Link] {
        Node.lock.withLock { number in Node.topologicalOrder(of: roots, &number).map { (node: $0, inputs: $0.inputs.array) } }
    }

    /// What lies in memory.
    private func known(_ node: Node) -> Value? { leaves[ObjectIdentifier(node)] ?? (node.storage as? ReferenceStorage)?.value }

    private func compute(_ link: Link, _ values: [ObjectIdentifier: Value]) -> Value {
        let inputs = link.inputs.compactMap { values[ObjectIdentifier($0)] }
        if case .result(let result) = link.node.primitive { return self.result(result, of: link.inputs[0], inputs[0]) }
        return compute(link.node, inputs)
    }

    /// The last states of a scan and all that its lines had at each step, one after the other.
    private func scan(_ body: ScanBody, _ inputs: [Value]) -> Value {
        var states = Array(inputs[..<body.stateCount])
        var stacks = [[[Double]]](repeating: [[Double]](repeating: [], count: body.count), count: body.lines.count)
        for step in 0..<body.count {
            let place = body.isReversed ? body.count - 1 - step : step
            var values: [Value] = []
            for (number, line) in body.lines.enumerated() {
                switch line.source {
                case .state(let index): values.append(states[index])
                case .sequence(let index):
                    let count = line.node.shape.count
                    let elements = inputs[body.stateCount + index].elements[place * count..<(place + 1) * count]
                    values.append(Value(Array(elements), shape: line.node.shape, dtype: line.node.dtype))
                case .invariant(let index): values.append(inputs[body.stateCount + body.sequenceCount + index])
                case nil:
                    if case .result(let result) = line.node.primitive {
                        values.append(self.result(result, of: body.lines[line.inputs[0]].node, values[line.inputs[0]]))
                    } else {
                        values.append(compute(line.node, line.inputs.map { values[$0] }))
                    }
                }
                if line.source == nil, !line.node.hasOneValue { stacks[number][place] = [0] } else { stacks[number][place] = values[number].elements }
            }
            states = body.nextStates.map { values[$0] }
        }
        let all = states.flatMap(\.elements) + stacks.joined().joined()
        return Value(all, shape: [all.count], dtype: .float32)
    }

    /// One of the values of a node that has several, which `all` holds one after the other.
    private func result(_ result: NodeResult, of node: Node, _ all: Value) -> Value {
        if case .scan(let body) = node.primitive { return self.result(result, of: body, all) }
        guard case .value(let index) = result else { fatalError("a result of no scan") }
        let compositions = Node.lock.withLock { _ in node.inputs.array }.map { (shape: $0.shape, dtype: $0.dtype) }
        let first = compositions[..<index].reduce(0) { $0 + $1.shape.count }
        let (shape, dtype) = compositions[index]
        return Value(Array(all.elements[first..<first + shape.count]), shape: shape, dtype: dtype)
    }

    private func result(_ result: NodeResult, of body: ScanBody, _ all: Value) -> Value {
        let states = body.nextStates.map { body.lines[$0].node.shape.count }
        let first: Int
        switch result {
        case .state(let index): first = states[..<index].reduce(0, +)
        case .stacked(let line):
            first = states.reduce(0, +) + body.count * body.lines[..<line].reduce(0) { $0 + $1.node.shape.count }
        case .value: fatalError("a value that no scan has")
        }
        let shape = body.shape(of: result)
        return Value(Array(all.elements[first..<first + shape.count]), shape: shape, dtype: body.dtype(of: result))
    }

    private func compute(_ node: Node, _ inputs: [Value]) -> Value {
        let (shape, dtype) = (node.shape, node.dtype)
        switch node.primitive {
        case .buffer: fatalError("a leaf of shape \(shape) without a value")
        case .constant(let scalar): return Value([scalar.double], shape: shape, dtype: dtype)
        case .range: return Value(shape, dtype: dtype) { Double($0[0]) }
        case .random: return randomWords(shape, inputs)
        case .unary(let function): return map(shape, dtype) { apply(function, inputs[0].element($0), dtype) }
        case .binary(let function):
            let source = inputs[0].dtype
            return map(shape, dtype) { apply(function, inputs[0].element($0), inputs[1].element($0), source) }
        case .select: return map(shape, dtype) { inputs[inputs[0].element($0) != 0 ? 1 : 2].element($0) }
        case .cast:
            let source = inputs[0].dtype
            return map(shape, dtype) { cast(inputs[0].element($0), from: source, to: dtype) }
        case .library(let operation) where operation.resultCount > 1:
            let all = inputs.prefix(operation.resultCount).flatMap(\.elements)
            return Value(all, shape: [all.count], dtype: .float32)
        case .reshape, .contiguous, .deviceCopy, .stopGradient, .customGradient, .library:
            return Value(inputs[0].elements, shape: shape, dtype: dtype)
        case .permute(let axes):
            return Value(shape, dtype: dtype) { position in
                inputs[0][inputs[0].shape.dimensions.indices.map { position[axes.firstIndex(of: $0) ?? 0] }]
            }
        case .expand:
            return Value(shape, dtype: dtype) { position in
                inputs[0][position.indices.map { inputs[0].shape[$0] == 1 ? 0 : position[$0] }]
            }
        case .slice(let starts, let steps):
            return Value(shape, dtype: dtype) { position in
                inputs[0][position.indices.map { starts[$0] + position[$0] * steps[$0] }]
            }
        case .pad(let before): return pad(shape, inputs[0], inputs[1], before)
        case .window(let axis, let step, let dilation): return window(shape, inputs[0], axis, step, dilation)
        case .fold(let axis, let step, let dilation): return fold(shape, inputs[0], axis, step, dilation)
        case .concatenate(let axis): return concatenate(shape, inputs, axis)
        case .dynamicSlice:
            let starts = clampedStarts(inputs[1], block: shape, in: inputs[0].shape)
            return Value(shape, dtype: dtype) { position in inputs[0][zip(position, starts).map { $0 + $1 }] }
        case .updateSlice: return updateSlice(inputs[0], inputs[1], inputs[2])
        case .reduce(let operation, let axes): return reduce(operation, inputs[0], axes, shape, dtype)
        case .matmul: return matmul(inputs[0], inputs[1], shape)
        case .gather(let axis): return gather(inputs[0], inputs[1], axis, shape)
        case .scatterAdd(let axis): return scatterAdd(inputs[0], inputs[1], inputs[2], axis)
        case .scan(let body): return scan(body, inputs)
        case .result: fatalError("a result without its scan")
        case .custom(let operation): return custom(operation, inputs, shape, dtype)
        }
    }
}

/// `function` of each place.
private func map(_ shape: Shape, _ dtype: DType, _ function: (Int) -> Double) -> Value {
    Value((0..<shape.count).map(function), shape: shape, dtype: dtype)
}

extension Value {
    /// The element at a place of the result of a map: one of rank 0 is the same everywhere.
    fileprivate func element(_ place: Int) -> Double { elements[shape.rank == 0 ? 0 : place] }
}
