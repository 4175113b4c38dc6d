import SomaGraph

/// The gradients ∂loss/∂tensor, one for each of `tensors` and of its shape.
///
/// A gradient is a graph of ordinary operations: nothing is computed yet, it fuses with the rest of a step, and it can be
/// differentiated again. A tensor on which the loss does not depend gets zeros.
///
/// Take gradients before the values on their way are read or updated: what is computed may release the graph behind it. The engine
/// itself computes what lies behind some thousands of pending operations in a row, so that a running sum does not grow without bound;
/// the graph behind a `Parameter` is kept then, that behind a plain tensor is not.
/// - Parameters:
///   - loss: real, and of one element unless `seed` is given.
///   - seed: the gradient of what is wanted with respect to `loss`, of its shape; 1 by default.
public func gradient(
    of loss: Tensor, withRespectTo tensors: [Tensor], seed: Tensor? = nil, file: StaticString = #fileID,
    line: UInt = #line
) -> [Tensor] {
    zip(tensors, knownGradients(of: loss, withRespectTo: tensors, seed: seed, file: file, line: line)).map { $1 ?? .zeros(like: $0) }
}

/// The gradients, nil for tensors on which the loss does not depend.
func knownGradients(
    of loss: Tensor, withRespectTo tensors: [Tensor], seed: Tensor? = nil, file: StaticString, line: UInt
) -> [Tensor?] {
    let seed = checkedSeed(seed, loss, file, line)
    for (index, tensor) in tensors.enumerated() where !tensor.dtype.isFloatingPoint {
        programError("gradient", "\(name(index, tensor)) is not real, so no gradient exists", file: file, line: line)
    }
    let paths = GradientPaths(from: tensors, to: [loss], file, line)
    return paths.accumulate([paths.passesUnsaidMode ? seed.marked(.gradientOfModeUnsaid) : seed])
}

/// The gradient ∂loss/∂tensor, of the tensor's shape; see `gradient(of:withRespectTo:seed:)` for several.
public func gradient(
    of loss: Tensor, withRespectTo tensor: Tensor, seed: Tensor? = nil, file: StaticString = #fileID, line: UInt = #line
) -> Tensor {
    gradient(of: loss, withRespectTo: [tensor], seed: seed, file: file, line: line)[0]
}

/// The value of `function` at `point` and its gradient there.
public func valueWithGradient(
    at point: Tensor, of function: (Tensor) throws -> Tensor, file: StaticString = #fileID, line: UInt = #line
) rethrows -> (value: Tensor, gradient: Tensor) {
    let value = try function(point)
    return (value, gradient(of: value, withRespectTo: point, file: file, line: line))
}

/// The value of `function` at `points` and its gradient with respect to each.
public func valueWithGradient(
    at points: [Tensor], of function: ([Tensor]) throws -> Tensor, file: StaticString = #fileID, line: UInt = #line
) rethrows -> (value: Tensor, gradients: [Tensor]) {
    let value = try function(points)
    return (value, gradient(of: value, withRespectTo: points, file: file, line: line))
}

extension Tensor {
    /// The same value, through which no gradient passes.
    public func withoutGradient() -> Tensor { Tensor(node: .stopGradient(node)) }
}

extension Tensor {
    /// The same elements, of which something is known.
    func marked(_ traits: NodeTraits) -> Tensor {
        Tensor(node: Node(.reshape, .one(node), shape: shape, dtype: dtype, device: node.device, traits: traits))
    }
}

/// How messages name the tensor at `index` of those asked for.
func name(_ index: Int, _ tensor: Tensor) -> String { "tensor \(index) (\(tensor.dtype) \(tensor.shape))" }

private func checkedSeed(_ seed: Tensor?, _ loss: Tensor, _ file: StaticString, _ line: UInt) -> Tensor {
    guard loss.dtype.isFloatingPoint else {
        programError("gradient", "the loss is \(loss.dtype), which is not real", file: file, line: line)
    }
    guard let seed else {
        guard loss.count == 1 else {
            programError(
                "gradient", "the loss has shape \(loss.shape): reduce it to one number, or give a seed", file: file,
                line: line)
        }
        return .ones(like: loss)
    }
    guard seed.shape == loss.shape, seed.dtype == loss.dtype else {
        programError(
            "gradient", "the seed is \(seed.dtype) \(seed.shape), the loss \(loss.dtype) \(loss.shape)", file: file,
            line: line)
    }
    return seed
}
