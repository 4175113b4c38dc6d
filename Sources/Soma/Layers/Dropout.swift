import SomaGraph

/// In training each element becomes 0 with probability `rate`, and the others are multiplied by 1 / (1 − rate); in
/// inference nothing changes.
///
/// N. Srivastava et al., *Dropout: A Simple Way to Prevent Neural Networks from Overfitting*, JMLR 15, 2014.
public struct Dropout: Layer {
    /// The probability that an element is dropped, in [0, 1).
    public let rate: Double
    private let generator: RandomGenerator?

    /// Traps where `rate` is not in 0 ..< 1.
    /// - Parameter generator: where the masks come from; nil for the generator that is current when the graph is built.
    public init(rate: Double, generator: RandomGenerator? = nil, file: StaticString = #fileID, line: UInt = #line) {
        guard (0..<1).contains(rate) else { programError("Dropout", "a rate of \(rate)", file: file, line: line) }
        (self.rate, self.generator) = (rate, generator)
    }

    /// x itself in inference; in training x with elements dropped at random and the others scaled by 1 / (1 − rate).
    public func callAsFunction(_ x: Tensor) -> Tensor {
        if rate == 0 { return x }
        return Mode.choose(training: { x.dropped(rate, keeping: x.shape, generator) }, inference: { x })
    }
}

/// Dropout of whole channels of [N, C, spatial…], whose places are too alike to be dropped one by one.
///
/// J. Tompson et al., *Efficient Object Localization Using Convolutional Networks*, CVPR 2015.
public struct SpatialDropout: Layer {
    /// The probability that a channel of a sample is dropped, in [0, 1).
    public let rate: Double
    private let generator: RandomGenerator?

    /// Traps where `rate` is not in 0 ..< 1.
    /// - Parameter generator: where the masks come from; nil for the generator that is current when the graph is built.
    public init(rate: Double, generator: RandomGenerator? = nil, file: StaticString = #fileID, line: UInt = #line) {
        guard (0..<1).contains(rate) else { programError("SpatialDropout", "a rate of \(rate)", file: file, line: line) }
        (self.rate, self.generator) = (rate, generator)
    }

    /// x itself in inference; in training x with channels dropped at random and the others scaled by 1 / (1 − rate).
    public func callAsFunction(_ x: Tensor) -> Tensor {
        guard x.rank >= 2 else { programError("SpatialDropout", "an input of \(x.shape) is not [N, C, …]") }
        if rate == 0 { return x }
        let channels = Shape(x.shape.dimensions[..<2] + [Int](repeating: 1, count: x.rank - 2))
        return Mode.choose(training: { x.dropped(rate, keeping: channels, generator) }, inference: { x })
    }
}

extension Tensor {
    /// Dropped elements are chosen to be 0, not multiplied by it: an infinite one would become NaN.
    /// - Parameter shape: of the choices, which broadcasts to this tensor's.
    fileprivate func dropped(_ rate: Double, keeping shape: Shape, _ generator: RandomGenerator?) -> Tensor {
        let isKept = Tensor.dropoutChoice(shape, rate: rate, generator: generator ?? .current, device: device)
        return .select(isKept, self * (1 / (1 - rate)), operand(0, "dropout"))
    }
}
