/// What a node knows of everything upstream of it.
public struct NodeTraits: OptionSet, Sendable {
    public let rawValue: UInt8
    public init(rawValue: UInt8) { self.rawValue = rawValue }

    /// A trainable parameter.
    public static let tracked = NodeTraits(rawValue: 1)
    /// A layer that differs in training and was built to predict, since nothing had said what for. No gradient passes a `stopGradient`,
    /// and neither does this.
    public static let modeUnsaid = NodeTraits(rawValue: 2)
    /// The node itself is what such a layer gives; not inherited.
    public static let modeQuestion = NodeTraits(rawValue: 4)
    /// A gradient through such a layer: weights must not be moved by it.
    public static let gradientOfModeUnsaid = NodeTraits(rawValue: 8)
    /// What a step of a scan computes from what it is given: it has another value at each.
    public static let insideScan = NodeTraits(rawValue: 16)

    /// What still counts when all that is left of a node is its value.
    public var lasting: NodeTraits { intersection(.gradientOfModeUnsaid) }
}
