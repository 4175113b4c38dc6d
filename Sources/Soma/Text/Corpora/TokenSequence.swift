import Glibc
import SomaBackend
import SomaGraph

/// The tokens of a text, packed in two bytes each where the vocabulary allows, in memory or in a file.
///
/// ```swift
/// let tokens = try TokenSequence(of: TextFiles(path: "books"), tokenizer, cache: "books.tokens")
/// let (training, heldOut) = tokens.split(heldOut: 0.1)
/// let data = try TextWindows(training, length: 256)
/// ```
public struct TokenSequence: Sendable {
    /// The number of tokens.
    public let count: Int
    /// How many ids there are.
    public let vocabularyCount: Int
    /// What messages call it.
    let name: String
    private let source: ByteSource
    private let width: Int
    /// Where the first token lies among those of the source.
    private let first: Int

    /// - Parameter source: `count` tokens of `width` bytes, little-endian.
    init(_ source: ByteSource, width: Int, first: Int = 0, count: Int, vocabularyCount: Int, name: String) {
        (self.source, self.width, self.first, self.count) = (source, width, first, count)
        (self.vocabularyCount, self.name) = (vocabularyCount, name)
    }

    /// The tokens of a text.
    /// - Throws: `SomaError` where the text is empty, or has what the tokenizer cannot tell, with the place.
    public init(of text: String, _ tokenizer: some Tokenizer, name: String = "the text") throws {
        let buffer = TokenBuffer(vocabularyCount: tokenizer.vocabularyCount)
        try buffer.append(tokenizer.encode(text, name: name))
        self = try buffer.sequence(name: name)
    }

    /// The tokens of text files.
    /// - Parameters:
    ///   - separator: a token to put behind each file, such as that of the end of a text; nil: none.
    ///   - cache: the path of a file in which the tokens are kept, and read from instead of from memory. Where it is there already and the files and
    ///     the tokenizer are as they were, nothing is encoded. Nil: tokens are kept in memory.
    /// - Throws: `SomaError` naming the file that cannot be read, is empty, or has what the tokenizer cannot tell, with the line; where there is no
    ///   memory for the tokens; where the cache cannot be written or is a file of another kind.
    public init(of files: TextFiles, _ tokenizer: some Tokenizer, separator: Int32? = nil, cache: String? = nil) throws {
        if let separator, !(0..<tokenizer.vocabularyCount).contains(Int(separator)) { throw tokenizer.unknown(separator, at: nil) }
        let name = files.paths.count == 1 ? files.paths[0].pathText : "the text of \(files.count) files"
        func encode(_ take: ([Int32]) throws -> Void) throws {
            var tokens: [Int32] = []
            try files.forEachPart(cutting: tokenizer.lastCut) { part in
                tokens.removeAll(keepingCapacity: true)
                try tokenizer.encode(part, into: &tokens)
                try take(tokens)
            } end: {
                if let separator { try take([separator]) }
            }
        }
        if let cache {
            self = try TokenCache(files, tokenizer, separator: separator, path: cache).sequence(name: name, encode)
        } else {
            let buffer = TokenBuffer(vocabularyCount: tokenizer.vocabularyCount)
            try encode(buffer.append)
            self = try buffer.sequence(name: name)
        }
    }

    /// The first part and the rest, of which the second holds the given share of the tokens, rounded.
    ///
    /// Nothing is drawn at random: what stands near one another in a text is alike, and the rest is to be new.
    public func split(heldOut share: Double, file: StaticString = #fileID, line: UInt = #line) -> (training: TokenSequence, heldOut: TokenSequence) {
        guard (0...1).contains(share) else { programError("split", "\(share) is not a share", file: file, line: line) }
        let boundary = count - Int((Double(count) * share).rounded())
        return (self[0..<boundary], self[boundary..<count])
    }

    /// A part of the tokens.
    public subscript(range: Range<Int>) -> TokenSequence {
        guard range.lowerBound >= 0, range.upperBound <= count else {
            programError("TokenSequence", "there are \(count) tokens, and not those of \(range)")
        }
        return TokenSequence(source, width: width, first: first + range.lowerBound, count: range.count, vocabularyCount: vocabularyCount, name: name)
    }

    /// Copies the tokens from `start` on, as many as there is room for.
    /// - Throws: `SomaError` where the file that keeps them cannot be read, or has one that is none of the vocabulary.
    public func read(from start: Int, into tokens: UnsafeMutableBufferPointer<Int32>) throws {
        guard start >= 0, tokens.count <= count - start else {
            programError("TokenSequence", "there are \(count) tokens, and not \(tokens.count) from \(start) on")
        }
        try source.withBytes((first + start) * width..<(first + start + tokens.count) * width) { bytes in
            for place in 0..<tokens.count {
                tokens[place] =
                    width == 2
                    ? Int32(UInt16(littleEndian: bytes.loadUnaligned(fromByteOffset: place * 2, as: UInt16.self)))
                    : Int32(littleEndian: bytes.loadUnaligned(fromByteOffset: place * 4, as: Int32.self))
                guard tokens[place] >= 0, Int(tokens[place]) < vocabularyCount else {
                    throw SomaError(
                        "the tokens of \(name) are broken: \(tokens[place]) is none of the vocabulary of \(vocabularyCount)",
                        hint: "remove the file that keeps them")
                }
            }
        }
    }

    /// All tokens, in memory.
    /// - Throws: as `read`.
    public func tokens() throws -> [Int32] {
        try [Int32](unsafeUninitializedCapacity: count) { buffer, filled in
            try read(from: 0, into: UnsafeMutableBufferPointer(rebasing: buffer[..<count]))
            filled = count
        }
    }

    static func width(vocabularyCount: Int) -> Int { vocabularyCount <= 1 << 16 ? 2 : 4 }
}

/// Tokens in memory that grows.
final class TokenBuffer {
    private let vocabularyCount: Int
    private let width: Int
    private var bytes: UnsafeMutableRawPointer?
    private var (capacity, byteCount) = (0, 0)

    init(vocabularyCount: Int) { (self.vocabularyCount, width) = (vocabularyCount, TokenSequence.width(vocabularyCount: vocabularyCount)) }

    deinit { free(bytes) }

    /// - Throws: `SomaError` where there is no memory for them.
    func append(_ tokens: [Int32]) throws {
        let own = TokenBytes(tokens, width: width)
        if byteCount + own.count > capacity { try grow(to: max(byteCount + own.count, 2 * capacity)) }
        own.withUnsafeBytes { source in
            if let bytes, let start = source.baseAddress { (bytes + byteCount).copyMemory(from: start, byteCount: source.count) }
        }
        byteCount += own.count
    }

    private func grow(to wanted: Int) throws {
        // The system promises more than it has, and ends the process that takes it.
        guard wanted - capacity <= max(HostMemory.available, 1 << 24), let larger = realloc(bytes, wanted) else {
            throw SomaError("no memory for a text of more than \(byteCount / width) tokens", hint: "keep them in a file: `cache`")
        }
        (bytes, capacity) = (larger, wanted)
    }

    /// Hands over what there is.
    /// - Throws: `SomaError` where that is nothing.
    func sequence(name: String) throws -> TokenSequence {
        guard byteCount > 0, let bytes else { throw SomaError("\(name) is empty") }
        let region = ByteRegion(UnsafeRawBufferPointer(start: bytes, count: byteCount)) { free(UnsafeMutableRawPointer(mutating: $0.baseAddress)) }
        self.bytes = nil
        return TokenSequence(ByteSource(region), width: width, count: byteCount / width, vocabularyCount: vocabularyCount, name: name)
    }
}

/// Tokens as bytes, little-endian.
struct TokenBytes {
    private let narrow: [UInt16]
    private let wide: [Int32]

    init(_ tokens: [Int32], width: Int) {
        narrow = width == 2 ? tokens.map { UInt16(truncatingIfNeeded: $0).littleEndian } : []
        wide = width == 2 ? [] : tokens.map(\.littleEndian)
    }

    var count: Int { narrow.count * 2 + wide.count * 4 }

    func withUnsafeBytes<R>(_ body: (UnsafeRawBufferPointer) throws -> R) rethrows -> R {
        try wide.isEmpty ? narrow.withUnsafeBytes(body) : wide.withUnsafeBytes(body)
    }
}
