/// Layers one after the other: each takes what the one before gives. Parameters are named by the layers' numbers:
/// `0.weight`, `2.bias`.
public struct Sequential: Layer {
    public let layers: [any Layer]

    public init(_ layers: [any Layer]) { self.layers = layers }

    public init(_ layers: any Layer...) { self.layers = layers }

    public func callAsFunction(_ x: Tensor) -> Tensor { layers.reduce(x) { $1($0) } }
}

extension Sequential: CustomReflectable {
    public var customMirror: Mirror {
        Mirror(self, children: layers.enumerated().map { (label: String($0.offset), value: $0.element as Any) })
    }
}
