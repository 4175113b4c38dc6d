import SomaGraph

/// The order of the axes of images [N, C, H, W] in memory.
public enum ImageOrder: UInt8, Hashable, Sendable {
    /// [N, C, H, W]: rows of one channel.
    case channelsFirst
    /// [N, H, W, C]: the channels of one pixel.
    case channelsLast

    /// The axes of [N, C, H, W] (or of any number of spatial axes) as they follow each other in memory.
    public func axes(rank: Int) -> [Int] { self == .channelsFirst ? Array(0..<rank) : [0] + Array(2..<rank) + [1] }
}

/// One of the three products of a convolution (see `ConvolutionPass`), and what becomes of each element of the result.
///
/// Images lie in `order`, contiguous; where `Capabilities.mostChannelsInAnyOrder` applies, x has the strides of `first` instead. Filters lie as
/// [K, C / groups, rows, columns], contiguous.
public struct ConvolutionStep: Hashable, Sendable {
    /// Which of the three products it is.
    public var pass: ConvolutionPass
    /// The order of the axes of all images in memory.
    public var order: ImageOrder
    /// N, C, K.
    public var batch, inputChannels, outputChannels: Int
    /// The number of groups that the channels are divided into; it divides C and K.
    public var groups: Int
    /// Rows and columns of x and of y.
    public var input, output: [Int]
    /// Over rows and columns.
    public var windows: Windows
    /// `forward`: x, w; `inputGradient`: g, w; `filterGradient`: x, g. Strides over [N, C or K, rows, columns] and [K, C / groups, rows, columns].
    public var first, second: Operand
    /// Run at each position of `extents`; `accumulator` is the element of the product. Accesses keep all four strides.
    public var epilogue: Body

    /// Does not check that extents, windows and groups fit together.
    public init(
        pass: ConvolutionPass, order: ImageOrder, batch: Int, inputChannels: Int, outputChannels: Int, groups: Int, input: [Int], output: [Int],
        windows: Windows, first: Operand, second: Operand, epilogue: Body
    ) {
        (self.pass, self.order, self.batch, self.groups) = (pass, order, batch, groups)
        (self.inputChannels, self.outputChannels, self.input, self.output) = (inputChannels, outputChannels, input, output)
        (self.windows, self.first, self.second, self.epilogue) = (windows, first, second, epilogue)
    }

    /// The shape of x: [N, C, rows, columns].
    public var inputShape: Shape { Shape([batch, inputChannels] + input) }
    /// The shape of y: [N, K, rows, columns].
    public var outputShape: Shape { Shape([batch, outputChannels] + output) }
    /// The shape of w: [K, C / groups, rows, columns].
    public var filterShape: Shape { Shape([outputChannels, inputChannels / groups] + windows.size) }

    /// The extents of the result, in the order of its axes in memory.
    public var extents: [Int] {
        switch pass {
        case .forward: order.axes(rank: 4).map { outputShape[$0] }
        case .inputGradient: order.axes(rank: 4).map { inputShape[$0] }
        case .filterGradient: filterShape.dimensions
        }
    }

    /// The loop nest of the epilogue.
    public var nest: LoopNest { LoopNest(outer: extents, body: epilogue) }

    /// Where the product itself, and nothing else, is written.
    public var plainTarget: Operand? { epilogue.plainTarget }

    /// Whether each channel has one filter to itself, which steps by one.
    public var isPlainDepthwise: Bool { groups == inputChannels && groups == outputChannels && windows.stride == [1, 1] }

    /// Multiplications and additions.
    public var operationCount: Int { 2 * outputShape.count * filterShape.count / Swift.max(outputChannels, 1) }
}

extension Body {
    /// Where the product of a step and nothing else is written, if this is its epilogue.
    var plainTarget: Operand? {
        guard stores.count == 1, let store = stores.first, case .accumulator = instructions[store.value].operation else { return nil }
        return store.target
    }
}

/// A pooling of images, or its gradient: what the elements of x get of the gradient of the result.
public struct PoolingStep: Hashable, Sendable {
    /// How the elements of a window become one.
    public var function: PoolingFunction
    /// Whether it computes what x gets of the gradient of the result, and not the result.
    public var isGradient: Bool
    /// The order of the axes of all images in memory.
    public var order: ImageOrder
    /// N and C.
    public var batch, channels: Int
    /// Rows and columns of x and of y.
    public var input, output: [Int]
    /// Over rows and columns.
    public var windows: Windows
    /// Pooling: x. The gradient of `max`: x, g; of `sum`: g. Strides over [N, C, rows, columns], as the result's; all contiguous in `order`.
    public var operands: [Operand]
    /// Where y is written, or the gradient of x.
    public var result: Operand

    /// Does not check that extents, windows and operands fit together.
    public init(
        function: PoolingFunction, isGradient: Bool, order: ImageOrder, batch: Int, channels: Int, input: [Int], output: [Int], windows: Windows,
        operands: [Operand], result: Operand
    ) {
        (self.function, self.isGradient, self.order, self.batch, self.channels) = (function, isGradient, order, batch, channels)
        (self.input, self.output, self.windows, self.operands, self.result) = (input, output, windows, operands, result)
    }
}
