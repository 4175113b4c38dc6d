/// What a file is that was given for another kind: told by its first bytes, with what to do about it.
package struct FileKind {
    private let name: String
    private let advice: String?

    /// Kinds whose own readers ask what else a broken file may be.
    package static let (idx, safetensors, json) = ("an IDX file", "a safetensors file", "a JSON text")

    /// As many of the first bytes as a kind is told by: one more than the longest text that is told as one.
    package static let mostBytes = 4097

    /// Nil for bytes of no kind that is known here, and of the one that was expected.
    package init?(_ bytes: UnsafeRawBufferPointer, otherThan expected: String? = nil) {
        // What is wrong with a text that should be JSON, whoever reads that says better.
        let words = expected == Self.json ? nil : Self.ofWords(bytes)
        guard let kind = Self.ofPage(bytes) ?? Self.ofMagic(bytes) ?? words, kind.name != expected else { return nil }
        self = kind
    }

    /// That the file at `path` is of this kind, behind words that say what it is not.
    package func error(_ path: String, _ denial: String) -> SomaError { SomaError("\(path) \(denial) but \(name)", hint: advice) }

    private init(_ name: String, _ advice: String?) { (self.name, self.advice) = (name, advice) }

    // MARK: Text

    /// The beginning of a text, behind what is not seen.
    private static func start(of bytes: UnsafeRawBufferPointer) -> Substring.UnicodeScalarView {
        String(decoding: bytes.prefix(512), as: UTF8.self).unicodeScalars.drop { $0.properties.isWhitespace || $0 == "\u{FEFF}" }
    }

    /// A server's answer or a placeholder, saved under the name of the file that was wanted.
    private static func ofPage(_ bytes: UnsafeRawBufferPointer) -> FileKind? {
        let start = String(start(of: bytes)).lowercased().unicodeScalars
        func begins(with words: String...) -> Bool { words.contains { start.starts(with: $0.unicodeScalars) } }
        if begins(with: "version https://git-lfs", "version http://git-media") {
            return FileKind("a pointer of Git LFS", "`git lfs pull` fetches the file itself")
        }
        if begins(with: "<svg") || begins(with: "<?xml"), String(start).contains("<svg") {
            return FileKind("an SVG drawing", "draw it as PNG first")
        }
        if begins(with: "<!doctype html", "<html", "<head", "<body") {
            return FileKind("a web page (HTML)", "fetch the file itself: a page that shows it, or a server's error, was saved in its place")
        }
        if begins(with: "<?xml", "<!--", "<error") {
            return FileKind("an XML text", "it may be a server's error in the place of the file: fetch that again")
        }
        return nil
    }

    /// Words of any kind, as a server's short answer is.
    private static func ofWords(_ bytes: UnsafeRawBufferPointer) -> FileKind? {
        guard isText(bytes) else { return nil }
        let text = start(of: bytes)
        let line = String(text.prefix { $0 != "\n" && $0 != "\r" }.prefix(40))
        let name = text.first == "{" || text.first == "[" ? json : "a text, “\(line)”"
        return FileKind(name, "it may be a server's error in the place of the file: fetch that again")
    }

    /// Whether bytes are words, and not numbers that happen to be printable.
    private static func isText(_ bytes: UnsafeRawBufferPointer) -> Bool {
        guard (8...4096).contains(bytes.count), let text = String(validating: bytes, as: UTF8.self) else { return false }
        return text.unicodeScalars.allSatisfy { $0.properties.generalCategory != .control || $0 == "\n" || $0 == "\r" || $0 == "\t" }
    }

    // MARK: Magic numbers

    private static func ofMagic(_ bytes: UnsafeRawBufferPointer) -> FileKind? {
        if bytes.starts(with: [0x50, 0x4B, 0x03, 0x04]) { return ofZip(bytes) }
        if let kind = magics.first(where: { bytes.starts(with: $0.magic) }) { return FileKind(kind.name, kind.advice) }
        if bytes.starts(with: Array("RIFF".utf8)), bytes.count >= 12, bytes[8..<12].elementsEqual("WEBP".utf8) { return FileKind("a WebP picture", convert) }
        // HEIC, AVIF, MP4 and their kin: the size of a box, then its name.
        if bytes.count >= 12, bytes[4..<8].elementsEqual("ftyp".utf8) { return FileKind("a HEIF picture or a film", convert) }
        if bytes.count >= 262, bytes[257..<262].elementsEqual("ustar".utf8) { return FileKind("a tar archive", unpack) }
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
        if start.contains(".npy") { return FileKind("an archive of NumPy (npz)", nil) }
        return FileKind("a zip archive", unpack)
    }

    private static let unpack = "unpack it first"
    private static let convert = "convert it to PNG or JPEG"
    private static let fromTorch =
        "in Python, safetensors.torch.save_file(state_dict, \"model.safetensors\") writes what torch.load gives as one"

    private static let magics: [(magic: [UInt8], name: String, advice: String?)] = [
        ([0x89, 0x50, 0x4E, 0x47, 0x0D, 0x0A, 0x1A, 0x0A], "a PNG picture", nil),
        ([0xFF, 0xD8, 0xFF], "a JPEG picture", nil),
        (Array("GIF8".utf8), "a GIF picture", convert),
        (Array("BM".utf8), "a BMP picture", convert),
        ([0x49, 0x49, 0x2A, 0x00], "a TIFF picture", convert),
        ([0x4D, 0x4D, 0x00, 0x2A], "a TIFF picture", convert),
        (Array("%PDF".utf8), "a PDF document", nil),
        ([0x1F, 0x8B], "gzip data", "unpack it with gunzip"),
        (Array("BZh".utf8), "bzip2 data", "unpack it with bunzip2"),
        ([0xFD, 0x37, 0x7A, 0x58, 0x5A], "xz data", "unpack it with unxz"),
        ([0x28, 0xB5, 0x2F, 0xFD], "zstd data", "unpack it with unzstd"),
        ([0x37, 0x7A, 0xBC, 0xAF], "a 7z archive", unpack),
        (Array("Rar!".utf8), "a RAR archive", unpack),
        ([0x93] + Array("NUMPY".utf8), "an array of NumPy (npy)", nil),
        ([0x89] + Array("HDF".utf8), "an HDF5 file, as Keras writes", "in Python, safetensors.numpy.save_file writes arrays as safetensors"),
        (Array("GGUF".utf8), "a GGUF model", nil),
    ]
}
