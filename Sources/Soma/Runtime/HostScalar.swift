import SomaGraph

/// A rank-0 tensor whose value the host knows: a learning rate, a step count, the counter of a random stream.
///
/// `value` is asked now; in a captured step it is asked at each replay, in the order in which the scalars were made.
package func hostScalar(_ dtype: DType, on device: Device, _ value: @escaping @Sendable () -> Double) -> Tensor {
    guard let capture = Capture.current else { return Tensor(node: .constant(Scalar(value(), dtype), device: device.tag)) }
    let node = Node.constant(Scalar(0, dtype), device: device.tag)
    capture.note(node, value)
    return Tensor(node: node)
}

extension Tensor {
    /// A number of the program, of rank 0, that is asked when the graph is built, and in a captured step anew at each replay. What the
    /// step saw in any other way stays as it was when it was captured.
    public static func asked(dtype: DType = .float32, device: Device = .current, _ value: @escaping @Sendable () -> Double) -> Tensor {
        hostScalar(dtype, on: device, value)
    }
}
