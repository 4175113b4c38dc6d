/// All axes from `axis` on as one; with the default each sample of a batch becomes a vector.
public struct Flatten: Layer {
    /// The first axis that is merged.
    public let axis: Int
    /// Joins the axes from `axis` on.
    /// - Parameter axis: 1 keeps the samples of a batch apart.
    public init(fromAxis axis: Int = 1) { self.axis = axis }
    /// [n, a, b, …] → [n, a · b · …] where `axis` is 1.
    public func callAsFunction(_ x: Tensor) -> Tensor { x.flattened(fromAxis: axis) }
}
