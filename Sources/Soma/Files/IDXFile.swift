import SomaGraph

/// An array in the IDX format, in which MNIST and its kin are published: two zero bytes, the element type, the number
/// of dimensions, each dimension as a big-endian 32-bit number, and the elements, the last index running fastest.
///
/// A plain file is never loaded as a whole, so it may be of any size; a gzip one is recognised by its first bytes and
/// unpacked into memory.
public struct IDXFile: Sendable {
    /// What one element is; the raw value is its code in the file. More than one byte: the most significant first.
    public enum ElementType: UInt8, Sendable, CaseIterable {
        /// 0 ..< 256; code 0x08.
        case uint8 = 0x08
        /// −128 ..< 128; code 0x09.
        case int8 = 0x09
        /// −2¹⁵ ..< 2¹⁵; code 0x0B.
        case int16 = 0x0B
        /// −2³¹ ..< 2³¹; code 0x0C.
        case int32 = 0x0C
        /// IEEE 754 single precision; code 0x0D.
        case float32 = 0x0D
        /// IEEE 754 double precision; code 0x0E.
        case float64 = 0x0E

        /// Bytes of one element.
        public var byteCount: Int {
            switch self {
            case .uint8, .int8: 1
            case .int16: 2
            case .int32, .float32: 4
            case .float64: 8
            }
        }
    }

    /// What one element is.
    public let elementType: ElementType
    /// The dimensions; the first counts the samples.
    public let shape: [Int]
    /// The file's name, for messages.
    public let path: String

    private let source: ByteSource
    private let dataOffset: Int

    /// How many samples the file holds.
    public var count: Int { shape[0] }
    /// The number of elements of one sample.
    public let elementsPerSample: Int

    /// Opens the file at `path`.
    /// - Throws: `SomaError` naming the file and whether it is missing, empty, truncated, broken, or promises in its
    ///   header another size than it has.
    public init(path: String) throws {
        let file = try ByteSource(path: path)
        guard file.count > 0 else { throw SomaError("\(path) is empty") }
        if try file.isGzip { self = try Self.unpack(file, path: path) } else { try self.init(file, path: path) }
    }

    /// What bytes are that do not begin as an IDX file does, where that can be told.
    private static func otherKind(_ bytes: UnsafeRawBufferPointer) -> FileKind? {
        let isOwn = bytes.count >= 3 && bytes[0] == 0 && bytes[1] == 0 && ElementType(rawValue: bytes[2]) != nil
        return isOwn ? nil : FileKind(bytes, otherThan: FileKind.idx)
    }

    /// Reads an array that is in memory already, such as one embedded in the program.
    /// - Parameter path: its name in messages.
    public init(region: ByteRegion, path: String) throws { try self.init(ByteSource(region), path: path) }

    private init(_ source: ByteSource, path: String) throws {
        let header = try source.withBytes(0..<min(source.count, FileKind.mostBytes)) { start in
            if let kind = Self.otherKind(start) { throw kind.error(path, "is not an IDX file") }
            return try Header(start, path: path)
        }
        guard source.count >= header.fileSize else {
            throw SomaError("\(path) is truncated: \(header.summary) takes \(header.fileSize) bytes, it has \(source.count)")
        }
        guard source.count == header.fileSize else {
            throw SomaError("\(path) has \(source.count - header.fileSize) bytes after \(header.summary)")
        }
        self.init(header, source, path: path)
    }

    private init(_ header: Header, _ source: ByteSource, path: String) {
        (elementType, shape, dataOffset) = (header.elementType, header.shape, header.dataOffset)
        elementsPerSample = header.elementsPerSample
        (self.source, self.path) = (source, path)
    }

    /// The same array in memory.
    /// - Throws: `SomaError` where the file cannot be read or has become shorter, or there is no memory for it.
    public func loaded() throws -> IDXFile {
        let header = Header(
            elementType: elementType, shape: shape, elementsPerSample: elementsPerSample, dataOffset: dataOffset, fileSize: source.count)
        return IDXFile(header, ByteSource(try source.loaded()), path: path)
    }

    /// Calls `body` with the bytes of all elements as they are in the file.
    /// - Throws: as `loaded`; what `body` throws.
    public func withBytes<R>(_ body: (UnsafeRawBufferPointer) throws -> R) throws -> R {
        try source.withBytes(dataOffset..<source.count, body)
    }

    /// Calls `body` with the bytes of one sample as they are in the file.
    /// - Throws: `SomaError` where the file cannot be read or has become shorter; what `body` throws.
    public func withSample<R>(_ index: Int, _ body: (UnsafeRawBufferPointer) throws -> R) throws -> R {
        guard index >= 0 && index < count else {
            programError("IDX sample", "\(path) has \(count) samples, not one at \(index)")
        }
        let size = elementsPerSample * elementType.byteCount
        let start = dataOffset + index * size
        return try source.withBytes(start..<start + size, body)
    }
}

// MARK: - Header

extension IDXFile {
    fileprivate struct Header {
        let elementType: ElementType
        let shape: [Int]
        let elementsPerSample: Int
        let dataOffset: Int
        let fileSize: Int

        /// That of as many dimensions as a byte can count.
        static let mostBytes = 4 + 4 * 255

        var summary: String { "\(elementType) [\(shape.map(String.init).joined(separator: ", "))]" }

        init(_ bytes: UnsafeRawBufferPointer, path: String) throws {
            guard bytes.count >= 4 else {
                throw SomaError("\(path) is truncated: \(bytes.count) bytes are no IDX header")
            }
            guard bytes[0] == 0, bytes[1] == 0 else {
                throw SomaError("\(path) is not an IDX file: it does not begin with two zero bytes")
            }
            guard let type = ElementType(rawValue: bytes[2]) else {
                throw SomaError("\(path) has the unknown IDX element type 0x\(String(bytes[2], radix: 16))")
            }
            let rank = Int(bytes[3])
            guard rank > 0 else { throw SomaError("\(path) is an IDX file without dimensions") }
            guard bytes.count >= 4 + 4 * rank else { throw SomaError("\(path) is truncated within its header") }
            let shape = (1...rank).map {
                Int(UInt32(bigEndian: bytes.loadUnaligned(fromByteOffset: 4 * $0, as: UInt32.self)))
            }
            (elementType, self.shape, dataOffset) = (type, shape, 4 + 4 * rank)
            // A sample must be possible also where there is none of them, as single-precision or double-precision numbers.
            guard let sample = checkedProduct(shape.dropFirst() + [8]), let size = checkedProduct(shape + [type.byteCount]),
                size <= Int.max - dataOffset
            else { throw SomaError("\(path) promises an impossible size: \(type) \(shape)") }
            (elementsPerSample, fileSize) = (sample / 8, dataOffset + size)
        }
    }

    private static func unpack(_ file: ByteSource, path: String) throws -> IDXFile {
        let stream = try GunzipStream(file, path: path)
        let header: Header
        do { header = try readHeader(stream, path: path) } catch { throw try packedKind(file, path) ?? error }
        // Deflate cannot do better than 1032:1; a header that promises more is a lie, found before any allocation.
        guard header.fileSize / 1032 <= file.count else {
            throw SomaError("\(path) cannot hold what its header promises: \(header.summary) in \(file.count) packed bytes")
        }
        let region = try ByteRegion(count: header.fileSize - header.dataOffset) { buffer in
            guard try stream.read(into: buffer) == buffer.count else {
                throw SomaError("\(path) is truncated: its header promises \(header.summary)")
            }
            guard try stream.isAtEnd() else { throw SomaError("\(path) has bytes after \(header.summary)") }
        }
        return IDXFile(Header(elementsOf: header), ByteSource(region), path: path)
    }

    /// What the packed file is, where it is no IDX file and its kind can be told.
    private static func packedKind(_ file: ByteSource, _ path: String) throws -> SomaError? {
        try withUnsafeTemporaryAllocation(byteCount: 512, alignment: 1) { buffer in
            let count = try GunzipStream(file, path: path).read(into: buffer)
            let start = UnsafeRawBufferPointer(rebasing: buffer[..<count])
            return otherKind(start)?.error(path, "does not pack an IDX file")
        }
    }

    private static func readHeader(_ stream: GunzipStream, path: String) throws -> Header {
        try withUnsafeTemporaryAllocation(byteCount: Header.mostBytes, alignment: 4) { buffer in
            let start = try stream.read(into: .init(rebasing: buffer[..<4]))
            let rest = start == 4 ? 4 * Int(buffer[3]) : 0
            let size = try start + stream.read(into: .init(rebasing: buffer[4..<4 + rest]))
            return try Header(.init(rebasing: buffer[..<size]), path: path)
        }
    }
}

extension IDXFile.Header {
    fileprivate init(elementType: IDXFile.ElementType, shape: [Int], elementsPerSample: Int, dataOffset: Int, fileSize: Int) {
        (self.elementType, self.shape, self.elementsPerSample) = (elementType, shape, elementsPerSample)
        (self.dataOffset, self.fileSize) = (dataOffset, fileSize)
    }

    /// The same array with its elements at the beginning of their region.
    fileprivate init(elementsOf header: IDXFile.Header) {
        (elementType, shape, elementsPerSample) = (header.elementType, header.shape, header.elementsPerSample)
        (dataOffset, fileSize) = (0, header.fileSize - header.dataOffset)
    }
}

/// The product of numbers none of which is negative; nil where it passes `Int.max`.
func checkedProduct(_ factors: some Collection<Int>) -> Int? {
    if factors.contains(0) { return 0 }
    var product = 1
    for factor in factors {
        let (next, overflow) = product.multipliedReportingOverflow(by: factor)
        if overflow { return nil }
        product = next
    }
    return product
}

// MARK: - Elements as numbers

extension IDXFile {
    /// Writes the elements of one sample as single-precision numbers.
    /// - Throws: as `withSample`.
    public func readSample(_ index: Int, into output: UnsafeMutableBufferPointer<Float>) throws {
        guard output.count == elementsPerSample else {
            programError("IDX sample", "a sample of \(path) has \(elementsPerSample) elements, not \(output.count)")
        }
        try withSample(index) { bytes in
            switch elementType {
            case .uint8: for i in output.indices { output[i] = Float(bytes[i]) }
            case .int8: for i in output.indices { output[i] = Float(Int8(bitPattern: bytes[i])) }
            case .int16: for i in output.indices { output[i] = Float(Int16(bigEndian: bytes.load(i))) }
            case .int32: for i in output.indices { output[i] = Float(Int32(bigEndian: bytes.load(i))) }
            case .float32: for i in output.indices { output[i] = Float(bitPattern: UInt32(bigEndian: bytes.load(i))) }
            case .float64:
                for i in output.indices { output[i] = Float(Double(bitPattern: UInt64(bigEndian: bytes.load(i)))) }
            }
        }
    }
}

extension IDXFile {
    /// The first element of a sample, exactly: a number of double precision holds every one of every type.
    /// - Throws: as `withSample`.
    func firstElement(of index: Int) throws -> Double {
        guard elementsPerSample > 0 else { programError("IDX sample", "a sample of \(path) has no elements") }
        return try withSample(index) { bytes in
            switch elementType {
            case .uint8: Double(bytes[0])
            case .int8: Double(Int8(bitPattern: bytes[0]))
            case .int16: Double(Int16(bigEndian: bytes.load(0)))
            case .int32: Double(Int32(bigEndian: bytes.load(0)))
            case .float32: Double(Float(bitPattern: UInt32(bigEndian: bytes.load(0))))
            case .float64: Double(bitPattern: UInt64(bigEndian: bytes.load(0)))
            }
        }
    }
}

extension UnsafeRawBufferPointer {
    /// The `index`th element of a packed array that may begin at any address.
    fileprivate func load<T: BitwiseCopyable>(_ index: Int) -> T {
        loadUnaligned(fromByteOffset: index * MemoryLayout<T>.size, as: T.self)
    }
}
