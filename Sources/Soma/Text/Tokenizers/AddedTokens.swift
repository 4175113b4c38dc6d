/// A token that is looked for in the text itself, before it is split into words.
public struct AddedToken: Hashable, Sendable {
    /// The text that it is.
    public let name: String
    /// Its number in the vocabulary.
    public let id: Int32
    /// Whether it stands for no text, as `<|endoftext|>` does.
    public var isSpecial = true
    /// Whether it is found only where no letter, number or low line stands beside it.
    public var isWholeWord = false
    /// Whether white space before it belongs to it.
    public var takesSpaceBefore = false
    /// Whether white space behind it belongs to it.
    public var takesSpaceBehind = false
    /// Whether it is looked for in what those that are not have left, as files say by `normalized`.
    public var isFoundLater = false

    /// A special token of that name and number.
    public init(_ name: String, id: Int32) { (self.name, self.id) = (name, id) }
}

/// Finds added tokens in a text: at each place the longest.
struct AddedTokens: Sendable {
    /// A stretch of a text.
    enum Part {
        case text(Range<Int>)
        case token(Int32, Range<Int>)
    }

    /// Which of them are looked for.
    enum Pass {
        case all, first, later
    }

    private struct Entry: Sendable {
        let bytes: [UInt8]
        let token: AddedToken
    }

    /// In the order of their ids.
    let tokens: [AddedToken]
    /// The bytes of the longest.
    let longest: Int
    /// Those that are looked for first and those that are looked for later, each by the first byte, the longest first.
    private let passes: (first: [[[Entry]]], later: [[[Entry]]])

    /// - Parameter composed: whether those that are looked for later are in text of Unicode's composed form.
    init(_ tokens: [AddedToken], composed: Bool) {
        self.tokens = tokens.sorted { $0.id < $1.id }
        longest = tokens.map(\.name.utf8.count).max() ?? 0
        func tables(_ isLater: Bool) -> [[[Entry]]] {
            var table = [[Entry]](repeating: [], count: 256)
            let own = tokens.filter { $0.isFoundLater == isLater && !$0.name.isEmpty }
            for token in own {
                let bytes = Array((isLater && composed ? token.name.composed : token.name).utf8)
                table[Int(bytes[0])].append(Entry(bytes: bytes, token: token))
            }
            for first in table.indices { table[first].sort { $0.bytes.count > $1.bytes.count } }
            return own.isEmpty ? [] : [table]
        }
        passes = (tables(false), tables(true))
    }

    /// Calls `body` with the parts of well-formed text, in their order; texts between tokens are not empty.
    func forEachPart(in text: UnsafeRawBufferPointer, _ pass: Pass = .all, _ body: (Part) throws -> Void) rethrows {
        if text.isEmpty { return }
        let tables =
            switch pass {
            case .all: passes.first + passes.later
            case .first: passes.first
            case .later: passes.later
            }
        try forEachPart(of: 0..<text.count, in: text, tables[...], body)
    }

    private func forEachPart(
        of range: Range<Int>, in text: UnsafeRawBufferPointer, _ tables: ArraySlice<[[Entry]]>, _ body: (Part) throws -> Void
    ) rethrows {
        guard let table = tables.first else { return try body(.text(range)) }
        let rest = tables.dropFirst()
        var (place, done) = (range.lowerBound, range.lowerBound)
        while place < range.upperBound {
            let entries = table[Int(text[place])]
            guard !entries.isEmpty, let entry = entries.first(where: { Self.stands($0.bytes, at: place, range, text) }) else {
                place += 1
                continue
            }
            let found = place..<place + entry.bytes.count
            place = found.upperBound
            guard !entry.token.isWholeWord || Self.isWord(found, range, text), found.lowerBound >= done else { continue }
            let start = entry.token.takesSpaceBefore ? max(done, Self.startOfSpace(found.lowerBound, range, text)) : found.lowerBound
            let end = entry.token.takesSpaceBehind ? Self.endOfSpace(found.upperBound, range, text) : found.upperBound
            if done < start { try forEachPart(of: done..<start, in: text, rest, body) }
            try body(.token(entry.token.id, start..<end))
            done = end
        }
        if done < range.upperBound { try forEachPart(of: done..<range.upperBound, in: text, rest, body) }
    }

    private static func stands(_ bytes: [UInt8], at place: Int, _ range: Range<Int>, _ text: UnsafeRawBufferPointer) -> Bool {
        place + bytes.count <= range.upperBound && text[place..<place + bytes.count].elementsEqual(bytes)
    }

    // MARK: What stands beside a token

    private static func scalar(before place: Int, _ range: Range<Int>, _ text: UnsafeRawBufferPointer) -> (Unicode.Scalar, start: Int)? {
        guard place > range.lowerBound else { return nil }
        let start = text[range.lowerBound..<place].lastIndex { $0 & 0xC0 != 0x80 } ?? range.lowerBound
        return Unicode.Scalar(UTF8Text.scalar(text, at: start).value).map { ($0, start) }
    }

    private static func scalar(at place: Int, _ range: Range<Int>, _ text: UnsafeRawBufferPointer) -> (Unicode.Scalar, end: Int)? {
        guard place < range.upperBound, case let (value, length) = UTF8Text.scalar(text, at: place) else { return nil }
        return Unicode.Scalar(value).map { ($0, place + length) }
    }

    private static func isWord(_ found: Range<Int>, _ range: Range<Int>, _ text: UnsafeRawBufferPointer) -> Bool {
        ![scalar(before: found.lowerBound, range, text)?.0, scalar(at: found.upperBound, range, text)?.0].contains { $0.map(isOfWord) ?? false }
    }

    private static func isOfWord(_ scalar: Unicode.Scalar) -> Bool {
        guard CharacterClass.isKnown(scalar), case let properties = scalar.properties else { return false }
        if properties.isAlphabetic || properties.isJoinControl { return true }
        return [.nonspacingMark, .spacingMark, .enclosingMark, .decimalNumber, .connectorPunctuation].contains(properties.generalCategory)
    }

    private static func startOfSpace(_ place: Int, _ range: Range<Int>, _ text: UnsafeRawBufferPointer) -> Int {
        var place = place
        while let (scalar, start) = scalar(before: place, range, text), scalar.properties.isWhitespace { place = start }
        return place
    }

    private static func endOfSpace(_ place: Int, _ range: Range<Int>, _ text: UnsafeRawBufferPointer) -> Int {
        var place = place
        while let (scalar, end) = scalar(at: place, range, text), scalar.properties.isWhitespace { place = end }
        return place
    }
}
