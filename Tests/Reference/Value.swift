import SomaGraph

/// The elements of a tensor as the reference sees them: every number a `Double`, whatever the dtype says it may hold.
///
/// Whole numbers are exact up to 2⁵³.
public struct Value: Sendable, Equatable {
    public let shape: Shape
    public let dtype: DType
    public var elements: [Double]

    public init(_ elements: [Double], shape: Shape, dtype: DType = .float32) {
        precondition(elements.count == shape.count, "\(elements.count) elements for \(shape)")
        self.shape = shape
        self.dtype = dtype
        self.elements = elements
    }

    /// A vector.
    public init(_ elements: [Double], dtype: DType = .float32) {
        self.init(elements, shape: [elements.count], dtype: dtype)
    }

    /// A single number.
    public init(scalar: Double, dtype: DType = .float32) { self.init([scalar], shape: .scalar, dtype: dtype) }

    /// Fills a shape from the position of each element.
    public init(_ shape: Shape, dtype: DType = .float32, _ element: ([Int]) -> Double) {
        self.init(shape.positions.map(element), shape: shape, dtype: dtype)
    }

    /// The element at a position.
    public subscript(position: [Int]) -> Double { elements[shape.offset(position)] }
}

extension Shape {
    /// The row-major place of the element at `position`.
    func offset(_ position: [Int]) -> Int {
        zip(position, dimensions).reduce(0) { $0 * $1.1 + $1.0 }
    }

    /// The position of the element at a row-major place.
    func position(_ offset: Int) -> [Int] {
        var rest = offset
        var position = [Int](repeating: 0, count: rank)
        for axis in stride(from: rank - 1, through: 0, by: -1) {
            position[axis] = rest % self[axis]
            rest /= self[axis]
        }
        return position
    }

    /// All positions, row-major.
    var positions: [[Int]] { (0..<count).map(position) }
}

extension DType {
    /// The value of this dtype that an exact result is stored as: integers wrap round, a bool is 0 or 1, reals stay exact.
    func stored(wrapping value: Int64) -> Double {
        switch self {
        case .float32: Double(value)
        case .int32: Double(Int32(truncatingIfNeeded: value))
        case .uint32: Double(UInt32(truncatingIfNeeded: value))
        case .int64: Double(value)
        case .uint8: Double(UInt8(truncatingIfNeeded: value))
        case .bool: value != 0 ? 1 : 0
        }
    }

    /// The least and greatest value.
    var bounds: ClosedRange<Double> {
        switch self {
        case .float32: -Double.infinity...Double.infinity
        case .int32: Double(Int32.min)...Double(Int32.max)
        case .uint32: 0...Double(UInt32.max)
        case .int64: Double(Int64.min)...Double(Int64.max)
        case .uint8: 0...255
        case .bool: 0...1
        }
    }
}
