import SomaGraph

/// A rank-0 tensor whose value the host knows: a learning rate, a step count, the counter of a random stream.
///
/// `value` is asked now, and again at each replay of a captured step, in the order in which the scalars were made.
package func hostScalar(_ dtype: DType, on device: Device, _ value: @escaping @Sendable () -> Double) -> Tensor {
    let node = Node.constant(Scalar(value(), dtype), device: device.tag)
    Capture.current?.note(node, value)
    return Tensor(node: node)
}
