import SomaGraph

/// An element of an array from which a tensor is made: a number, or an array of these, nested to any depth.
///
/// `Double` becomes `float32`, `Int` becomes `int64`, as in PyTorch; every other number keeps its type.
public protocol TensorElement: Sendable {
    /// The dtype of the numbers, unless another is asked for.
    static var dtype: DType { get }
    /// How deep arrays are nested in an element: 0 in a number.
    static var nesting: Int { get }
    /// Adds the elements of one array.
    static func add(_ elements: [Self], to rows: inout TensorRows)
}

extension TensorElement { public static var nesting: Int { 0 } }

extension TensorScalar {
    public static func add(_ elements: [Self], to rows: inout TensorRows) {
        elements.withUnsafeBytes { bytes in
            if rows.dtype == dtype { return rows.append(bytes) }
            for start in stride(from: 0, to: bytes.count, by: dtype.byteCount) {
                rows.append(dtype.number(at: UnsafeRawBufferPointer(rebasing: bytes[start..<start + dtype.byteCount])))
            }
        }
    }
}

extension Double: TensorElement {
    public static var dtype: DType { .float32 }

    public static func add(_ elements: [Double], to rows: inout TensorRows) {
        if rows.dtype == .float32 { return elements.map { Float($0) }.withUnsafeBytes { rows.append($0) } }
        for element in elements { rows.append(.real(element)) }
    }
}

extension Array: TensorElement where Element: TensorElement {
    public static var dtype: DType { Element.dtype }
    public static var nesting: Int { Element.nesting + 1 }

    public static func add(_ elements: [[Element]], to rows: inout TensorRows) {
        for (index, element) in elements.enumerated() { rows.descend(to: index, element) }
    }
}

extension DType {
    /// The number of this dtype that `bytes` are.
    func number(at bytes: UnsafeRawBufferPointer) -> ExactNumber {
        switch self {
        case .float32: .real(Double(bytes.loadUnaligned(as: Float.self)))
        case .int32: .whole(Int64(bytes.loadUnaligned(as: Int32.self)))
        case .uint32: .whole(Int64(bytes.loadUnaligned(as: UInt32.self)))
        case .int64: .whole(bytes.loadUnaligned(as: Int64.self))
        case .uint8, .bool: .whole(Int64(bytes.loadUnaligned(as: UInt8.self)))
        }
    }
}

/// The elements of nested arrays, gathered row by row.
public struct TensorRows {
    let dtype: DType
    private(set) var bytes: [UInt8] = []
    /// The extents, outermost first, as far as an array of that depth was seen.
    private var extents: [Int?]
    /// The indices that lead to the array whose elements are being added.
    private var path: [Int] = []
    private let source: (file: StaticString, line: UInt)

    /// Gathers `elements`; arrays of one depth that differ in length are a mistake.
    init<Element: TensorElement>(_ elements: [Element], _ dtype: DType?, _ file: StaticString, _ line: UInt) {
        self.dtype = dtype ?? Element.dtype
        extents = [Int?](repeating: nil, count: Element.nesting + 1)
        source = (file, line)
        if Element.nesting == 0 { bytes.reserveCapacity(elements.count * self.dtype.byteCount) }
        note(elements.count)
        Element.add(elements, to: &self)
    }

    /// Where there is no array of some depth, its extent is 0.
    var shape: Shape { Shape(extents.map { $0 ?? 0 }) }

    fileprivate mutating func descend<Element: TensorElement>(to index: Int, _ elements: [Element]) {
        path.append(index)
        note(elements.count)
        Element.add(elements, to: &self)
        path.removeLast()
    }

    private mutating func note(_ count: Int) {
        guard let known = extents[path.count] else { return extents[path.count] = count }
        if count == known { return }
        let place = path.map { "[\($0)]" }.joined()
        programError("Tensor", "ragged arrays: that at \(place) has \(count) elements, those before it have \(known)", file: source.file, line: source.line)
    }

    fileprivate mutating func append(_ elements: UnsafeRawBufferPointer) { bytes.append(contentsOf: elements) }

    fileprivate mutating func append(_ number: ExactNumber) {
        guard let scalar = Scalar(number, fitting: dtype) else {
            programError("Tensor", "\(number.text) is no number of \(dtype)", file: source.file, line: source.line)
        }
        withUnsafeBytes(of: scalar.bits.littleEndian) { bytes.append(contentsOf: $0.prefix(dtype.byteCount)) }
    }
}
