/// Kinds of files that begin with a mark of their own.
extension FileKind {
    static func ofMagic(_ bytes: UnsafeRawBufferPointer) -> FileKind? {
        if bytes.starts(with: [0x50, 0x4B, 0x03, 0x04]) { return ofZip(bytes) }
        if let kind = magics.first(where: { bytes.dropFirst($0.offset).starts(with: $0.magic) }) { return FileKind(kind.name, kind.advice) }
        return ofWeakMagic(bytes)
    }

    /// Marks that are short, and so asked for more than they say.
    private static func ofWeakMagic(_ bytes: UnsafeRawBufferPointer) -> FileKind? {
        func has(_ text: String, at offset: Int) -> Bool { bytes.dropFirst(offset).starts(with: text.utf8) }
        if has("RIFF", at: 0), has("WEBP", at: 8) { return FileKind("a WebP picture", convert) }
        if has("BM", at: 0), bytes.count >= 14, bytes[6..<10].allSatisfy({ $0 == 0 }) { return FileKind("a BMP picture", convert) }
        if isTar(bytes) { return FileKind("a tar archive", unpack) }
        if isSentencePiece(bytes) { return FileKind("a model of SentencePiece", "name a tokenizer.json of byte-level BPE") }
        if isONNX(bytes) { return FileKind("an ONNX model", fromArrays) }
        if bytes.count >= 2, bytes[0] == 0x80, (2...5).contains(bytes[1]) { return FileKind("a Python pickle, as torch.save once wrote", fromTorch) }
        // The length of a safetensors header, and its beginning.
        if bytes.count >= 9, bytes[8] == UInt8(ascii: "{"), bytes[4..<8].allSatisfy({ $0 == 0 }) { return FileKind(safetensors, nil) }
        if bytes.count >= 4, bytes[0] == 0, bytes[1] == 0, (0x08...0x0E).contains(bytes[2]), (1...4).contains(bytes[3]) { return FileKind(idx, nil) }
        return nil
    }

    /// torch.save packs its file `data.pkl` first; other archives begin with something else.
    private static func ofZip(_ bytes: UnsafeRawBufferPointer) -> FileKind {
        let start = String(decoding: bytes.prefix(512), as: UTF8.self)
        if start.contains("data.pkl") || start.contains(".data/serialization_id") { return FileKind("an archive of PyTorch (torch.save)", fromTorch) }
        if start.contains(".npy") { return FileKind("an archive of NumPy (npz)", fromArrays) }
        if start.contains("metadata.json"), start.contains("config.json") { return FileKind("an archive of Keras", fromArrays) }
        if start.contains("[Content_Types].xml") || start.contains("opendocument.spreadsheet") {
            return FileKind("a spreadsheet, or another document of an office program", saveAsTable)
        }
        return FileKind("a zip archive", unpack)
    }

    /// By the name of the format, or in older archives by the sum of the header's bytes, which has its own eight counted as spaces.
    private static func isTar(_ bytes: UnsafeRawBufferPointer) -> Bool {
        if bytes.dropFirst(257).starts(with: "ustar".utf8) { return true }
        guard bytes.count >= 512, bytes[0] != 0 else { return false }
        let digits = bytes[148..<156].drop { $0 == 0x20 }.prefix { (0x30...0x37).contains($0) }
        let sum = bytes[..<148].reduce(0) { $0 + Int($1) } + 8 * 0x20 + bytes[156..<512].reduce(0) { $0 + Int($1) }
        return !digits.isEmpty && Int(String(decoding: digits, as: UTF8.self), radix: 8) == sum
    }

    /// A message of protobuf that begins with a small version, its first field, and the name of what has written it, its second.
    private static func isONNX(_ bytes: UnsafeRawBufferPointer) -> Bool {
        guard bytes.count > 4, bytes[0] == 0x08, (1...32).contains(bytes[1]), bytes[2] == 0x12 else { return false }
        let name = bytes.dropFirst(4).prefix(Int(bytes[3]))
        return (1...64).contains(bytes[3]) && name.count == bytes[3] && name.allSatisfy { (0x20...0x7E).contains($0) }
    }

    /// A message of protobuf that begins with a piece, the text of which is in angle brackets: `<unk>` or `<pad>`.
    private static func isSentencePiece(_ bytes: UnsafeRawBufferPointer) -> Bool {
        guard bytes.count > 8, bytes[0] == 0x0A, bytes[1] < 0x40, bytes[2] == 0x0A, (3...32).contains(bytes[3]), bytes[3] <= bytes[1] else { return false }
        let piece = bytes.dropFirst(4).prefix(Int(bytes[3]))
        return piece.first == UInt8(ascii: "<") && piece.last == UInt8(ascii: ">") && piece.allSatisfy { (0x21...0x7E).contains($0) }
    }

    private static let unpack = "unpack it first"
    private static let saveAsTable = "save a table as CSV in UTF-8"
    private static let convert = "convert it to PNG or JPEG"
    private static let fromTorch =
        "in Python, safetensors.torch.save_file(state_dict, \"model.safetensors\") writes what torch.load gives as one"
    private static let fromArrays =
        "in Python, safetensors.numpy.save_file writes arrays as weights, and PIL.Image.fromarray(array).save one as a picture"

    private static let magics: [(magic: [UInt8], offset: Int, name: String, advice: String?)] = [
        ([0x89, 0x50, 0x4E, 0x47, 0x0D, 0x0A, 0x1A, 0x0A], 0, "a PNG picture", nil),
        ([0xFF, 0xD8, 0xFF], 0, "a JPEG picture", nil),
        (Array("GIF8".utf8), 0, "a GIF picture", convert),
        ([0x49, 0x49, 0x2A, 0x00], 0, "a TIFF picture", convert),
        ([0x4D, 0x4D, 0x00, 0x2A], 0, "a TIFF picture", convert),
        // HEIC, AVIF, MP4 and their kin: the size of a box, then its name.
        (Array("ftyp".utf8), 4, "a HEIF picture or a film", convert),
        (Array("%PDF".utf8), 0, "a PDF document", "name the pictures or the weights themselves"),
        ([0x50, 0x4B, 0x05, 0x06], 0, "an empty zip archive", "pack or fetch it again"),
        ([0x1F, 0x8B], 0, "gzip data", "unpack it with gunzip"),
        (Array("BZh".utf8), 0, "bzip2 data", "unpack it with bunzip2"),
        ([0xFD, 0x37, 0x7A, 0x58, 0x5A], 0, "xz data", "unpack it with unxz"),
        ([0x28, 0xB5, 0x2F, 0xFD], 0, "zstd data", "unpack it with unzstd"),
        ([0x37, 0x7A, 0xBC, 0xAF], 0, "a 7z archive", unpack),
        (Array("Rar!".utf8), 0, "a RAR archive", unpack),
        ([0x93] + Array("NUMPY".utf8), 0, "an array of NumPy (npy)", fromArrays),
        ([0x89] + Array("HDF".utf8), 0, "an HDF5 file, as Keras writes", fromArrays),
        (Array("GGUF".utf8), 0, "a GGUF model", "fetch the safetensors that it was made from"),
        (Array("TFL3".utf8), 4, "a model of TensorFlow Lite", fromArrays),
        ([0xD0, 0xCF, 0x11, 0xE0, 0xA1, 0xB1, 0x1A, 0xE1], 0, "an old document of an office program", saveAsTable),
        (Array("PAR1".utf8), 0, "a Parquet table", "in Python, pandas.read_parquet(…).to_csv(…, index=False) writes it as CSV"),
        ([0x7F] + Array("ELF".utf8), 0, "a program or a library (ELF)", "name the file of the weights or of the pictures"),
    ]
}
