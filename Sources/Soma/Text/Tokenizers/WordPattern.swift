/// How text is split into words, within which tokens are merged.
public enum WordPattern: Hashable, Sendable, CaseIterable {
    /// As GPT-2 has it: contractions such as `'ll`, and runs of letters, of numbers and of other characters, each with the space before it.
    case gpt2
    /// As Llama 3 and GPT-4 (cl100k) have it: contractions of either case, letters with any one character before them, at most three numbers.
    case llama3
    /// As Qwen 2 has it: like `llama3`, but each number is a word.
    case qwen2

    /// The pattern as a regular expression, by which other programs know it.
    var expression: String { spellings[0] }

    /// Regular expressions that split every text in the same way; the first is the usual one.
    var spellings: [String] {
        let contractions = ["(?i:'s|'t|'re|'ve|'m|'ll|'d)", "'(?i:[sdmt]|ll|ve|re)"]
        func modern(_ number: String) -> [String] {
            contractions.flatMap { start in
                ["?\\p{L}+|", "?+\\p{L}+|"].flatMap { letters in
                    ["+[\\r\\n]*", "++[\\r\\n]*"].flatMap { others in
                        ["+|", "|"].map { ends in
                            "\(start)|[^\\r\\n\\p{L}\\p{N}]\(letters)\(number)| ?[^\\s\\p{L}\\p{N}]\(others)|\\s*[\\r\\n]\(ends)\\s+(?!\\S)|\\s+"
                        }
                    }
                }
            }
        }
        switch self {
        case .gpt2:
            return ["'s|'t|'re|'ve|'m|'ll|'d", "'(?:[sdmt]|ll|ve|re)"].map { "\($0)| ?\\p{L}+| ?\\p{N}+| ?[^\\s\\p{L}\\p{N}]+|\\s+(?!\\S)|\\s+" }
        case .llama3: return modern("\\p{N}{1,3}")
        case .qwen2: return modern("\\p{N}")
        }
    }

    init?(expression: String) {
        guard let found = Self.allCases.first(where: { $0.spellings.contains { $0.isExactly(expression) } }) else { return nil }
        self = found
    }
}

/// Splits well-formed text into words by a pattern, one after the other.
struct WordScanner {
    private let text: UnsafeRawBufferPointer
    private let pattern: WordPattern
    private let classes = CharacterClass.basicPlane

    init(_ text: UnsafeRawBufferPointer, _ pattern: WordPattern) { (self.text, self.pattern) = (text, pattern) }

    /// Where the word ends that begins at `start`, which is before the end of the text.
    func end(ofWordAt start: Int) -> Int {
        if text[start] == UInt8(ascii: "'"), let end = endOfContraction(start) { return end }
        return pattern == .gpt2 ? endOfClassic(start) : endOfModern(start)
    }

    // MARK: Classes

    /// The class of the code point at a place before the end, and where the next one begins.
    @inline(__always)
    private func look(_ place: Int) -> (kind: UInt8, next: Int) {
        let (value, length) = UTF8Text.scalar(text, at: place)
        return (value < 1 << 16 ? classes[Int(value)] : CharacterClass.computed(value), place + length)
    }

    /// The class at a place; nil at the end.
    private func kind(at place: Int) -> UInt8? { place < text.count ? look(place).kind : nil }

    /// The end of a run of one class, of at most `most` code points.
    @inline(__always)
    private func endOfRun(_ kind: UInt8, from start: Int, atMost most: Int = .max) -> Int {
        var (place, count) = (start, 0)
        while place < text.count, count < most, case let found = look(place), found.kind == kind { (place, count) = (found.next, count + 1) }
        return place
    }

    // MARK: Patterns

    /// 's 't 'm 'd 're 've 'll, of either case but in GPT-2's pattern; ſ (U+017F) is a small letter of S.
    private func endOfContraction(_ start: Int) -> Int? {
        func letter(_ distance: Int) -> UInt8 {
            guard start + distance < text.count else { return 0 }
            return pattern == .gpt2 ? text[start + distance] : text[start + distance] | 0x20
        }
        switch letter(1) {
        case UInt8(ascii: "s"), UInt8(ascii: "t"), UInt8(ascii: "m"), UInt8(ascii: "d"): return start + 2
        case UInt8(ascii: "r") where letter(2) == UInt8(ascii: "e"), UInt8(ascii: "v") where letter(2) == UInt8(ascii: "e"),
            UInt8(ascii: "l") where letter(2) == UInt8(ascii: "l"):
            return start + 3
        default: break
        }
        let isLongS = pattern != .gpt2 && start + 2 < text.count && text[start + 1] == 0xC5 && text[start + 2] == 0xBF
        return isLongS ? start + 3 : nil
    }

    private func endOfClassic(_ start: Int) -> Int {
        var (kind, place) = look(start)
        if text[start] == UInt8(ascii: " "), let next = self.kind(at: place), !isSpace(next) {
            (kind, place) = look(place)
        }
        return isSpace(kind) ? endOfSpace(start) : endOfRun(kind, from: place)
    }

    private func endOfModern(_ start: Int) -> Int {
        let (kind, next) = look(start)
        switch kind {
        case CharacterClass.letter: return endOfRun(kind, from: next)
        case CharacterClass.number: return pattern == .qwen2 ? next : endOfRun(kind, from: start, atMost: 3)
        default: break
        }
        let following = self.kind(at: next)
        if kind != CharacterClass.lineEnd, following == CharacterClass.letter { return endOfRun(CharacterClass.letter, from: next) }
        if kind == CharacterClass.other || (text[start] == UInt8(ascii: " ") && following == CharacterClass.other) {
            return endOfRun(CharacterClass.lineEnd, from: endOfRun(CharacterClass.other, from: next))
        }
        return endOfSpace(start)
    }

    private func isSpace(_ kind: UInt8) -> Bool { kind >= CharacterClass.space }

    /// White space belongs together but for its last code point, which goes to the word behind it. The modern patterns end it at its last line end,
    /// where it has one.
    private func endOfSpace(_ start: Int) -> Int {
        var (place, last) = (start, start)
        var lineEnd: Int?
        while place < text.count, case let (kind, next) = look(place), isSpace(kind) {
            (last, place) = (place, next)
            if kind == CharacterClass.lineEnd { lineEnd = next }
        }
        if pattern != .gpt2, let lineEnd { return lineEnd }
        return place == text.count || last == start ? place : last
    }

    // MARK: Cutting

    /// The last place, in well-formed text, before white space that follows a letter or a number: every pattern ends a word there.
    ///
    /// - Parameter isAllowed: whether nothing else speaks against a place.
    static func lastCut(in text: UnsafeRawBufferPointer, where isAllowed: (Int) -> Bool) -> Int? {
        let scanner = WordScanner(text, .gpt2)
        return text.indices.dropFirst().last { place in
            guard [0x20, 0x0A, 0x0D, 0x09].contains(text[place]) else { return false }
            let before = text[..<place].lastIndex { $0 & 0xC0 != 0x80 } ?? 0
            let kind = scanner.look(before).kind
            return (kind == CharacterClass.letter || kind == CharacterClass.number) && isAllowed(place)
        }
    }
}
