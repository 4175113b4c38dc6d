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

// MARK: - Over all spatial axes of [N, C, spatial…]

extension Tensor {
    /// With the elements around it that the windows want.
    func spatiallyPadded(_ windows: Windows, with fill: Double = 0) -> Tensor {
        if (windows.before + windows.after).allSatisfy({ $0 == 0 }) { return self }
        return Tensor(node: .pad(node, before: [0, 0] + windows.before, after: [0, 0] + windows.after, value: operand(fill, "windows").node))
    }

    /// As [N, C, outputs…, sizes…].
    func spatialWindows(_ windows: Windows) -> Tensor {
        windows.size.indices.reduce(self) { x, axis in
            x.windows(alongAxis: axis + 2, size: windows.size[axis], step: windows.stride[axis], dilation: windows.dilation[axis])
        }
    }

    /// The adjoint of both: [N, C, outputs…, sizes…] added up to [N, C, spatial…].
    func spatiallyFolded(to shape: Shape, _ windows: Windows) -> Tensor {
        let padded = windows.size.indices.reversed().reduce(self) { x, axis in
            x.folded(
                alongAxis: axis + 2, extent: windows.before[axis] + shape[axis + 2] + windows.after[axis], step: windows.stride[axis],
                dilation: windows.dilation[axis])
        }
        return padded.shape == shape ? padded : padded.block(at: [0, 0] + windows.before, of: shape)
    }
}
