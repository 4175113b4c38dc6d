import SomaBackend

/// A file that keeps the tokens of text files: the tokens, and behind them of what they were made.
///
///     tokens, little-endian, 2 or 4 bytes each
///     8 bytes   SOMATOK1
///     8 bytes   the size of the vocabulary, little-endian
///     64 bytes  SHA-256 of tokenizer, separator and files, in hexadecimal
struct TokenCache {
    private let path: String
    private let vocabularyCount: Int
    private let fingerprint: String

    private static let magic = Array("SOMATOK1".utf8)
    private static let footerSize = 8 + 8 + 64

    init(_ files: TextFiles, _ tokenizer: some Tokenizer, separator: Int32?, path: String) {
        (self.path, vocabularyCount) = (path, tokenizer.vocabularyCount)
        var hash = SHA256()
        Array("\(separator.map(String.init) ?? "none")\n\(tokenizer.json)\n".utf8).withUnsafeBytes { hash.update($0) }
        files.update(&hash)
        fingerprint = hash.digest()
    }

    private var width: Int { TokenSequence.width(vocabularyCount: vocabularyCount) }

    private var footer: [UInt8] {
        Self.magic + withUnsafeBytes(of: UInt64(vocabularyCount).littleEndian) { Array($0) } + Array(fingerprint.utf8)
    }

    /// The tokens of the file, which is written first where it is not there or is of other texts.
    /// - Throws: `SomaError` where it is a file of another kind; what encoding and writing throw.
    func sequence(name: String, _ encode: (([Int32]) throws -> Void) throws -> Void) throws -> TokenSequence {
        if let known = try known(name: name) { return known }
        try AtomicFile.write(to: path) { file in
            var count = 0
            try encode { tokens in
                count += tokens.count
                try TokenBytes(tokens, width: width).withUnsafeBytes(file.append)
            }
            guard count > 0 else { throw SomaError("\(name) is empty") }
            try footer.withUnsafeBytes(file.append)
        }
        guard let written = try known(name: name) else { throw SomaError("\(path) was changed while it was written") }
        return written
    }

    /// What the file has, if that is of these texts.
    private func known(name: String) throws -> TokenSequence? {
        guard FolderEntry.status(Array(path.utf8)) != nil else { return nil }
        let source = try ByteSource(path: path)
        if source.count == 0 { return nil }
        let size = source.count - Self.footerSize
        let end = size < 0 ? [] : try source.withBytes(size..<source.count) { Array($0) }
        guard end.starts(with: Self.magic) else {
            throw SomaError("\(path) is there and keeps no tokens, so it is not replaced", hint: "name another file")
        }
        guard end == footer, size > 0, size % width == 0 else { return nil }
        return TokenSequence(source, width: width, count: size / width, vocabularyCount: vocabularyCount, name: name)
    }
}
