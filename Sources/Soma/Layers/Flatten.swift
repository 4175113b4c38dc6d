/// All axes from `axis` on as one; with the default each sample of a batch becomes a vector.
public struct Flatten: Layer {
    public let axis: Int
    public init(fromAxis axis: Int = 1) { self.axis = axis }
    public func callAsFunction(_ x: Tensor) -> Tensor { x.flattened(fromAxis: axis) }
}
