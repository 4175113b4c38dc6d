import SomaGraph

// Windows that slide along an axis: what convolution and pooling are made of.

extension Tensor {
    /// Windows of `size` elements, `dilation` apart, each beginning `step` after the one before: a view, which copies nothing.
    ///
    /// The axis becomes the place of the window, ⌊(n − (size − 1)·dilation − 1) / step⌋ + 1 of them, and a further, last axis is the
    /// place in the window: `y[…, o, …, r] = x[…, o·step + r·dilation, …]`.
    public func windows(
        alongAxis axis: Int, size: Int, step: Int = 1, dilation: Int = 1, file: StaticString = #fileID, line: UInt = #line
    ) -> Tensor {
        let axis = normalized(axis: axis, "windows", file: file, line: line)
        return Tensor(node: .window(node, axis: axis, size: size, step: step, dilation: dilation))
    }

    /// The adjoint of `windows`: adds the elements of windows where they came from, in `extent` elements along `axis`. The last axis goes.
    public func folded(
        alongAxis axis: Int, extent: Int, step: Int = 1, dilation: Int = 1, file: StaticString = #fileID, line: UInt = #line
    ) -> Tensor {
        let axis = normalized(axis: axis, "folded", file: file, line: line)
        return Tensor(node: .fold(node, axis: axis, extent: extent, step: step, dilation: dilation))
    }
}
