import Soma

/// An LSTM writes a text character by character.
public struct CharLSTMRecipe: LanguageRecipe {
    static let (units, layers, dropout) = RecurrentSettings.all

    public let name = "char-lstm"
    public let summary = "an LSTM learns to write a text, character by character"
    public let discussion = """
        Two layers of 256 units of long short-term memory (S. Hochreiter and J. Schmidhuber, 1997) read a text and tell at each character which one \
        will follow (A. Graves, 2013; A. Karpathy, 2015). They read 32 stretches of the text side by side, carry their state from batch to batch, \
        and learn by backpropagation through the last 64 characters.

        Measured are the mean loss of a character of the text's last tenth in nats, its exponential, the perplexity, and bits for a character. The \
        folder samples gets a text by the same random numbers after every epoch.

          soma train char-lstm --data books/
          soma generate runs/char-lstm --prompt "ROMEO." --length 500 --temperature 0.8
          soma evaluate runs/char-lstm --data another.txt
        """
    public let defaultEpochs = 6

    static let training = RecurrentSettings.training
    static var own: [any AnySetting] { [units, layers, dropout] }

    /// Settings and text come with the context of each run.
    public init() {}

    static func network(_ settings: Settings, vocabulary: Int) -> any LanguageModel {
        RecurrentLanguageModel(
            .lstm, vocabularyCount: vocabulary, units: settings[units], layers: settings[layers], dropout: settings[dropout])
    }
}

/// Gated recurrent units write a text character by character.
public struct CharGRURecipe: LanguageRecipe {
    static let (units, layers, dropout) = RecurrentSettings.all

    public let name = "char-gru"
    public let summary = "gated recurrent units learn to write a text, character by character"
    public let discussion = """
        The same as char-lstm with gated recurrent units (K. Cho and others, 2014), which have two gates in place of three and no cell beside what \
        they give: three quarters of the weights. Data, training and measures are those of char-lstm, so that the two can be compared \
        (J. Chung, Ç. Gülçehre, K. Cho and Y. Bengio, 2014).

          soma train char-gru --data books/
          soma generate runs/char-gru --prompt "ROMEO." --length 500 --temperature 0.8
        """
    public let defaultEpochs = 6

    static let training = RecurrentSettings.training
    static var own: [any AnySetting] { [units, layers, dropout] }

    /// Settings and text come with the context of each run.
    public init() {}

    static func network(_ settings: Settings, vocabulary: Int) -> any LanguageModel {
        RecurrentLanguageModel(
            .gru, vocabularyCount: vocabulary, units: settings[units], layers: settings[layers], dropout: settings[dropout])
    }
}

/// What can be set of recurrent language models.
private enum RecurrentSettings {
    static let all = (
        units: Setting("units", 256, "units of each recurrent layer, and features of a token's vector", in: 1...16_384),
        layers: Setting("layers", 2, "recurrent layers on one another", in: 1...32),
        dropout: Setting("dropout", 0.0, "share of the outputs between two layers dropped in training", in: 0...0.95)
    )
    static let training = LanguageSettings(batch: 32, length: 64, rate: 2e-3)
}
