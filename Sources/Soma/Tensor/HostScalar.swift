import SomaGraph

/// A rank-0 node whose value the host supplies: now, and again for every replay of a captured step.
func hostScalar(device: DeviceTag, _ value: @escaping @Sendable () -> Scalar) -> Node {
    .constant(value(), device: device)
}
