import SomaGraph

/// Named arrays in the safetensors format: eight bytes with the length of a header, the header as JSON, and the elements
/// of all tensors, little-endian, without a gap. PyTorch, JAX and others read and write the same files.
///
/// A file is read only where it is asked for. Every rule of the format is checked when it is opened, so what
/// the other members answer can be believed.
public struct SafetensorsFile: Sendable {
    /// The tensors in the order of their bytes.
    public let tensors: [Tensor]
    /// Free text that travels with the tensors: the header's `__metadata__`. Of two keys that Swift takes for the same text it has the first.
    public let metadata: [String: String]
    /// All of it, in the order of the file.
    package let metadataEntries: [(key: String, value: String)]
    /// The file's name, for messages.
    public let path: String

    private let source: ByteSource
    private let index: [ExactText: Int]

    /// What the header says of one tensor.
    public struct Tensor: Hashable, Sendable {
        /// The key of the header, unique in the file by its bytes.
        public let name: String
        /// What one element is.
        public let elementType: ElementType
        /// The extents, outermost first; empty for a single number. The elements lie row by row.
        public let shape: [Int]
        /// Where its bytes begin after the header.
        let offset: Int
        /// The product of the extents and of an element's bytes.
        public let byteCount: Int
    }

    /// The element types of the format, named as the header names them.
    public enum ElementType: String, Hashable, Sendable, CaseIterable {
        /// A byte that is 0 or 1.
        case bool = "BOOL"
        /// 0 ..< 2⁸.
        case uint8 = "U8"
        /// −2⁷ ..< 2⁷.
        case int8 = "I8"
        /// 8 bits: a sign, 4 of exponent, 3 of fraction.
        case float8E4M3 = "F8_E4M3"
        /// 8 bits: a sign, 5 of exponent, 2 of fraction.
        case float8E5M2 = "F8_E5M2"
        /// 0 ..< 2¹⁶.
        case uint16 = "U16"
        /// −2¹⁵ ..< 2¹⁵.
        case int16 = "I16"
        /// IEEE 754 half precision.
        case float16 = "F16"
        /// The upper 16 bits of a single-precision number.
        case bfloat16 = "BF16"
        /// 0 ..< 2³².
        case uint32 = "U32"
        /// −2³¹ ..< 2³¹.
        case int32 = "I32"
        /// IEEE 754 single precision.
        case float32 = "F32"
        /// 0 ..< 2⁶⁴.
        case uint64 = "U64"
        /// −2⁶³ ..< 2⁶³.
        case int64 = "I64"
        /// IEEE 754 double precision.
        case float64 = "F64"

        /// Bytes of one element.
        public var byteCount: Int {
            switch self {
            case .bool, .uint8, .int8, .float8E4M3, .float8E5M2: 1
            case .uint16, .int16, .float16, .bfloat16: 2
            case .uint32, .int32, .float32: 4
            case .uint64, .int64, .float64: 8
            }
        }
    }

    /// The longest header that the format allows, in bytes.
    static let headerLimit = 100_000_000

    /// Opens and checks the file at `path`.
    /// - Throws: `SomaError` naming the file and the first rule of the format that it breaks.
    public init(path: String) throws {
        let source = try ByteSource(path: path)
        do {
            let header = try SafetensorsHeader(source)
            (tensors, metadataEntries) = (header.tensors, header.metadata)
        } catch let error as SomaError {
            let kind = try source.withBytes(0..<min(source.count, FileKind.mostBytes)) { FileKind($0, otherThan: FileKind.safetensors) }
            if let kind { throw kind.error(path, "is not a usable safetensors file (it has no header)") }
            throw SomaError("\(path) is not a usable safetensors file: \(error.message)")
        }
        metadata = Dictionary(metadataEntries, uniquingKeysWith: { first, _ in first })
        (self.path, self.source) = (path, source)
        index = Dictionary(uniqueKeysWithValues: tensors.enumerated().map { (ExactText($1.name), $0) })
    }

    /// What the header says of the tensor of that name, if there is one.
    public subscript(name: String) -> Tensor? {
        index[ExactText(name)].map { tensors[$0] }
    }

    /// Calls `body` with the elements of a tensor, little-endian, row by row. They may begin at any address.
    /// - Throws: `SomaError` where the file has no tensor of that name, cannot be read or has become shorter, and what `body` throws.
    public func withBytes<R>(of name: String, _ body: (UnsafeRawBufferPointer) throws -> R) throws -> R {
        guard let tensor = self[name] else { throw SomaError("\(path) has no tensor '\(name)'") }
        let start = source.count - totalByteCount + tensor.offset
        return try source.withBytes(start..<start + tensor.byteCount, body)
    }

    /// Bytes of a piece: a multiple of every element's size.
    static let pieceByteCount = 1 << 16

    /// Calls `body` with the elements of a tensor, piece by piece. A piece has whole elements, which may begin at any address.
    /// - Throws: as `withBytes`.
    func forEachPiece(of tensor: Tensor, _ body: (UnsafeRawBufferPointer) throws -> Void) throws {
        let start = source.count - totalByteCount + tensor.offset
        for offset in stride(from: 0, to: tensor.byteCount, by: Self.pieceByteCount) {
            try source.withBytes(start + offset..<start + min(offset + Self.pieceByteCount, tensor.byteCount), body)
        }
    }

    /// The bytes of all tensors together.
    public var totalByteCount: Int { tensors.last.map { $0.offset + $0.byteCount } ?? 0 }
}

extension SafetensorsFile.Tensor {
    /// Describes a tensor to be written. Its place in the file is the writer's business.
    public init(name: String, elementType: SafetensorsFile.ElementType, shape: [Int]) {
        guard let size = checkedProduct(shape + [elementType.byteCount]), shape.allSatisfy({ $0 >= 0 }) else {
            programError("safetensors", "tensor '\(name)' cannot have the shape \(shape)")
        }
        self.init(name: name, elementType: elementType, shape: shape, offset: 0, byteCount: size)
    }
}
