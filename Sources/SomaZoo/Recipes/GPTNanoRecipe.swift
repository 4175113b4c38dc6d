import Soma

/// A small GPT writes a text character by character.
public struct GPTNanoRecipe: LanguageRecipe {
    static let layers = Setting("layers", 4, "blocks of attention and a feed-forward part", in: 1...128)
    static let width = Setting("width", 256, "features of a place; the heads divide them", in: 1...16_384)
    static let heads = Setting("heads", 4, "heads of attention", in: 1...256)
    static let dropout = Setting("dropout", 0.0, "share of embeddings, weights of attention and additions dropped in training", in: 0...0.95)

    public let name = "gpt-nano"
    public let summary = "a small GPT learns to write a text, character by character"
    public let discussion = """
        Four blocks of causal attention with four heads (A. Vaswani and others, 2017), arranged as in GPT-2 (A. Radford and others, 2019), read 128 \
        characters and tell at each which one will follow. Nothing is carried from one stretch to the next: each place looks back at all those \
        before it, and all places are computed at once.

        Measures and samples are those of char-lstm. When it writes, keys and values of the text so far are kept, so that each character costs one \
        place.

          soma train gpt-nano --data books/
          soma generate runs/gpt-nano --prompt "ROMEO." --length 500 --temperature 0.8
        """
    public let defaultEpochs = 4

    static let training = LanguageSettings(batch: 16, length: 128, rate: 1e-3)
    static var own: [any AnySetting] { [layers, width, heads, dropout] }

    /// Settings and text come with the context of each run.
    public init() {}

    static func check(_ settings: Settings) throws {
        guard settings[width].isMultiple(of: settings[heads]) else {
            throw UsageError("\(settings[heads]) heads do not divide \(settings[width]) features (width=, heads=)")
        }
    }

    static func network(_ settings: Settings, vocabulary: Int) -> any LanguageModel {
        GPT(GPT.Configuration(
            vocabulary: vocabulary, context: settings[training.length], layers: settings[layers], heads: settings[heads], width: settings[width],
            dropout: settings[dropout]))
    }
}
