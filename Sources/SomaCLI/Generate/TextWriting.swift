import Soma
import SomaZoo

/// A trained language model that writes.
struct TextWriting {
    private let generator: TextGenerator
    private let tokenizer: any Tokenizer
    private let path: String
    private let members: [JSON.Member]

    /// - Throws: `SomaError` where the model takes texts and writes none.
    init(_ session: Session, _ saved: Checkpoint, temperature: Double?, topK: Int?, topP: Double?) throws {
        let (temperature, topP) = (temperature ?? 0.8, topP ?? 1)
        switch session.answer {
        case .token(let tokenizer): self.tokenizer = tokenizer
        case .classes, .number, .picture: throw SomaError("\(saved.path) writes no texts", hint: "soma predict tells what it makes of one")
        }
        guard let generator = session.textGenerator(temperature: temperature, topK: topK, topP: topP) else {
            throw SomaError("\(saved.path) is of no language model")
        }
        (self.generator, path) = (generator, saved.path)
        members = [
            .init("temperature", JSON(temperature)), .init("top_k", topK.map { JSON($0) } ?? .null), .init("top_p", JSON(topP)),
        ]
    }

    /// Writes `count` tokens that go on with `prompt`: to standard output as they come, to the file `output`, or as one object of JSON.
    /// - Parameter head: what the object begins with; nil for no JSON.
    /// - Throws: `SomaError` where the prompt has what the model never saw, the weights are not finite, or nothing can be written.
    func write(_ count: Int, after prompt: String, seed: UInt64, to output: String?, _ head: [JSON.Member]?) throws {
        let tokens = try tokenizer.encode(prompt, name: "--prompt")
        if let output { try OutputFile.check(output) }
        let isShown = output == nil && head == nil
        var (stream, text, started) = (TokenStream(tokenizer, leavingOutSpecial: true), "", ContinuousClock.now)
        func note(_ piece: String) throws {
            if isShown { try Console.write(Console.isTerminal ? Prose.harmless(piece) : piece) } else { text += piece }
        }
        if isShown || head == nil { try note(prompt) }
        started = .now
        try generator.draw(count, after: tokens, seed: seed) { try note(stream.append($0)) }
        try note(stream.finish())
        let seconds = (.now - started) / .seconds(1)
        if isShown { try Console.write("\n") }
        if let output { try AtomicFile.write(text + "\n", to: output) }
        let rate = Double(count) / max(seconds, 1e-9)
        guard let head else {
            let line = "\(Quantity.counted(count, "token")) in \(Quantity.duration(seconds)): \(Quantity.grouped(Int(rate))) tokens/s, seed \(seed)"
            if let output { return try Console.announce("wrote \(output): \(line)", to: output) }
            return Console.complain("soma: \(line)")
        }
        let result: [JSON.Member] = [
            .init("prompt", .string(prompt)), .init("text", .string(text)), .init("tokens", JSON(count)), .init("seed", .number(String(seed))),
        ]
        let file: [JSON.Member] = output.map { [.init("output", .string($0))] } ?? []
        let speed: [JSON.Member] = [.init("seconds", JSON(seconds)), .init("tokens_per_second", JSON(rate))]
        try Console.print(JSON.object(head + result + members + file + speed).description)
    }
}
