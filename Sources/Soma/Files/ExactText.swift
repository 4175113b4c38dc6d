/// Text by its bytes, for names that others have given: keys of a file, paths, cells of a table.
///
/// Swift compares text by what it means to a reader: `é` in one code point equals `e` with an accent behind it, `"\r\n"` is one
/// character and no line feed, and a `/` with an accent is no `/`. Formats and file systems know bytes.
package struct ExactText: Hashable, Comparable, Sendable {
    package let text: String

    package init(_ text: String) { self.text = text }

    package static func == (a: ExactText, b: ExactText) -> Bool { a.text.isExactly(b.text) }
    package static func < (a: ExactText, b: ExactText) -> Bool { a.text.utf8.lexicographicallyPrecedes(b.text.utf8) }

    package func hash(into hasher: inout Hasher) {
        for byte in text.utf8 { hasher.combine(byte) }
        hasher.combine(0xFF as UInt8)  // no UTF-8: keeps neighbours apart
    }
}

extension StringProtocol {
    /// Whether both have the same bytes.
    package func isExactly(_ other: some StringProtocol) -> Bool { utf8.elementsEqual(other.utf8) }

    /// Whether this begins with the bytes of another text.
    package func beginsExactly(with other: some StringProtocol) -> Bool { utf8.starts(with: other.utf8) }

    /// Whether there is such a byte, whatever stands behind it.
    package func hasByte(_ byte: Unicode.Scalar) -> Bool { utf8.contains(UInt8(ascii: byte)) }

    /// The parts between bytes of a kind, empty ones too.
    package func split(atEach byte: Unicode.Scalar) -> [String] {
        utf8.split(separator: UInt8(ascii: byte), omittingEmptySubsequences: false).map { String(decoding: $0, as: UTF8.self) }
    }

    /// What stands before and behind the first byte of a kind; nil where there is none.
    package func parts(atFirst byte: Unicode.Scalar) -> (before: String, behind: String)? {
        guard let place = utf8.firstIndex(of: UInt8(ascii: byte)) else { return nil }
        return (String(decoding: utf8[..<place], as: UTF8.self), String(decoding: utf8[utf8.index(after: place)...], as: UTF8.self))
    }
}
