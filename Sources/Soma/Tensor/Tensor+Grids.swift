import SomaGraph

// Coordinates of grids, and elements moved round.

/// The axes that `meshgrid` gives its vectors.
public enum GridIndexing: Sendable {
    /// Each its own, in order: of vectors [m] and [n] the grids are [m, n]. `ij` elsewhere.
    case matrix
    /// As for pictures, x before y: of vectors [m] and [n] the grids are [n, m]. `xy` elsewhere.
    case cartesian
}

/// Vectors repeated over the grid that they span, one grid for each: its element at a place is that of the vector along its own axis.
public func meshgrid(_ vectors: Tensor..., indexing: GridIndexing = .matrix, file: StaticString = #fileID, line: UInt = #line) -> [Tensor] {
    for vector in vectors where vector.rank != 1 { programError("meshgrid", "\(vector.shape) is no vector", file: file, line: line) }
    var axes = Array(vectors.indices)
    if indexing == .cartesian && vectors.count > 1 { axes.swapAt(0, 1) }
    var dimensions = axes.map { _ in 1 }
    for (vector, axis) in zip(vectors, axes) { dimensions[axis] = vector.count }
    return zip(vectors, axes).map { vector, axis in
        let aligned = axes.indices.map { $0 == axis ? vector.count : 1 }
        return vector.reshaped(to: Shape(aligned)).expanded(to: Shape(dimensions))
    }
}

extension Tensor {
    /// The elements moved by `places` along `axis`, towards its end where positive; what leaves at one end comes in at the other.
    public func rolled(by places: Int, alongAxis axis: Int, file: StaticString = #fileID, line: UInt = #line) -> Tensor {
        let axis = normalized(axis: axis, "rolled", file: file, line: line)
        let extent = shape[axis]
        let head = extent == 0 ? 0 : (places % extent + extent) % extent
        if head == 0 { return self }
        let parts = split(sizes: [extent - head, head], alongAxis: axis)
        return Tensor(concatenating: [parts[1], parts[0]], alongAxis: axis)
    }
}
