import Soma
import SomaZoo

/// Tells the likeliest classes of texts.
struct TextPrediction {
    private let session: Session
    private let input: TextInput
    private let classes: [String]
    private let checkpoint: String
    private let top: Int
    private let isJSON: Bool

    /// Larger files are refused.
    private static let mostBytes = 1 << 28

    /// A text, and what it is called: the file and its line, from 1.
    private struct Entry {
        let file: String?
        let line: Int
        let text: String
        var name: String { file.map { "\($0):\(line)" } ?? "--text" }
    }

    /// - Throws: `UsageError` where the model goes on with texts; `SomaError` where it tells no classes.
    init(_ session: Session, _ input: TextInput, checkpoint: String, top: Int, isJSON: Bool) throws {
        switch session.answer {
        case .classes(let names): classes = names
        case .token: throw UsageError("\(checkpoint) goes on with texts: soma generate does it, and soma evaluate measures it")
        case .number, .picture: throw SomaError("\(checkpoint) tells no classes of texts")
        }
        (self.session, self.input, self.checkpoint, self.isJSON) = (session, input, checkpoint, isJSON)
        self.top = min(top, classes.count)
    }

    /// - Parameters:
    ///   - texts: by themselves.
    ///   - files: of which each line that is not empty is a text.
    ///   - index: the number of one text of each file, from 0; nil for all.
    /// - Throws: `SomaError` naming the file that cannot be read or is not UTF-8, or the text that cannot be told in tokens.
    func tell(_ text: String?, _ files: [String], _ index: Int?) throws {
        // All files are read before anything is told, so that a broken one does not pass unnoticed among many lines.
        let entries = try (text.map { [Entry(file: nil, line: 1, text: $0)] } ?? []) + files.flatMap { try Self.entries($0, index) }
        for start in stride(from: 0, to: entries.count, by: 100) {
            let part = entries[start..<min(start + 100, entries.count)]
            let answers = try session.answers(to: part.map { try input.sample(of: $0.text, name: $0.name) })
            for (entry, answer) in zip(part, answers) { try tell(entry, answer) }
        }
    }

    private static func entries(_ path: String, _ index: Int?) throws -> [Entry] {
        let bytes = try SmallFile.read(path, limit: mostBytes)
        guard let text = String(validating: bytes, as: UTF8.self) else { throw SomaError("\(path) is not a text in UTF-8") }
        let lines = text.split(omittingEmptySubsequences: false, whereSeparator: \.isNewline)
        let entries = lines.enumerated().filter { !$1.allSatisfy(\.isWhitespace) }.map { Entry(file: path, line: $0 + 1, text: String($1)) }
        guard !entries.isEmpty else { throw SomaError("\(path) is empty") }
        guard let index else { return entries }
        guard index < entries.count else {
            throw SomaError("\(path) has \(Quantity.counted(entries.count, "text")); the last is --index \(entries.count - 1)")
        }
        return [entries[index]]
    }

    private func tell(_ entry: Entry, _ probabilities: [Float]) throws {
        guard probabilities.allSatisfy(\.isFinite) else {
            throw SomaError("\(checkpoint) has no answer to \(entry.name): its weights give NaN or an infinity")
        }
        let order = probabilities.indices.sorted { (probabilities[$1], $0) < (probabilities[$0], $1) }.prefix(top)
        if isJSON {
            let members = order.map { place -> JSON in ["class": .string(classes[place]), "probability": JSON(probabilities[place])] }
            return try Console.print(
                JSON.object([
                    .init("file", entry.file.map { .string($0) } ?? .null), .init("line", JSON(entry.line)), .init("text", .string(entry.text)),
                    .init("class", members[0]["class"] ?? .null), .init("top", .array(members)),
                ]).description)
        }
        let texts = order.map { "\(Prose.clipped(classes[$0], to: TextTable.widestCell)) \(Quantity.fixed(100 * Double(probabilities[$0]), 1)) %" }
        try Console.print(Prose.printable("\(entry.name): \(texts.joined(separator: ", "))"))
    }
}
