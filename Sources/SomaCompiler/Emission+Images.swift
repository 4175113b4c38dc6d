import SomaBackend
import SomaGraph

// Steps for images. One spatial axis is two of which the first has extent 1.

extension Emission {
    /// - Parameters:
    ///   - first, second: the operands; their strides are set here.
    func convolution(_ operation: Operation, _ first: Operand, _ second: Operand, _ epilogue: Body) -> Step? {
        guard case .convolution(let pass, let windows, let groups, let order) = operation.kind else { return nil }
        let (a, b) = (operation.operands[0].shape, operation.operands[1].shape)
        let images: (input: Image, output: Image, filter: Shape)
        switch pass {
        case .forward: images = (Image(a, order), Image(operation.shape, order), b)
        case .inputGradient: images = (Image(operation.shape, order), Image(a, order), b)
        case .filterGradient: images = (Image(a, order), Image(b, order), operation.shape)
        }
        var (first, second) = (first, second)
        let strides = first.access.strides
        if pass == .forward && groups == 1 && order == .channelsFirst {
            // On a device that likes channels last x may come in any order.
            first.access.strides = strides.count == 4 ? strides : [strides[0], strides[1], 0, strides[2]]
        } else {
            first.access.strides = (pass == .inputGradient ? images.output : images.input).strides
        }
        second.access.strides = pass == .filterGradient ? images.output.strides : images.filter.withTwoSpatialAxes.contiguousStrides
        return .convolution(
            ConvolutionStep(
                pass: pass, order: order, batch: images.input.batch, inputChannels: images.input.channels,
                outputChannels: images.output.channels, groups: groups, input: images.input.extents, output: images.output.extents,
                windows: windows.overTwoAxes, first: first, second: second, epilogue: epilogue))
    }

    mutating func pooling(_ place: Int) -> Step? {
        let operation = operations[place]
        guard case .pooling(let function, let isGradient, let windows, let order) = operation.kind else { return nil }
        let images = operation.operands.map { Image($0.shape, order) }, result = Image(operation.shape, order)
        var operands = operation.operands.map { operand($0, strides: $0.strides) }
        for place in operands.indices { operands[place].access.strides = images[place].strides }
        var target = target(place)
        target.access.strides = result.strides
        let (input, output) = isGradient ? (result, images[images.count - 1]) : (images[0], result)
        return .pooling(
            PoolingStep(
                function: function, isGradient: isGradient, order: order, batch: input.batch, channels: input.channels,
                input: input.extents, output: output.extents, windows: windows.overTwoAxes, operands: operands, result: target))
    }
}

/// Images in memory, seen as [N, C, rows, columns].
private struct Image {
    let batch, channels: Int
    /// Rows and columns.
    let extents: [Int]
    /// Over [N, C, rows, columns].
    let strides: [Int]

    /// - Parameter shape: the extents as they follow each other in memory.
    init(_ shape: Shape, _ order: ImageOrder) {
        let axes = order.axes(rank: 4)
        let rows = order == .channelsFirst ? 2 : 1
        let inMemory = shape.rank == 4 ? shape.dimensions : Array(shape.dimensions[..<rows]) + [1] + Array(shape.dimensions[rows...])
        let seen = inverse(axes).map { inMemory[$0] }
        (batch, channels, extents) = (seen[0], seen[1], Array(seen[2...]))
        strides = inverse(axes).map { Shape(inMemory).contiguousStrides[$0] }
    }
}

extension Shape {
    /// [K, C, size] as [K, C, 1, size].
    var withTwoSpatialAxes: Shape { rank == 4 ? self : Shape(dimensions[..<2] + [1] + dimensions[2...]) }
}

extension Windows {
    fileprivate var overTwoAxes: Windows {
        if size.count == 2 { return self }
        return Windows(size: [1] + size, stride: [1] + stride, dilation: [1] + dilation, before: [0] + before, after: [0] + after)
    }
}
