import SomaGraph

/// All axes from `axis` on as one; with the default each sample of a batch becomes a vector.
public struct Flatten: Layer {
    /// The first axis that is merged.
    public let axis: Int
    /// Joins the axes from `axis` on.
    /// - Parameter axis: 1 keeps the samples of a batch apart.
    public init(fromAxis axis: Int = 1) { self.axis = axis }
    /// [n, a, b, …] → [n, a · b · …] where `axis` is 1.
    public func callAsFunction(_ x: Tensor) -> Tensor { x.flattened(fromAxis: axis) }
}

/// One axis as several: the inverse of `Flatten`, as between a linear layer and a convolution.
public struct Unflatten: Layer {
    /// The axis that is divided, counted from the back where negative.
    public let axis: Int
    /// The extents that it becomes.
    public let shape: [Int]

    /// Divides one axis into as many as `shape` has.
    /// - Parameters:
    ///   - shape: whose product is the extent of the axis; one of them may be −1: what is left over.
    ///   - axis: the last one unless named.
    public init(to shape: [Int], axis: Int = -1, file: StaticString = #fileID, line: UInt = #line) {
        guard shape.count(where: { $0 == -1 }) <= 1, shape.allSatisfy({ $0 >= -1 }) else {
            programError("Unflatten", "\(shape) are no extents", file: file, line: line)
        }
        (self.shape, self.axis) = (shape, axis)
    }

    /// [n, c · h · w] → [n, c, h, w] where the axis is the last.
    public func callAsFunction(_ x: Tensor) -> Tensor {
        let place = x.normalized(axis: axis, "Unflatten", file: #fileID, line: #line)
        let (extent, known) = (x.shape[place], shape.filter { $0 != -1 }.reduce(1, *))
        guard shape.contains(-1) ? known > 0 && extent % known == 0 : extent == known else {
            programError("Unflatten", "an axis of \(extent) in \(x.shape) is not divided into \(shape)")
        }
        let parts = shape.map { $0 == -1 ? extent / known : $0 }
        return x.reshaped(to: Shape(x.shape.dimensions[..<place] + parts + x.shape.dimensions[(place + 1)...]))
    }
}

/// The input as it is: in the place of a layer that is not needed, as of the projection in a shortcut.
public struct Identity: Layer {
    /// A layer without parameters.
    public init() {}
    /// x.
    public func callAsFunction(_ x: Tensor) -> Tensor { x }
}
