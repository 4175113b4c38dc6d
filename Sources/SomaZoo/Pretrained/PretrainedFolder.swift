import Soma

/// A folder with a model of `transformers`: `config.json`, weights as safetensors in one file or in several, and a tokenizer.
///
/// ```swift
/// let folder = try PretrainedFolder(path: "gpt2")
/// let (network, tokenizer) = (try folder.network(), try folder.tokenizer())
/// let logits = network(Tensor([try tokenizer.encode("To be, or not")]))
/// ```
public struct PretrainedFolder: Sendable {
    /// The folder, for messages.
    public let path: String
    /// What `config.json` describes.
    public let configuration: PretrainedConfiguration
    /// The weights, by the names of the files.
    public let weights: WeightFolder

    /// Reads `config.json` and the headers of the weights.
    /// - Throws: `SomaError` naming the file that is missing or broken, and what of the configuration is not computed here.
    public init(path: String) throws {
        configuration = try PretrainedConfiguration(path: "\(path)/config.json")
        weights = try WeightFolder(path: path)
        self.path = path
    }

    /// The network with its weights, which become `float32`, on the current device. It predicts as `transformers` does with the same numbers.
    /// - Throws: `SomaError` that names a tensor that is missing, too many or of another shape; `BackendError`.
    public func network() throws -> any TransformerModel {
        switch configuration {
        case .gpt(let configuration):
            let network = withoutInitialization { GPT(configuration) }
            try weights.restore(network, renaming: Self.gptNames(isTied: configuration.isTied), transposing: Self.isTransposedInGPT)
            return network
        case .llama(let configuration):
            let network = withoutInitialization { Llama(configuration) }
            try weights.restore(network, renaming: Self.llamaNames(isTied: configuration.isTied))
            return network
        }
    }

    /// The tokenizer that lies beside the weights.
    /// - Throws: `SomaError` where there is none, it is of a kind that is not read here, or it has more tokens than the network.
    public func tokenizer() throws -> any Tokenizer {
        let tokenizer = try TokenizerFile.read(path)
        let vocabulary =
            switch configuration {
            case .gpt(let configuration): configuration.vocabulary
            case .llama(let configuration): configuration.vocabulary
            }
        guard tokenizer.vocabularyCount <= vocabulary else {
            throw SomaError("the tokenizer of \(path) has \(tokenizer.vocabularyCount) tokens, the network \(vocabulary)")
        }
        return tokenizer
    }

    /// Names begin with `transformer.` or do not; masks that old files keep are no weights.
    private static func gptNames(isTied: Bool) -> (String) -> String? {
        let withoutPrefix = Checkpoint.withoutPrefix("transformer.")
        return { name in
            if name.hasSuffix(".attn.bias") || name.hasSuffix(".attn.masked_bias") || isTied && name.isExactly("lm_head.weight") { return nil }
            return withoutPrefix(name)
        }
    }

    /// Its affine maps within blocks are kept as [inputs, outputs].
    private static func isTransposedInGPT(_ name: String) -> Bool {
        ["c_attn.weight", "c_proj.weight", "c_fc.weight"].contains { name.hasSuffix($0) }
    }

    /// Names begin with `model.`, but where the body was saved by itself; angles that old files keep are no weights.
    private static func llamaNames(isTied: Bool) -> (String) -> String? {
        { name in
            if name.hasSuffix("rotary_emb.inv_freq") || isTied && name.isExactly("lm_head.weight") { return nil }
            return name.beginsExactly(with: "model.") || name.beginsExactly(with: "lm_head.") ? name : "model.\(name)"
        }
    }
}
