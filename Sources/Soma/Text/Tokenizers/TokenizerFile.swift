import Glibc

/// Files that hold tokenizers, told apart by what is in them.
public enum TokenizerFile {
    /// Larger files are refused: a vocabulary of a quarter of a million tokens takes 20 MB.
    static let mostBytes = 1 << 26

    static let whatIsRead = "byte-level BPE is read, as GPT-2, Llama 3 and Qwen 2 have it"

    /// Reads a `tokenizer.json`, or a folder that has one or `vocab.json` and `merges.txt`.
    /// - Throws: `SomaError` naming the file where it is missing, broken, or of a kind that is not read here, which it names.
    public static func read(_ path: String) throws -> any Tokenizer {
        let folder = PathText.withoutLastSlash(path)
        guard let status = FolderEntry.status(Array(path.utf8)), status.st_mode & S_IFMT == S_IFDIR else {
            return try parse(SmallFile.read(path, limit: mostBytes), name: path)
        }
        func isThere(_ name: String) -> Bool { FolderEntry.status(Array("\(folder)/\(name)".utf8)) != nil }
        if isThere("tokenizer.json") { return try read("\(folder)/tokenizer.json") }
        guard isThere("vocab.json"), isThere("merges.txt") else {
            throw SomaError("the folder \(path) has no tokenizer", hint: "it would be tokenizer.json, or vocab.json and merges.txt")
        }
        let (vocabulary, merges) = ("\(folder)/vocab.json", "\(folder)/merges.txt")
        let tokenizer = try BytePairTokenizer(vocabulary: vocabulary, merges: merges)
        // That of GPT-2, which these files do not tell.
        guard tokenizer.table.id(of: Array(endOfText.utf8)) != nil else { return tokenizer }
        return try BytePairTokenizer(vocabulary: vocabulary, merges: merges, specialTokens: [endOfText])
    }

    private static let endOfText = "<|endoftext|>"

    /// Makes the tokenizer of a JSON text, such as a checkpoint keeps.
    /// - Parameter name: what an error calls the text.
    /// - Throws: `SomaError` as `read`.
    public static func parse(_ json: String, name: String = "the tokenizer") throws -> any Tokenizer { try parse(Array(json.utf8), name: name) }

    private static func parse(_ bytes: [UInt8], name: String) throws -> any Tokenizer {
        let json = try parsed(bytes, name: name)
        guard let model = json["model"], model.members != nil else {
            let isVocabulary = json.members.map { !$0.isEmpty && $0.allSatisfy { $0.value.integer != nil } } ?? false
            let advice = "it is a vocabulary: merges.txt belongs to it, and the folder of both is read"
            throw SomaError("\(name) is no tokenizer: it has no model", hint: isVocabulary ? advice : nil)
        }
        switch model["type"]?.string ?? (model["merges"] == nil ? "" : "BPE") {
        case "BPE": return try BytePairTokenizer(json, name: name)
        case "Characters": return try CharacterTokenizer(model, name: name)
        case "Bytes": return ByteTokenizer()
        case "Unigram": throw SomaError("\(name) is a SentencePiece tokenizer (Unigram)", hint: whatIsRead)
        case let kind:
            throw SomaError("\(name) is \(kind.isEmpty ? "of no kind that is known" : "a tokenizer of another kind, \(kind)")", hint: whatIsRead)
        }
    }

    static func parsed(_ bytes: [UInt8], name: String) throws -> JSON {
        do { return try JSON(edited: bytes) } catch let error as SomaError {
            if let kind = bytes.withUnsafeBytes({ FileKind($0, otherThan: FileKind.json) }) { throw kind.error(name, "is not a tokenizer") }
            if isRanks(bytes) {
                throw SomaError("\(name) is a list of tokens as tiktoken has it", hint: "name the tokenizer.json of the model, which has the same")
            }
            throw SomaError("\(name) is no tokenizer: \(error.message)")
        }
    }

    /// Whether a text begins with a token in base 64, a space and its number.
    private static func isRanks(_ bytes: [UInt8]) -> Bool {
        let parts = bytes.prefix { $0 != UInt8(ascii: "\n") }.prefix(200).split(separator: UInt8(ascii: " "))
        guard parts.count == 2, parts[1].allSatisfy({ (0x30...0x39).contains($0) }) else { return false }
        return parts[0].count % 4 == 0 && parts[0].allSatisfy { Unicode.Scalar($0).properties.isAlphabetic || "0123456789+/=".utf8.contains($0) }
    }
}
