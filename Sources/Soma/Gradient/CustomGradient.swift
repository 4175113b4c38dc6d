import SomaGraph

/// A rule given by `withCustomGradient`.
final class UserGradientRule: CustomGradient, @unchecked Sendable {
    typealias Pullback = @Sendable (_ gradient: Tensor, _ inputs: [Tensor], _ output: Tensor) -> [Tensor]

    let pullback: Pullback
    /// Whether each element of the gradients follows from one element of the value's.
    let isElementwise: Bool
    let file: StaticString
    let line: UInt

    init(_ pullback: @escaping Pullback, isElementwise: Bool, file: StaticString, line: UInt) {
        self.pullback = pullback
        self.isElementwise = isElementwise
        self.file = file
        self.line = line
    }
}

/// The value of `function` at `inputs`, differentiated by `pullback` and not by what `function` does.
///
/// A straight-through estimator, for instance, rounds and lets the gradient pass:
///
///     withCustomGradient(of: [x]) { round($0[0]) } pullback: { gradient, _, _ in [gradient] }
///
/// - Parameters:
///   - inputs: what the value depends on; other tensors that `function` reads count as constants.
///   - function: the value.
///   - pullback: from the gradient of the value, the inputs and the value, one gradient of its shape for each input. It
///     answers with ordinary operations, so that it can be differentiated again.
public func withCustomGradient(
    of inputs: [Tensor], _ function: ([Tensor]) throws -> Tensor,
    pullback: @escaping @Sendable (_ gradient: Tensor, _ inputs: [Tensor], _ output: Tensor) -> [Tensor],
    file: StaticString = #fileID, line: UInt = #line
) rethrows -> Tensor {
    try customGradient(inputs, function, pullback, isElementwise: false, file, line)
}

private func customGradient(
    _ inputs: [Tensor], _ function: ([Tensor]) throws -> Tensor, _ pullback: @escaping UserGradientRule.Pullback, isElementwise: Bool,
    _ file: StaticString, _ line: UInt
) rethrows -> Tensor {
    let value = try function(inputs)
    guard value.dtype.isFloatingPoint else {
        programError("withCustomGradient", "the value is \(value.dtype), which is not real", file: file, line: line)
    }
    let rule = UserGradientRule(pullback, isElementwise: isElementwise, file: file, line: line)
    return Tensor(node: .customGradient(rule, value: value.node, inputs: inputs.map(\.node)))
}

/// `withCustomGradient` of one input.
public func withCustomGradient(
    of input: Tensor, _ function: (Tensor) throws -> Tensor,
    pullback: @escaping @Sendable (_ gradient: Tensor, _ input: Tensor, _ output: Tensor) -> Tensor,
    file: StaticString = #fileID, line: UInt = #line
) rethrows -> Tensor {
    try withCustomGradient(
        of: [input], { try function($0[0]) }, pullback: { [pullback($0, $1[0], $2)] }, file: file, line: line)
}

/// `withCustomGradient` of a function that takes the elements of its inputs, of one shape, each by itself: then the branch of a `select` that is
/// not taken has no slope behind it either.
func withElementwiseGradient(
    of inputs: [Tensor], _ function: ([Tensor]) throws -> Tensor,
    pullback: @escaping @Sendable (_ gradient: Tensor, _ inputs: [Tensor], _ output: Tensor) -> [Tensor]
) rethrows -> Tensor {
    try customGradient(inputs, function, pullback, isElementwise: true, #fileID, #line)
}

/// `withElementwiseGradient` of one input.
func withElementwiseGradient(
    of input: Tensor, _ function: (Tensor) throws -> Tensor,
    pullback: @escaping @Sendable (_ gradient: Tensor, _ input: Tensor, _ output: Tensor) -> Tensor
) rethrows -> Tensor {
    try withElementwiseGradient(of: [input], { try function($0[0]) }, pullback: { [pullback($0, $1[0], $2)] })
}
