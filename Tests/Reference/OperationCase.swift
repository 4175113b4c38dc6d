import Soma
import SomaGraph

/// An operation with one set of sample inputs: what every backend must compute as the reference does.
public struct OperationCase: Sendable, CustomStringConvertible {
    /// The operation and what is awkward about the sample; unique in the list.
    public let name: String
    public let inputs: [Value]
    /// The operation, of one tensor for each input.
    public let build: @Sendable ([Tensor]) -> Tensor
    /// Whether the sample lies where the operation has derivatives of first and second order.
    public let isDifferentiable: Bool
    /// How many terms an element of the result adds up: the tolerance grows with its root.
    public let termCount: Int
    /// The elements of the result where they are known otherwise than by the operation's own composition.
    public let answer: [Double]?

    /// The same, where rounding leaves nothing of it to a device: each gives these numbers to the bit.
    public let exactAnswer: [Double]?

    public var description: String { name }

    public init(
        _ name: String, _ inputs: Value..., differentiable: Bool = true, terms: Int = 1, answer: [Double]? = nil, exactly exactAnswer: [Double]? = nil,
        build: @escaping @Sendable ([Tensor]) -> Tensor
    ) {
        self.name = name
        self.inputs = inputs
        self.build = build
        isDifferentiable = differentiable
        termCount = terms
        self.answer = answer ?? exactAnswer
        self.exactAnswer = exactAnswer
    }

    /// Every case there is.
    public static let all: [OperationCase] =
        maps + comparisons + casts + reductions + exponentials + singular + views + subscripts + joints + windows + convolutions + normalizations + images + products + indexing
        + creations + composed
        + randoms + userDefined

    /// Those of operations that are composed of others.
    private static let composed: [OperationCase] = [sorting, scans, recurrences, recurrentLayers, attentions, scattering, einsums, composedFunctions, measures, grids].flatMap { $0 }
}

extension OperationCase {
    /// Whether there is a gradient to check: the sample is smooth, the result is real and so is an input that has elements.
    public var hasGradient: Bool {
        guard isDifferentiable, inputs.contains(where: { $0.dtype.isFloatingPoint && $0.shape.count > 0 }) else {
            return false
        }
        return build(inputs.map { Tensor(reference: $0) }).dtype.isFloatingPoint
    }

    /// The result for `tensors`, and with it, where the sample is differentiable, the gradients of a weighted sum of the result
    /// with respect to the real inputs.
    public func results(_ tensors: [Tensor]) -> [Tensor] {
        let result = build(tensors)
        guard hasGradient else { return [result] }
        return [result]
            + gradient(of: result, withRespectTo: tensors.filter { $0.dtype.isFloatingPoint }, seed: seed(result))
    }

    /// Weights that differ from element to element, so that no error of one hides behind another; exact in single precision, so that all
    /// errors are the operation's.
    func seed(_ tensor: Tensor) -> Tensor {
        let places = Tensor.range(tensor.count, device: tensor.device)
        return (remainder(places * 7, 31).as(.float32) * 0.0625 + 0.5).reshaped(to: tensor.shape)
    }
}

extension Value {
    /// Numbers spread irregularly over `range`, each of which the dtype holds exactly.
    public static func sample(
        _ shape: Shape, in range: ClosedRange<Double> = -2...2, seed: Int = 0, dtype: DType = .float32
    ) -> Value {
        Value(
            (0..<shape.count).map { place in
                // Multiples of the golden ratio fill an interval evenly and never repeat.
                let turn = Double(place + 1) * 0.6180339887498949 + Double(seed) * 0.754877666
                let number = range.lowerBound + (turn - turn.rounded(.down)) * (range.upperBound - range.lowerBound)
                return Scalar(dtype.isFloatingPoint ? number : number.rounded(.down), dtype).double
            }, shape: shape, dtype: dtype)
    }

    /// What goes wrong most easily: zeros of both signs, ones, ties of rounding, infinities, NaN, huge and tiny numbers.
    public static let special = Value(
        [
            0, -0.0, 1, -1, 0.5, 1.5, 2.5, -0.5, -1.5, -2.5, .infinity, -.infinity, .nan, 1e-30, -1e-30, 1e30, -1e30,
            88, -88, 16_777_216, 0.1,
        ].map { Double(Float($0)) })
}
