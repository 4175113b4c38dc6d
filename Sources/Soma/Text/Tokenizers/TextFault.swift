/// What keeps a text from being told in tokens, and the byte where it is.
public struct TextFault: Error, Hashable, Sendable {
    /// The byte, from 0, within the text that was to be encoded.
    public let offset: Int
    /// What is wrong there: "'é' (U+00E9) is none of the 65 characters that are known".
    public let reason: String
    /// What can be done about it, if anything.
    public let hint: String?

    /// A fault at a byte of the text.
    public init(at offset: Int, _ reason: String, hint: String? = nil) { (self.offset, self.reason, self.hint) = (offset, reason, hint) }

    /// The same in a text that this one is a part of.
    func moved(by distance: Int) -> TextFault { TextFault(at: offset + distance, reason, hint: hint) }

    func error(in text: UnsafeRawBufferPointer, name: String) -> SomaError {
        var place = TextPlace()
        place.advance(over: UnsafeRawBufferPointer(rebasing: text[..<min(offset, text.count)]))
        return error(at: place, name: name)
    }

    func error(at place: TextPlace, name: String) -> SomaError {
        SomaError("\(name), line \(place.line), column \(place.column) (byte \(offset)): \(reason)", hint: hint)
    }

    static func notUTF8(at offset: Int, _ byte: UInt8) -> TextFault {
        let digits = String(byte, radix: 16, uppercase: true)
        return TextFault(
            at: offset, "the byte 0x\(digits.count < 2 ? "0" : "")\(digits) is no UTF-8",
            hint: "convert the text, as `iconv -f ISO-8859-1 -t UTF-8` does, if that is its encoding")
    }
}

/// A place in a text as people count it.
struct TextPlace {
    /// From 1.
    private(set) var line = 1
    /// In code points, from 1.
    private(set) var column = 1

    mutating func advance(over bytes: UnsafeRawBufferPointer) {
        for byte in bytes {
            if byte == UInt8(ascii: "\n") { (line, column) = (line + 1, 1) } else if byte & 0xC0 != 0x80 { column += 1 }
        }
    }
}

/// Text in UTF-8 as bytes.
enum UTF8Text {
    /// The first byte that neither begins nor continues a well-formed code point (Unicode, table 3-7); nil where all is well.
    static func firstFault(in text: UnsafeRawBufferPointer) -> Int? {
        var place = 0
        while place < text.count {
            let first = text[place]
            if first < 0x80 {
                place += 1
                continue
            }
            guard let (length, second) = form(first), place + length <= text.count, second.contains(text[place + 1]),
                length < 3 || text[place + 2] & 0xC0 == 0x80, length < 4 || text[place + 3] & 0xC0 == 0x80
            else { return place }
            place += length
        }
        return nil
    }

    /// How many bytes a code point has that begins with `first`, and what its second byte may be; nil where none begins so.
    private static func form(_ first: UInt8) -> (length: Int, second: ClosedRange<UInt8>)? {
        switch first {
        case 0xC2...0xDF: (2, 0x80...0xBF)
        case 0xE0: (3, 0xA0...0xBF)
        case 0xED: (3, 0x80...0x9F)
        case 0xE1...0xEF: (3, 0x80...0xBF)
        case 0xF0: (4, 0x90...0xBF)
        case 0xF4: (4, 0x80...0x8F)
        case 0xF1...0xF3: (4, 0x80...0xBF)
        default: nil
        }
    }

    /// How many bytes at the end begin a code point whose rest may still come: 0 to 3.
    static func openCount(_ text: UnsafeRawBufferPointer) -> Int {
        for count in 1...3 where count <= text.count {
            let place = text.count - count
            if text[place] & 0xC0 == 0x80 { continue }
            guard let (length, second) = form(text[place]), length > count else { return 0 }
            return count == 1 || second.contains(text[place + 1]) ? count : 0
        }
        return 0
    }

    /// The code point at a place of well-formed text, and its length.
    @inline(__always)
    static func scalar(_ text: UnsafeRawBufferPointer, at place: Int) -> (value: UInt32, length: Int) {
        let first = UInt32(text[place])
        func continued(_ distance: Int) -> UInt32 { UInt32(text[place + distance]) & 0x3F }
        if first < 0x80 { return (first, 1) }
        if first < 0xE0 { return ((first & 0x1F) << 6 | continued(1), 2) }
        if first < 0xF0 { return ((first & 0x0F) << 12 | continued(1) << 6 | continued(2), 3) }
        return ((first & 0x07) << 18 | continued(1) << 12 | continued(2) << 6 | continued(3), 4)
    }

    /// The last place, not 0 and not the end, where a code point begins; nil where there is none.
    static func lastStart(in text: UnsafeRawBufferPointer) -> Int? {
        text.indices.dropFirst().last { text[$0] & 0xC0 != 0x80 }
    }
}
