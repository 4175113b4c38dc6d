/// Every code point of an alphabet is a token. The alphabet is learnt from a text; what it does not have cannot be encoded.
///
/// Ids follow the order of the code points, as `sorted(set(text))` has it in Python. A letter and an accent that stands behind it are two.
public struct CharacterTokenizer: Tokenizer {
    /// The code points, in the order of their ids.
    public let alphabet: [Unicode.Scalar]
    private let ids: [Unicode.Scalar: Int32]

    /// The code points of a text, each once.
    /// - Throws: `SomaError` where the text is empty.
    public init(learningFrom text: String) throws {
        try self.init(Set(text.unicodeScalars))
    }

    /// The code points of text files, which may be larger than memory.
    /// - Throws: `SomaError` naming the file where one cannot be read or is no UTF-8, or where all are empty.
    public init(learningFrom files: TextFiles) throws {
        var seen: Set<Unicode.Scalar> = []
        try files.forEachPart(cutting: UTF8Text.lastStart) { part in
            if let offset = UTF8Text.firstFault(in: part) { throw TextFault.notUTF8(at: offset, part[offset]) }
            var place = 0
            while place < part.count {
                let (value, length) = UTF8Text.scalar(part, at: place)
                if let scalar = Unicode.Scalar(value) { seen.insert(scalar) }
                place += length
            }
        }
        try self.init(seen)
    }

    private init(_ scalars: Set<Unicode.Scalar>) throws {
        guard !scalars.isEmpty else { throw SomaError("an empty text has no characters to learn") }
        self.init(sorted: scalars.sorted())
    }

    /// - Parameter alphabet: different code points.
    init(sorted alphabet: [Unicode.Scalar]) {
        self.alphabet = alphabet
        ids = Dictionary(uniqueKeysWithValues: alphabet.enumerated().map { ($1, Int32($0)) })
    }

    public var vocabularyCount: Int { alphabet.count }

    public func encode(_ text: UnsafeRawBufferPointer, into tokens: inout [Int32]) throws {
        if let offset = UTF8Text.firstFault(in: text) { throw TextFault.notUTF8(at: offset, text[offset]) }
        var place = 0
        while place < text.count {
            let (value, length) = UTF8Text.scalar(text, at: place)
            guard let scalar = Unicode.Scalar(value), let id = ids[scalar] else { throw unknown(value, at: place) }
            tokens.append(id)
            place += length
        }
    }

    private func unknown(_ value: UInt32, at place: Int) -> TextFault {
        let digits = String(value, radix: 16, uppercase: true)
        let code = "U+" + String(repeating: "0", count: max(0, 4 - digits.count)) + digits
        // An accent by itself would be drawn over the quotation mark.
        let shown = Unicode.Scalar(value).flatMap { $0.properties.isGraphemeBase ? "'\($0)' (\(code))" : nil } ?? code
        return TextFault(
            at: place, "\(shown) is none of the \(alphabet.count) characters that are known",
            hint: "leave it out, or learn the alphabet from a text that has it")
    }

    public func append(_ token: Int32, to bytes: inout [UInt8]) -> Bool {
        guard alphabet.indices.contains(Int(token)) else { return false }
        bytes.append(contentsOf: UTF8.encode(alphabet[Int(token)]) ?? .init())
        return true
    }

    public func lastCut(in text: UnsafeRawBufferPointer) -> Int? { UTF8Text.lastStart(in: text) }

    public var json: String {
        let model: JSON = ["type": "Characters", "alphabet": JSON(String(String.UnicodeScalarView(alphabet)))]
        return JSON.object([.init("model", model)]).description
    }

    /// - Throws: `SomaError` where the model has no alphabet of different code points.
    init(_ model: JSON, name: String) throws {
        let scalars = Array((model["alphabet"]?.string ?? "").unicodeScalars)
        guard !scalars.isEmpty, Set(scalars).count == scalars.count else {
            throw SomaError("\(name) is broken: its alphabet is no text of different characters")
        }
        self.init(sorted: scalars)
    }
}
