/// The header of a safetensors file, read and checked against every rule of the format.
struct SafetensorsHeader {
    let tensors: [SafetensorsFile.Tensor]
    /// Texts and their names in the order of the file.
    let metadata: [(key: String, value: String)]

    /// - Parameter file: the whole file, of which the header alone is read.
    init(_ file: ByteSource) throws {
        guard file.count >= 8 else { throw SomaError("it has \(file.count) bytes, less than a header's length takes") }
        let length = try file.withBytes(0..<8) { UInt64(littleEndian: $0.loadUnaligned(as: UInt64.self)) }
        guard length <= UInt64(SafetensorsFile.headerLimit) else {
            throw SomaError("its header claims \(length) bytes, more than the format allows")
        }
        guard length <= UInt64(file.count - 8) else {
            throw SomaError("its header claims \(length) bytes, the file has \(file.count - 8) after it")
        }
        let members = try file.withBytes(8..<8 + Int(length)) { text in
            guard text.first == UInt8(ascii: "{"), let members = try JSON(parsing: text).members else {
                throw SomaError("its header is not a JSON object")
            }
            return members
        }
        metadata = try Self.metadata(members.first { $0.name.isExactly(Self.metadataName) }?.value)
        tensors = try members.filter { !$0.name.isExactly(Self.metadataName) }.map(Self.tensor).sorted {
            ($0.offset, $0.byteCount, ExactText($0.name)) < ($1.offset, $1.byteCount, ExactText($1.name))
        }
        try Self.checkLayout(tensors, dataSize: file.count - 8 - Int(length))
    }

    static let metadataName = "__metadata__"

    private static func metadata(_ value: JSON?) throws -> [(key: String, value: String)] {
        guard let value else { return [] }
        guard let members = value.members else { throw SomaError("its __metadata__ is not an object") }
        return try members.map { member in
            guard let text = member.value.string else { throw SomaError("its metadata '\(member.name)' is not a string") }
            return (member.name, text)
        }
    }

    private static let fieldNames = Set(["dtype", "shape", "data_offsets"].map(ExactText.init))

    private static func tensor(_ member: JSON.Member) throws -> SafetensorsFile.Tensor {
        let name = "tensor '\(member.name)'"
        guard let fields = member.value.members, Set(fields.map { ExactText($0.name) }) == fieldNames else {
            throw SomaError("\(name) needs exactly dtype, shape and data_offsets")
        }
        guard let dtype = member.value["dtype"]?.string, let type = SafetensorsFile.ElementType(rawValue: dtype) else {
            throw SomaError("\(name) has the unknown dtype \(member.value["dtype"] ?? .null)")
        }
        guard let shape = naturals(member.value["shape"]) else { throw SomaError("\(name) has no valid shape") }
        guard let ends = naturals(member.value["data_offsets"]), ends.count == 2, ends[0] <= ends[1] else {
            throw SomaError("\(name) has no valid data_offsets")
        }
        guard let size = checkedProduct(shape + [type.byteCount]), size == ends[1] - ends[0] else {
            throw SomaError("\(name) has \(ends[1] - ends[0]) bytes, which is not \(dtype) \(shape)")
        }
        return .init(name: member.name, elementType: type, shape: shape, offset: ends[0], byteCount: size)
    }

    private static func naturals(_ value: JSON?) -> [Int]? {
        guard let elements = value?.array else { return nil }
        let numbers = elements.compactMap(\.integer)
        return numbers.count == elements.count && numbers.allSatisfy { $0 >= 0 } ? numbers : nil
    }

    /// The tensors, in order, cover the data from its beginning to its end.
    private static func checkLayout(_ tensors: [SafetensorsFile.Tensor], dataSize: Int) throws {
        var end = 0
        for tensor in tensors {
            guard tensor.offset >= end else { throw SomaError("tensor '\(tensor.name)' overlaps another") }
            guard tensor.offset == end else {
                throw SomaError("\(tensor.offset - end) bytes before tensor '\(tensor.name)' belong to none")
            }
            end += tensor.byteCount
        }
        guard end <= dataSize else {
            throw SomaError("it is truncated: its tensors take \(end) bytes, it has \(dataSize)")
        }
        guard end == dataSize else { throw SomaError("\(dataSize - end) bytes after its last tensor") }
    }
}
