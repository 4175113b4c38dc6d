import Soma

/// What the tokens of a text are.
enum TokenKind: String, SettingChoice {
    case characters, bytes
}

/// The text that a run is about as tokens: its first part to train on, and the rest, which is held out.
struct LanguageText {
    let tokenizer: any Tokenizer
    let training: TokenSequence
    let heldOut: TokenSequence
    let files: TextFiles?

    /// The metadata of checkpoints that have the tokenizer.
    static let tokenizerKey = "tokenizer"

    static let need = DataNeed.file(
        "a text in UTF-8, or a folder of texts (\(TextFiles.endings.map { ".\($0)" }.joined(separator: ", ")))",
        embedded: "three plays by Shakespeare, 419,127 characters")

    /// - Parameter path: a file or folder; nil: the plays that the program holds.
    /// - Throws: `SomaError` naming the file and what is wrong with it.
    init(_ path: String?, _ kind: TokenKind, heldOut share: Double) throws {
        let files = try path.map { try TextFiles(path: $0) }
        if let files, files.byteCount == 0 { throw SomaError("\(files.path) is empty: there is no text to train on") }
        switch kind {
        case .characters: tokenizer = try files.map { try CharacterTokenizer(learningFrom: $0) } ?? CharacterTokenizer(learningFrom: Shakespeare.text)
        case .bytes: tokenizer = ByteTokenizer()
        }
        self.files = files
        (training, heldOut) = try Self.tokens(files, tokenizer).split(heldOut: share)
    }

    static func tokens(_ files: TextFiles?, _ tokenizer: any Tokenizer) throws -> TokenSequence {
        try files.map { try TokenSequence(of: $0, tokenizer) } ?? TokenSequence(of: Shakespeare.text, tokenizer, name: "the embedded text")
    }

    /// What checkpoints say of the text.
    /// - Throws: `SomaError` or `UsageError` where the run would go on with another.
    func metadata(_ context: RecipeContext) throws -> [String: String] {
        try context.metadata(of: files, isEither: true).merging([Self.tokenizerKey: tokenizer.json]) { own, _ in own }
    }

    /// The tokenizer that a checkpoint keeps.
    /// - Throws: `SomaError` where it keeps none.
    static func tokenizer(of checkpoint: Checkpoint) throws -> any Tokenizer {
        guard let json = checkpoint.metadata[tokenizerKey] else { throw SomaError("\(checkpoint.path) does not say its \(tokenizerKey)") }
        return try TokenizerFile.parse(json, name: "the tokenizer of \(checkpoint.path)")
    }

    // MARK: Reading on

    /// The numbers of streams by which a text may be read on, the state carried through each.
    static let streamCounts = [1, 32]

    /// A text to measure by: in many streams where these are long, and else in one.
    /// - Parameter length: of a sample, or less where the text is shorter.
    /// - Throws: `SomaError` where there are not two tokens.
    static func streams(_ tokens: TokenSequence, length: Int) throws -> TextStreams {
        let count = streamCounts.last { tokens.count >= $0 * 4 * length } ?? 1
        return try TextStreams(tokens, length: max(1, min(length, tokens.count / count - 1)), streams: count)
    }
}
