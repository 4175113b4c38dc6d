import SomaGraph

/// y = x ⋆ᵀ w + b: `transposedConvolution`, which enlarges where a convolution of the same stride reduces; w is [C, K / groups, sizes…], b [K].
public struct TransposedConvolution: Layer {
    /// w: [C, K / groups, sizes…].
    public let weight: Parameter
    /// b: [K].
    public let bias: Parameter?
    /// How many times larger each spatial axis becomes, about; one number for all or one for each.
    public let stride: [Int]
    /// Elements that are cut off on both sides of each spatial axis.
    public let padding: [Int]
    /// Elements that the result has more at the end of each spatial axis.
    public let outputPadding: [Int]
    /// Elements from one tap of the filter to the next, for all spatial axes or for each.
    public let dilation: [Int]
    /// The number of groups that the channels are divided into; a filter sees only the channels of its group.
    public let groups: Int

    /// Traps where a number is not positive or `groups` does not divide both channels.
    /// - Parameters:
    ///   - inputs, outputs: channels C and K, both multiples of `groups`.
    ///   - size: of the filter along each spatial axis; its count is the number of spatial axes.
    ///   - stride, padding, dilation: one number for all axes, or one for each.
    ///   - outputPadding: elements that the result has more at the end of each axis.
    ///   - weight, bias: how w and b are drawn; by default uniform on ±1/√(K / groups · size), as PyTorch has it.
    public init(
        from inputs: Int, to outputs: Int, size: [Int], stride: [Int] = [1], padding: [Int] = [0], outputPadding: [Int] = [0], dilation: [Int] = [1],
        groups: Int = 1, hasBias: Bool = true, weight: Initializer = .uniformByInputs, bias: Initializer = .uniformByInputs,
        device: Device = .current, file: StaticString = #fileID, line: UInt = #line
    ) {
        guard inputs > 0, outputs > 0, groups > 0, inputs % groups == 0, outputs % groups == 0, !size.isEmpty, size.allSatisfy({ $0 > 0 })
        else {
            programError(
                "TransposedConvolution", "from \(inputs) to \(outputs) channels in \(groups) groups by filters of \(size)", file: file, line: line)
        }
        let shape = Shape([inputs, outputs / groups] + size)
        self.weight = Parameter(weight(shape: shape, device: device))
        self.bias = hasBias ? Parameter(bias(shape: [outputs], fan: Fan(of: shape), device: device)) : nil
        (self.stride, self.padding, self.outputPadding, self.dilation, self.groups) = (stride, padding, outputPadding, dilation, groups)
    }

    /// [N, K, spatial…] of x [N, C, spatial…], as `transposedConvolution` has it. Traps on other channels.
    public func callAsFunction(_ x: Tensor) -> Tensor {
        named(by: weight) {
            let maps = transposedConvolution(
                x, weight.tensor, stride: stride, padding: padding, outputPadding: outputPadding, dilation: dilation, groups: groups)
            return tapped(maps.adding(channelBias: bias))
        }
    }
}

extension TransposedConvolution {
    /// A transposed convolution of images [N, C, height, width] by square filters: one number for both axes.
    public init(
        from inputs: Int, to outputs: Int, size: Int, stride: Int = 1, padding: Int = 0, outputPadding: Int = 0, dilation: Int = 1, groups: Int = 1,
        hasBias: Bool = true, weight: Initializer = .uniformByInputs, bias: Initializer = .uniformByInputs, device: Device = .current,
        file: StaticString = #fileID, line: UInt = #line
    ) {
        self.init(
            from: inputs, to: outputs, size: [size, size], stride: [stride], padding: [padding], outputPadding: [outputPadding],
            dilation: [dilation], groups: groups, hasBias: hasBias, weight: weight, bias: bias, device: device, file: file, line: line)
    }
}
