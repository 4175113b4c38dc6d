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
        let links = Node.lock.withLock { number in
            Node.topologicalOrder(of: roots, &number).map { (node: $0, inputs: $0.inputs.array) }
        }
        var values: [ObjectIdentifier: Value] = [:]
        for (node, inputs) in links {
            let identity = ObjectIdentifier(node)
            values[identity] =
                leaves[identity] ?? stored(node) ?? compute(node, inputs.compactMap { values[ObjectIdentifier($0)] })
        }
        return roots.map { root in
            guard let value = values[ObjectIdentifier(root)] else { fatalError("a root without a value") }
            return value
        }
    }

    /// The value of one tensor.
    public func evaluate(_ tensor: Tensor) -> Value { evaluate([tensor])[0] }

    private func stored(_ node: Node) -> Value? { (node.storage as? ReferenceStorage)?.value }

    private func compute(_ node: Node, _ inputs: [Value]) -> Value {
        let (shape, dtype) = (node.shape, node.dtype)
        switch node.primitive {
        case .buffer: fatalError("a leaf of shape \(shape) without a value")
        case .constant(let scalar): return Value([scalar.double], shape: shape, dtype: dtype)
        case .range: return Value(shape, dtype: dtype) { Double($0[0]) }
        case .random: return randomWords(shape, inputs)
        case .unary(let function): return map(shape, dtype, inputs) { apply(function, $0[0], dtype) }
        case .binary(let function): return map(shape, dtype, inputs) { apply(function, $0[0], $0[1], inputs[0].dtype) }
        case .select: return map(shape, dtype, inputs) { $0[0] != 0 ? $0[1] : $0[2] }
        case .cast: return map(shape, dtype, inputs) { cast($0[0], from: inputs[0].dtype, to: dtype) }
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
        case .custom(let operation): return custom(operation, inputs, shape, dtype)
        }
    }
}

/// `function` of the elements of `inputs` at each place; an input of rank 0 is the same everywhere.
private func map(_ shape: Shape, _ dtype: DType, _ inputs: [Value], _ function: ([Double]) -> Double) -> Value {
    let elements = (0..<shape.count).map { place in
        function(inputs.map { $0.elements[$0.shape.rank == 0 ? 0 : place] })
    }
    return Value(elements, shape: shape, dtype: dtype)
}
