/// The greatest element of each window of [N, C, spatial…].
public struct MaxPooling: Layer {
    /// Size, stride, padding and dilation along the spatial axes.
    public let window: PoolingWindow
    /// Windows of any size along each spatial axis.
    public init(_ window: PoolingWindow) { self.window = window }

    /// Windows of one size along all spatial axes.
    /// - Parameter stride: by default the size, so that windows do not overlap.
    public init(_ size: Int, stride: Int? = nil, padding: Int = 0, dilation: Int = 1, isCeiling: Bool = false) {
        self.init(PoolingWindow(size: [size], stride: stride.map { [$0] }, padding: [padding], dilation: [dilation], isCeiling: isCeiling))
    }

    /// [N, C, outputs…]; of equal elements the first takes the gradient.
    public func callAsFunction(_ x: Tensor) -> Tensor { x.maxPooled(window) }
}

/// The mean of each window of [N, C, spatial…].
public struct AveragePooling: Layer {
    /// Size, stride and padding along the spatial axes.
    public let window: PoolingWindow
    /// Whether zeros of the padding count in the mean.
    public let countsPadding: Bool

    /// Windows of any size along each spatial axis.
    /// - Parameter countsPadding: whether elements of the padding count.
    public init(_ window: PoolingWindow, countsPadding: Bool = true) { (self.window, self.countsPadding) = (window, countsPadding) }

    /// Windows of one size along all spatial axes.
    /// - Parameter stride: by default the size, so that windows do not overlap.
    public init(_ size: Int, stride: Int? = nil, padding: Int = 0, isCeiling: Bool = false, countsPadding: Bool = true) {
        self.init(
            PoolingWindow(size: [size], stride: stride.map { [$0] }, padding: [padding], isCeiling: isCeiling), countsPadding: countsPadding)
    }

    /// [N, C, outputs…].
    public func callAsFunction(_ x: Tensor) -> Tensor { x.averagePooled(window, countsPadding: countsPadding) }
}

/// The means over windows that divide each spatial axis into as many parts as evenly as can be.
public struct AdaptiveAveragePooling: Layer {
    /// How many windows there are along each spatial axis.
    public let outputs: [Int]

    /// As many windows as outputs, whatever the extents of x.
    /// - Parameter outputs: one number for all spatial axes, or one for each; ones pool globally.
    public init(to outputs: [Int]) { self.outputs = outputs }

    /// As many windows along all spatial axes; 1 pools globally.
    public init(to outputs: Int) { self.init(to: [outputs]) }

    /// [N, C, outputs…]. Traps where x has another number of spatial axes.
    public func callAsFunction(_ x: Tensor) -> Tensor { x.adaptiveAveragePooled(to: x.forSpatialAxes(outputs)) }
}

/// The greatest elements of windows that divide each spatial axis into as many parts as evenly as can be.
public struct AdaptiveMaxPooling: Layer {
    /// How many windows there are along each spatial axis.
    public let outputs: [Int]

    /// As many windows as outputs, whatever the extents of x.
    /// - Parameter outputs: one number for all spatial axes, or one for each; ones pool globally.
    public init(to outputs: [Int]) { self.outputs = outputs }

    /// As many windows along all spatial axes; 1 pools globally.
    public init(to outputs: Int) { self.init(to: [outputs]) }

    /// [N, C, outputs…]; of equal elements the first takes the gradient. Traps where x has another number of spatial axes.
    public func callAsFunction(_ x: Tensor) -> Tensor { x.adaptiveMaxPooled(to: x.forSpatialAxes(outputs)) }
}

extension Tensor {
    /// One number for each spatial axis of [N, C, spatial…], of numbers that are for all axes where there is but one.
    func forSpatialAxes(_ numbers: [Int]) -> [Int] { numbers.count == 1 && rank > 3 ? [Int](repeating: numbers[0], count: rank - 2) : numbers }
}
