import SomaBackend

/// What a file is that was given for another kind: told by its first bytes, with what to do about it.
package struct FileKind {
    let name: String
    private let advice: String?

    /// Kinds whose own readers ask what else a broken file may be.
    package static let (idx, safetensors, json) = ("an IDX file", "a safetensors file", "a JSON text")
    package static let table = "a table (CSV)"
    /// Words, pages and programs alike.
    package static let plainText = "a text"

    /// As many of the first bytes as a kind is told by.
    package static let mostBytes = 4096

    /// Nil for bytes of no kind that is known here, and of the one that was expected.
    package init?(_ bytes: UnsafeRawBufferPointer, otherThan expected: String? = nil) {
        let start = UnsafeRawBufferPointer(rebasing: bytes.prefix(Self.mostBytes))
        let encoding = TextMark.foreignEncoding(of: start)
        let text = Self.text(start, encoding)
        if expected == Self.plainText {
            let other = Self.hasNoControls(start) ? nil : Self.ofMagic(start)
            guard let found = Self.ofPointer(text) ?? other ?? Self.ofForeignText(text, encoding, isTextExpected: true) else { return nil }
            self = found
            return
        }
        let found =
            // The first name of a table may begin as the magic number of another kind: BMI as a BMP picture.
            Self.ofPage(text) ?? (expected == Self.table && Self.hasNoControls(start) ? nil : Self.ofMagic(start))
            ?? Self.ofForeignText(text, encoding, isTextExpected: expected == Self.json)
            // What is wrong with a text that should be JSON or a table, whoever reads that says better.
            ?? (expected == Self.json || expected == Self.table ? nil : Self.ofWords(start, text))
        guard let found, found.name != expected else { return nil }
        self = found
    }

    init(_ name: String, _ advice: String?) { (self.name, self.advice) = (name, advice) }

    /// That the file at `path` is of this kind, behind words that say what it is not.
    package func error(_ path: String, _ denial: String) -> SomaError { SomaError("\(path) \(denial) but \(name)", hint: advice) }
}

// MARK: - Text

extension FileKind {
    private typealias Scalars = Substring.UnicodeScalarView

    private static let again = "it may be a server's error in the place of the file: fetch that again"

    /// Bytes read as text, whatever they are, behind what is not seen.
    private static func text(_ bytes: UnsafeRawBufferPointer, _ encoding: ForeignEncoding?) -> Scalars {
        let text: String =
            switch encoding {
            case .utf16(let isLittle):
                String(
                    decoding: stride(from: 0, to: bytes.count - 1, by: 2).map { at in
                        let unit = bytes.loadUnaligned(fromByteOffset: at, as: UInt16.self)
                        return isLittle ? UInt16(littleEndian: unit) : UInt16(bigEndian: unit)
                    }, as: UTF16.self)
            case .utf32: ""
            case nil: String(decoding: bytes, as: UTF8.self)
            }
        return behindSpace(text.unicodeScalars[...])
    }

    private static func behindSpace(_ text: Scalars) -> Scalars { text.drop { $0.properties.isWhitespace || $0 == "\u{FEFF}" } }

    /// A text behind the declaration of XML and comments, which may stand before anything.
    private static func behindComments(_ text: Scalars) -> Scalars {
        var rest = text
        while let mark = [("<!--", "-->"), ("<?", "?>")].first(where: { rest.starts(with: $0.0.unicodeScalars) }),
            let end = rest.firstRange(of: mark.1.unicodeScalars)
        {
            rest = behindSpace(rest[end.upperBound...])
        }
        return rest
    }

    /// A server's answer or a placeholder, saved under the name of the file that was wanted.
    private static func ofPage(_ text: Scalars) -> FileKind? {
        let start = String(text).lowercased()
        let (whole, content) = (start.unicodeScalars[...], behindComments(start.unicodeScalars[...]))
        func begins(_ text: Scalars, with words: String...) -> Bool { words.contains { text.starts(with: $0.unicodeScalars) } }
        if let pointer = ofPointer(text) { return pointer }
        if begins(content, with: "<svg", "<!doctype svg") { return FileKind("an SVG drawing", "draw it as PNG first") }
        if begins(content, with: "<!doctype html", "<html", "<head", "<body", "<title", "<script", "<meta") {
            return FileKind("a web page (HTML)", "fetch the file itself: a page that shows it, or a server's error, was saved in its place")
        }
        return begins(whole, with: "<?xml", "<!--", "<!doctype", "<error") ? FileKind("an XML text", again) : nil
    }

    /// What Git keeps in the place of a large file.
    private static func ofPointer(_ text: Scalars) -> FileKind? {
        let isPointer = ["version https://git-lfs", "version http://git-media"].contains { text.starts(with: $0.unicodeScalars) }
        return isPointer ? FileKind("a pointer of Git LFS", "`git lfs pull` fetches the file itself") : nil
    }

    private static func ofForeignText(_ text: Scalars, _ encoding: ForeignEncoding?, isTextExpected: Bool) -> FileKind? {
        encoding.map { FileKind("a text in \($0)", isTextExpected ? "save it as UTF-8" : again) }
    }

    /// Words of any kind, as a server's short answer is.
    private static func ofWords(_ bytes: UnsafeRawBufferPointer, _ text: Scalars) -> FileKind? {
        guard isText(bytes) else { return nil }
        if text.first == "{" || text.first == "[" { return FileKind(json, again) }
        let lines = text.split(maxSplits: 2) { $0 == "\n" || $0 == "\r" }
        let counts = lines.prefix(2).map { line in line.count { $0 == "," || $0 == ";" || $0 == "\t" } }
        if counts.count == 2, counts[0] > 0, counts[0] == counts[1] {
            return FileKind(table, "no tables are read here: name the file of the weights or of the pictures")
        }
        return FileKind("a text, “\(String(lines.first ?? text).prefix(40))”", again)
    }

    /// Whether bytes begin as text does, in whatever encoding of 8 bits.
    private static func hasNoControls(_ bytes: UnsafeRawBufferPointer) -> Bool {
        bytes.prefix(512).allSatisfy { $0 >= 0x20 || (0x09...0x0D).contains($0) }
    }

    /// Whether bytes are words, and not numbers that happen to be printable.
    private static func isText(_ bytes: UnsafeRawBufferPointer) -> Bool {
        // The last code point may be cut.
        let cuts = bytes.count < mostBytes ? 0...0 : 0...3
        guard bytes.count >= 8, let text = cuts.lazy.compactMap({ String(validating: bytes.dropLast($0), as: UTF8.self) }).first else { return false }
        return text.unicodeScalars.allSatisfy { $0.properties.generalCategory != .control || $0 == "\n" || $0 == "\r" || $0 == "\t" }
    }
}
