import SomaGraph

/// y = x ⋆ w + b over the spatial axes of x [N, C, spatial…], as `convolution` defines it; w is [K, C / groups, sizes…], b [K].
public struct Convolution: Layer {
    /// w: [K, C / groups, sizes…].
    public let weight: Parameter
    /// b: [K].
    public let bias: Parameter?
    /// Elements from one window to the next, for all spatial axes or for each.
    public let stride: [Int]
    /// What is added around x.
    public let padding: Padding
    /// Elements from one tap of the filter to the next, for all spatial axes or for each.
    public let dilation: [Int]
    /// The number of groups that the channels are divided into; a filter sees only the channels of its group.
    public let groups: Int

    /// Traps where a number is not positive or `groups` does not divide both channels.
    /// - Parameters:
    ///   - inputs, outputs: channels C and K, both multiples of `groups`.
    ///   - size: of the filter along each spatial axis; its count is the number of spatial axes.
    ///   - stride, dilation: one number for all axes, or one for each.
    ///   - weight, bias: how w and b are drawn; by default uniform on ±1/√(inputs of an output), as PyTorch has it.
    public init(
        from inputs: Int, to outputs: Int, size: [Int], stride: [Int] = [1], padding: Padding = .valid, dilation: [Int] = [1],
        groups: Int = 1, hasBias: Bool = true, weight: Initializer = .uniformByInputs, bias: Initializer = .uniformByInputs,
        device: Device = .current, file: StaticString = #fileID, line: UInt = #line
    ) {
        guard inputs > 0, outputs > 0, groups > 0, inputs % groups == 0, outputs % groups == 0, !size.isEmpty, size.allSatisfy({ $0 > 0 })
        else {
            programError("Convolution", "from \(inputs) to \(outputs) channels in \(groups) groups by filters of \(size)", file: file, line: line)
        }
        let shape = Shape([outputs, inputs / groups] + size)
        self.weight = Parameter(weight(shape: shape, device: device))
        self.bias = hasBias ? Parameter(bias(shape: [outputs], fan: Fan(of: shape), device: device)) : nil
        (self.stride, self.padding, self.dilation, self.groups) = (stride, padding, dilation, groups)
    }

    /// [N, K, spatial…] of x [N, C, spatial…], as `convolution` has it. Traps on other channels or where a window does not fit.
    public func callAsFunction(_ x: Tensor) -> Tensor {
        named(by: weight) {
            tapped(convolution(x, weight.tensor, stride: stride, padding: padding, dilation: dilation, groups: groups).adding(channelBias: bias))
        }
    }
}

extension Convolution {
    /// A convolution of images [N, C, height, width] by square filters: one number for both axes.
    public init(
        from inputs: Int, to outputs: Int, size: Int, stride: Int = 1, padding: Padding = .valid, dilation: Int = 1, groups: Int = 1,
        hasBias: Bool = true, weight: Initializer = .uniformByInputs, bias: Initializer = .uniformByInputs, device: Device = .current,
        file: StaticString = #fileID, line: UInt = #line
    ) {
        self.init(
            from: inputs, to: outputs, size: [size, size], stride: [stride], padding: padding, dilation: [dilation], groups: groups,
            hasBias: hasBias, weight: weight, bias: bias, device: device, file: file, line: line)
    }

    /// A convolution of images [N, C, height, width] by square filters, with `padding` elements on all four sides.
    public init(
        from inputs: Int, to outputs: Int, size: Int, stride: Int = 1, padding: Int, dilation: Int = 1, groups: Int = 1, hasBias: Bool = true,
        weight: Initializer = .uniformByInputs, bias: Initializer = .uniformByInputs, device: Device = .current,
        file: StaticString = #fileID, line: UInt = #line
    ) {
        self.init(
            from: inputs, to: outputs, size: size, stride: stride, padding: .all(padding), dilation: dilation, groups: groups,
            hasBias: hasBias, weight: weight, bias: bias, device: device, file: file, line: line)
    }
}

extension Tensor {
    /// [N, K, spatial…] + b, with b [K], where there is one.
    func adding(channelBias bias: Parameter?) -> Tensor {
        guard let bias else { return self }
        return self + bias.tensor.reshaped(to: Shape([bias.tensor.count] + [Int](repeating: 1, count: rank - 2)))
    }
}
