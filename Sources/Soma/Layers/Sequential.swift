import SomaGraph

/// Layers one after the other: each takes what the one before gives. Parameters are named by the layers' numbers:
/// `0.weight`, `2.bias`.
public struct Sequential: Layer {
    /// The layers, the first applied first.
    public let layers: [any Layer]

    /// Layers applied one after the other.
    public init(_ layers: [any Layer]) { self.layers = layers }

    /// Layers applied one after the other.
    public init(_ layers: any Layer...) { self.layers = layers }

    /// The last layer of … of the first layer of x.
    public func callAsFunction(_ x: Tensor) -> Tensor {
        tapped(layers.enumerated().reduce(x) { x, next in
            let output = LayerPath.within(type(of: next.element), number: next.offset) { next.element(x) }
            ModuleCalls.current?.note(self, next.offset, output)
            return output
        })
    }
}

extension Sequential: CustomReflectable {
    /// The layers by number, so that parameters are named `0.weight`, `1.weight`, ….
    public var customMirror: Mirror {
        Mirror(self, children: layers.enumerated().map { (label: String($0.offset), value: $0.element as Any) })
    }
}
