import SomaGraph

extension SafetensorsFile {
    /// Writes tensors to a safetensors file, replacing what is there only when the new file is complete on the disk.
    ///
    /// The same tensors and metadata give the same bytes: wider element types come first, so that every tensor is
    /// aligned, then the names decide; the header is padded to a multiple of eight bytes.
    /// - Parameters:
    ///   - bytes: called once per tensor in the file's order; appends exactly its elements, little-endian, in as many
    ///     pieces as it likes, so that no more than one tensor need be in memory at a time.
    /// - Throws: `SomaError` naming the file, and what `bytes` throws; the old file is then untouched.
    public static func write(
        _ tensors: [Tensor], metadata: [String: String] = [:], to path: String, links: LinkPolicy = .followed,
        bytes: (_ tensor: Tensor, _ append: (UnsafeRawBufferPointer) throws -> Void) throws -> Void
    ) throws {
        let placed = place(tensors)
        let header = try headerBytes(placed, metadata: metadata, path: path)
        try AtomicFile.write(to: path, links: links) { file in
            try header.withUnsafeBytes(file.append)
            for tensor in placed {
                var count = 0
                try bytes(tensor) { piece in
                    count += piece.count
                    try file.append(piece)
                }
                guard count == tensor.byteCount else {
                    programError(
                        "write safetensors", "tensor '\(tensor.name)' needs \(tensor.byteCount) bytes, got \(count)")
                }
            }
        }
    }

    /// Writes tensors whose bytes are in memory.
    public static func write(
        _ tensors: [(tensor: Tensor, bytes: [UInt8])], metadata: [String: String] = [:], to path: String
    ) throws {
        let contents = Dictionary(tensors.map { (ExactText($0.tensor.name), $0.bytes) }, uniquingKeysWith: { first, _ in first })
        try write(tensors.map(\.tensor), metadata: metadata, to: path) { tensor, append in
            try contents[ExactText(tensor.name), default: []].withUnsafeBytes(append)
        }
    }

    /// The tensors in the file's order, with their offsets.
    private static func place(_ tensors: [Tensor]) -> [Tensor] {
        var offset = 0
        let sorted = tensors.sorted { ($1.elementType.byteCount, ExactText($0.name)) < ($0.elementType.byteCount, ExactText($1.name)) }
        return sorted.map { tensor in
            defer { offset += tensor.byteCount }
            return Tensor(
                name: tensor.name, elementType: tensor.elementType, shape: tensor.shape, offset: offset,
                byteCount: tensor.byteCount)
        }
    }

    private static func headerBytes(_ tensors: [Tensor], metadata: [String: String], path: String) throws -> [UInt8] {
        var names: Set = [ExactText(SafetensorsHeader.metadataName)]
        for tensor in tensors where !names.insert(ExactText(tensor.name)).inserted {
            programError("write safetensors", "two tensors are called '\(tensor.name)'")
        }
        var members = tensors.map { JSON.Member($0.name, $0.headerEntry) }
        if !metadata.isEmpty {
            let sorted = metadata.sorted { $0.key < $1.key }.map { JSON.Member($0.key, .string($0.value)) }
            members.insert(.init(SafetensorsHeader.metadataName, .object(sorted)), at: 0)
        }
        var text = Array(JSON.object(members).description.utf8)
        text += repeatElement(UInt8(ascii: " "), count: -text.count & 7)
        guard text.count <= headerLimit else {
            throw SomaError("cannot write \(path): a header of \(text.count) bytes is too long")
        }
        return withUnsafeBytes(of: UInt64(text.count).littleEndian, Array.init) + text
    }
}

extension SafetensorsFile.Tensor {
    fileprivate var headerEntry: JSON {
        [
            "dtype": .string(elementType.rawValue),
            "shape": .array(shape.map { JSON($0) }),
            "data_offsets": [JSON(offset), JSON(offset + byteCount)],
        ]
    }
}
