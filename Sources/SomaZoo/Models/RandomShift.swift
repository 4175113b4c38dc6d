import Soma

/// In training moves each picture by its own whole number of pixels, down or up and right or left, at random; what comes in at the
/// edge is 0. A digit stays the same digit, so a network that saw it in many places reads it better. In inference nothing changes.
struct RandomShift: Layer {
    let rows: Int
    let columns: Int
    /// The farthest that a picture moves along either axis.
    let distance: Int

    /// Pictures of one channel: [n, rows · columns], or [n, 1, rows, columns].
    func callAsFunction(_ x: Tensor) -> Tensor {
        if distance == 0 { return x }
        return Mode.choose(training: { shifted(x) }, inference: { x })
    }

    private func shifted(_ x: Tensor) -> Tensor {
        let count = x.shape[0]
        let row = places(rows, [1, rows, 1], x.device) + offsets(count, x.device)
        let column = places(columns, [1, 1, columns], x.device) + offsets(count, x.device)
        let isInside = inside(row, rows) .&& inside(column, columns)
        let firstRow = places(count, [count, 1, 1], x.device) * Double(rows)
        let source = (firstRow + row) * Double(columns) + column
        let moved = x.flattened().gathered(atIndices: .select(isInside, source, .zeros(like: source)))
        return Tensor.select(isInside, moved, .zeros(like: moved)).reshaped(to: x.shape)
    }

    private func places(_ count: Int, _ shape: Shape, _ device: Device) -> Tensor { .range(count, device: device).reshaped(to: shape) }

    private func inside(_ place: Tensor, _ count: Int) -> Tensor { (place .>= 0) .&& (place .< Double(count)) }

    /// A whole number from −distance to distance for each picture.
    private func offsets(_ count: Int, _ device: Device) -> Tensor {
        let numbers = Tensor.randomUniform([count, 1, 1], to: Double(2 * distance + 1), device: device)
        return floor(numbers).as(.int32) - Double(distance)
    }
}
