/// The extents of a tensor, outermost first, laid out row-major.
///
/// Extents live behind one reference, so that handing a shape from node to node costs a retain and
/// comparing a shape with itself costs a pointer comparison.
public struct Shape: Sendable {
    @usableFromInline let storage: Extents

    @usableFromInline final class Extents: Sendable {
        @usableFromInline let dimensions: [Int]
        @usableFromInline let count: Int

        init(_ dimensions: [Int]) {
            // Strides of an empty shape are products too, so extents of 0 do not make others harmless.
            var (count, reach) = (1, 1)
            for extent in dimensions {
                guard extent >= 0 else { programError("Shape", "extent \(extent) of \(dimensions) is negative") }
                let (product, overflow) = reach.multipliedReportingOverflow(by: Swift.max(extent, 1))
                guard !overflow, product <= Shape.greatestCount else {
                    programError("Shape", "\(dimensions) has more than \(Shape.greatestCount) elements, whose bytes nothing can count")
                }
                (count, reach) = (count * extent, product)
            }
            self.dimensions = dimensions
            self.count = count
        }
    }

    /// Traps where an extent is negative, or where the product of all (0 counted as 1) is above `greatestCount`.
    public init(_ dimensions: [Int]) { storage = dimensions.isEmpty ? Shape.scalar.storage : Extents(dimensions) }
    private init(storage: Extents) { self.storage = storage }

    /// The most elements of a tensor, and the largest stride: 2⁵⁹, so that the bytes of a few tensors can be counted.
    public static let greatestCount = 1 << 59

    /// The shape of a single number: rank 0, one element.
    public static let scalar = Shape(storage: Extents([]))

    /// The extents, outermost first; empty for a single number.
    @inlinable public var dimensions: [Int] { storage.dimensions }
    /// The number of axes.
    @inlinable public var rank: Int { storage.dimensions.count }
    /// The number of elements: the product of all extents.
    @inlinable public var count: Int { storage.count }
    /// The extent of an axis, counted from 0 at the outermost. Traps where there is no such axis.
    @inlinable public subscript(axis: Int) -> Int { storage.dimensions[axis] }

    /// Strides in elements of the row-major layout: the last axis has stride 1.
    public var contiguousStrides: [Int] {
        var strides = [Int](repeating: 1, count: rank)
        for axis in stride(from: rank - 2, through: 0, by: -1) { strides[axis] = strides[axis + 1] * self[axis + 1] }
        return strides
    }
}

extension Shape: Hashable {
    @inlinable public static func == (a: Shape, b: Shape) -> Bool {
        a.storage === b.storage || a.storage.dimensions == b.storage.dimensions
    }
    public func hash(into hasher: inout Hasher) { hasher.combine(storage.dimensions) }
}

extension Shape: ExpressibleByArrayLiteral, CustomStringConvertible {
    public init(arrayLiteral elements: Int...) { self.init(elements) }
    public var description: String { "[" + dimensions.map(String.init).joined(separator: ", ") + "]" }
}

extension Shape {
    /// The shape both operands take when an extent of 1 stretches to the other's, aligned at the last axis
    /// (NumPy's rule); `nil` where two extents differ and neither is 1.
    public static func broadcast(_ a: Shape, _ b: Shape) -> Shape? {
        if a == b || b.rank == 0 { return a }
        if a.rank == 0 { return b }
        var result = [Int](repeating: 1, count: max(a.rank, b.rank))
        for i in 1...result.count {
            let x = i <= a.rank ? a[a.rank - i] : 1
            let y = i <= b.rank ? b[b.rank - i] : 1
            guard x == y || x == 1 || y == 1 else { return nil }
            result[result.count - i] = x == 1 ? y : x
        }
        return Shape(result)
    }

    /// The shape with the extents of `axes` replaced by 1.
    public func reduced(along axes: [Int]) -> Shape {
        var result = dimensions
        for axis in axes { result[axis] = 1 }
        return Shape(result)
    }
}

extension Int {
    /// The sum, or the nearest number an Int holds: extents and byte counts too large to be are refused later, with a reason.
    package func addingSaturated(_ other: Int) -> Int {
        let (sum, overflow) = addingReportingOverflow(other)
        return overflow ? (other < 0 ? .min : .max) : sum
    }
}
