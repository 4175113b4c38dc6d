import SomaGraph

extension CustomKernel {
    /// The kernel's result for `inputs`, of the given shape and dtype. It has no gradient; give it one with
    /// `withCustomGradient`.
    public func callAsFunction(
        _ inputs: Tensor..., shape: Shape, dtype: DType = .float32, file: StaticString = #fileID, line: UInt = #line
    ) -> Tensor {
        guard !inputs.isEmpty else { programError(name, "a custom operation needs an input", file: file, line: line) }
        return Tensor(node: .custom(self, inputs.map(\.node), shape: shape, dtype: dtype))
    }
}
