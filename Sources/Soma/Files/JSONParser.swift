import SomaBackend

extension JSON {
    /// Reads JSON text in UTF-8, strictly: nothing but white space around the value, no member named twice, and no
    /// nesting deeper than 100, so that hostile text can neither hide a value nor exhaust the stack.
    /// - Throws: `SomaError` that says what is wrong and at which byte.
    package init(parsing text: UnsafeRawBufferPointer) throws {
        var parser = JSONParser(text)
        self = try parser.parseDocument()
    }

    /// Reads a file that people edit: a byte order mark before the text is no part of it.
    package init(edited bytes: [UInt8]) throws {
        self = try bytes.withUnsafeBytes { try JSON(parsing: UnsafeRawBufferPointer(rebasing: $0.dropFirst(TextMark.length(in: $0)))) }
    }

    package init(parsing text: String) throws {
        var text = text
        self = try text.withUTF8 { try JSON(parsing: UnsafeRawBufferPointer($0)) }
    }
}

private struct JSONParser {
    private let bytes: UnsafeRawBufferPointer
    private var position = 0
    private var depth = 0

    init(_ bytes: UnsafeRawBufferPointer) { self.bytes = bytes }

    mutating func parseDocument() throws -> JSON {
        let value = try parseValue()
        skipSpace()
        guard position == bytes.count else { throw fault("text after the end") }
        return value
    }

    private func fault(_ what: String) -> SomaError { SomaError("broken JSON at byte \(position): \(what)") }

    private var next: UInt8? { position < bytes.count ? bytes[position] : nil }

    private mutating func skipSpace() {
        while let byte = next, byte == 0x20 || byte == 0x0A || byte == 0x0D || byte == 0x09 { position += 1 }
    }

    /// Skips white space and then `character` if it is next.
    private mutating func take(_ character: Unicode.Scalar) -> Bool {
        skipSpace()
        guard let byte = next, UInt32(byte) == character.value else { return false }
        position += 1
        return true
    }

    private mutating func parseValue() throws -> JSON {
        skipSpace()
        switch next.map(Unicode.Scalar.init) {
        case "{": return try nested { try $0.parseObject() }
        case "[": return try nested { try $0.parseArray() }
        case "\"": return .string(try parseString())
        case "t": return try parseWord("true", .bool(true))
        case "f": return try parseWord("false", .bool(false))
        case "n": return try parseWord("null", .null)
        case .some: return try parseNumber()
        case nil: throw fault("it ends early")
        }
    }

    private mutating func nested(_ parse: (inout JSONParser) throws -> JSON) throws -> JSON {
        guard depth < 100 else { throw fault("nested too deeply") }
        depth += 1
        defer { depth -= 1 }
        position += 1
        return try parse(&self)
    }

    private mutating func parseArray() throws -> JSON {
        var elements: [JSON] = []
        if take("]") { return .array(elements) }
        repeat { elements.append(try parseValue()) } while take(",")
        guard take("]") else { throw fault("a list without its end") }
        return .array(elements)
    }

    private mutating func parseObject() throws -> JSON {
        var members: [JSON.Member] = []
        var names: Set<ExactText> = []
        if take("}") { return .object(members) }
        repeat {
            skipSpace()
            let name = try parseString()
            guard names.insert(ExactText(name)).inserted else { throw fault("'\(name)' occurs twice") }
            guard take(":") else { throw fault("a name without a value") }
            members.append(.init(name, try parseValue()))
        } while take(",")
        guard take("}") else { throw fault("an object without its end") }
        return .object(members)
    }

    private mutating func parseWord(_ word: StaticString, _ value: JSON) throws -> JSON {
        let end = position + word.utf8CodeUnitCount
        let expected = UnsafeRawBufferPointer(start: word.utf8Start, count: word.utf8CodeUnitCount)
        guard end <= bytes.count, bytes[position..<end].elementsEqual(expected) else { throw fault("an unknown word") }
        position = end
        return value
    }

    // number = [ "-" ] ( "0" / digit1-9 *digit ) [ "." 1*digit ] [ ( "e" / "E" ) [ "+" / "-" ] 1*digit ]
    private mutating func parseNumber() throws -> JSON {
        let start = position
        if next == UInt8(ascii: "-") { position += 1 }
        if next == UInt8(ascii: "0") { position += 1 } else { try skipDigits() }
        if next == UInt8(ascii: ".") {
            position += 1
            try skipDigits()
        }
        if next == UInt8(ascii: "e") || next == UInt8(ascii: "E") {
            position += 1
            if next == UInt8(ascii: "+") || next == UInt8(ascii: "-") { position += 1 }
            try skipDigits()
        }
        return .number(String(decoding: bytes[start..<position], as: UTF8.self))
    }

    private mutating func skipDigits() throws {
        let start = position
        while let byte = next, byte >= UInt8(ascii: "0"), byte <= UInt8(ascii: "9") { position += 1 }
        guard position > start else { throw fault("a value was expected") }
    }

    private mutating func parseString() throws -> String {
        guard next == UInt8(ascii: "\"") else { throw fault("a string was expected") }
        position += 1
        var text: [UInt8] = []
        while let byte = next, byte != UInt8(ascii: "\"") {
            guard byte >= 0x20 else { throw fault("a control character in a string") }
            position += 1
            if byte == UInt8(ascii: "\\") { text += try parseEscape() } else { text.append(byte) }
        }
        guard next != nil else { throw fault("a string without its end") }
        position += 1
        guard let string = String(validating: text, as: UTF8.self) else { throw fault("a string that is not UTF-8") }
        return string
    }

    private mutating func parseEscape() throws -> [UInt8] {
        guard let byte = next else { throw fault("a string without its end") }
        position += 1
        switch Unicode.Scalar(byte) {
        case "\"", "\\", "/": return [byte]
        case "b": return [0x08]
        case "f": return [0x0C]
        case "n": return [0x0A]
        case "r": return [0x0D]
        case "t": return [0x09]
        case "u": return try Array(String(Character(parseUnicodeEscape())).utf8)
        default: throw fault("an unknown escape")
        }
    }

    private mutating func parseUnicodeEscape() throws -> Unicode.Scalar {
        let first = try parseFourHexDigits()
        if let scalar = Unicode.Scalar(first) { return scalar }
        guard first < 0xDC00, next == UInt8(ascii: "\\") else { throw fault("half of a surrogate pair") }
        position += 1
        guard next == UInt8(ascii: "u") else { throw fault("half of a surrogate pair") }
        position += 1
        let second = try parseFourHexDigits()
        guard (0xDC00..<0xE000).contains(second),
            let scalar = Unicode.Scalar(0x10000 + (first - 0xD800) << 10 + (second - 0xDC00))
        else { throw fault("half of a surrogate pair") }
        return scalar
    }

    private mutating func parseFourHexDigits() throws -> UInt32 {
        let end = position + 4
        guard end <= bytes.count, bytes[position..<end].allSatisfy({ Character(Unicode.Scalar($0)).isHexDigit }),
            let value = UInt32(String(decoding: bytes[position..<end], as: UTF8.self), radix: 16)
        else { throw fault("four hexadecimal digits were expected") }
        position = end
        return value
    }
}
