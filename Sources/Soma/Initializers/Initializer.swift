import SomaGraph

/// The number of inputs that reach one output of a layer, and of outputs that one input reaches.
public struct Fan: Hashable, Sendable {
    /// How many numbers enter one output.
    public var inputs: Int
    /// How many outputs one number enters.
    public var outputs: Int

    /// Both counts as they are.
    public init(inputs: Int, outputs: Int) { (self.inputs, self.outputs) = (inputs, outputs) }

    /// Those of a weight [outputs, inputs, extents of a filter…].
    public init(of shape: Shape) {
        let filter = shape.dimensions.dropFirst(2).reduce(1, *)
        let outputs = shape.rank > 0 ? shape[0] : 1
        self.init(inputs: (shape.rank > 1 ? shape[1] : outputs) * filter, outputs: outputs * filter)
    }
}

/// How the first values of a parameter are drawn.
///
/// They are computed by scalar code on the host from Philox words, so that the same seed gives the same bits on every
/// device.
public struct Initializer: Sendable {
    /// Fills the elements of a parameter, row by row.
    public typealias Fill =
        @Sendable (
            _ elements: UnsafeMutableBufferPointer<Float>, _ shape: Shape, _ fan: Fan, _ generator: RandomGenerator
        ) -> Void

    private let fill: Fill

    @TaskLocal fileprivate static var isSkipped = false

    /// Whether parameters lie in memory as if they were drawn, and are 0: for who looks at the steps of a model and not at its numbers.
    @TaskLocal static var isBlank = false

    /// An initialiser of one's own.
    public init(_ fill: @escaping Fill) { self.fill = fill }

    /// The first value of a parameter of `shape`.
    /// - Parameter fan: nil for that of a weight of this shape.
    public func callAsFunction(
        shape: Shape, fan: Fan? = nil, generator: RandomGenerator = .current, device: Device = .current
    ) -> Tensor {
        if Self.isSkipped { return .zeros(shape, device: device) }
        let elements = [Float](unsafeUninitializedCapacity: shape.count) { buffer, count in
            let all = UnsafeMutableBufferPointer(rebasing: buffer[..<shape.count])
            all.initialize(repeating: 0)
            if !Self.isBlank { fill(all, shape, fan ?? Fan(of: shape), generator) }
            count = shape.count
        }
        return Tensor(elements, shape: shape, device: device)
    }
}

/// Makes layers in `body` with parameters that are 0 instead of drawn, and take no memory until they are computed: to
/// learn what shapes a model has, or to read its parameters from a checkpoint.
public func withoutInitialization<Result>(_ body: () throws -> Result) rethrows -> Result {
    try Initializer.$isSkipped.withValue(true, operation: body)
}

extension Initializer {
    /// 0 everywhere.
    public static let zeros = constant(0)
    /// 1 everywhere.
    public static let ones = constant(1)

    /// `value` everywhere.
    public static func constant(_ value: Double) -> Initializer {
        Initializer { elements, _, _, _ in elements.update(repeating: Float(value)) }
    }

    /// Uniform on [lower, upper).
    public static func uniform(from lower: Double, to upper: Double) -> Initializer {
        Initializer { elements, _, _, generator in
            var sequence = generator.hostSequence()
            sequence.fillUniform(elements, from: Float(lower), to: Float(upper))
        }
    }

    /// The normal distribution.
    public static func normal(mean: Double = 0, standardDeviation: Double) -> Initializer {
        Initializer { elements, _, _, generator in
            var sequence = generator.hostSequence()
            sequence.fillNormal(elements, mean: Float(mean), deviation: Float(standardDeviation))
        }
    }

    /// The normal distribution without what lies more than `cut` standard deviations from the mean, which is drawn
    /// anew.
    ///
    /// What is left has a smaller standard deviation than the name says: 0.88 of it for a cut at 2.
    public static func truncatedNormal(mean: Double = 0, standardDeviation: Double, cut: Double = 2) -> Initializer {
        guard cut > 0 else { programError("truncatedNormal", "a cut at \(cut) standard deviations") }
        return Initializer { elements, _, _, generator in
            var sequence = generator.hostSequence()
            var filled = 0
            while filled < elements.count {
                let pair = sequence.normalPair()
                for draw in [pair.0, pair.1] where Swift.abs(draw) <= Float(cut) && filled < elements.count {
                    elements[filled] = Float(mean) + Float(standardDeviation) * draw
                    filled += 1
                }
            }
        }
    }
}
