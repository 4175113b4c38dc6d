import Soma
import SomaZoo

/// A GPT of random weights that writes: each token is drawn, and read by the host, before the next.
enum GenerationWorkload {
    /// Tokens of a call.
    static let count = 64

    static func prepared(_ device: Device, _ configuration: GPT.Configuration) throws -> PreparedWork {
        let (model, tokenizer) = (GPT(configuration), try CharacterTokenizer(learningFrom: "\n"))
        let generator = TextGenerator(model, tokenizer: tokenizer, temperature: 0.8, device: device)
        // Of the table of places one row is read for each token.
        let weights = Double(model.parameters.reduce(0) { $0 + $1.shape.count } - configuration.context * configuration.width)
        let work = Work(operations: 2 * weights * Double(count), bytesRead: 4 * weights * Double(count))
        return PreparedWork(call: { try generator.draw(count, after: [1], seed: 1) { _ in } }, work: { work })
    }
}

extension Workload {
    static let generateGPT = generation("generate_gpt", "a GPT of 4 blocks of 256 features, 4 heads") {
        .init(vocabulary: 64, context: 128, layers: 4, heads: 4, width: 256, isTied: false)
    }

    static let generateGPT2 = generation("generate_gpt2", "GPT-2 of 124 million parameters", isLarge: true) { .gpt2 }

    private static func generation(
        _ name: String, _ what: String, isLarge: Bool = false, _ configuration: @escaping @Sendable () -> GPT.Configuration
    ) -> Workload {
        Workload(
            name, .rate(Double(GenerationWorkload.count), "tokens/s"), "text of \(what), token by token with keys and values kept", isLarge: isLarge
        ) { device in
            try withDevice(device) { try GenerationWorkload.prepared(device, configuration()) }
        }
    }
}
