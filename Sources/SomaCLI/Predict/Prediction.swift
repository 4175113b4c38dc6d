import Soma
import SomaZoo

/// Tells the likeliest classes of pictures.
struct Prediction {
    private let session: Session
    private let classes: [String]
    private let checkpoint: String
    private let top: Int
    private let isJSON: Bool

    /// - Throws: `SomaError` where the model answers by something else than classes.
    init(_ session: Session, checkpoint: String, top: Int, isJSON: Bool) throws {
        switch session.answer {
        case .classes(let names): classes = names
        case .number, .picture, .token: throw SomaError("\(checkpoint) tells no classes of pictures")
        }
        (self.session, self.checkpoint, self.isJSON) = (session, checkpoint, isJSON)
        self.top = min(top, classes.count)
    }

    /// - Parameter index: the picture to tell of; nil for all.
    func tell(_ source: PictureSource, _ index: Int?) throws {
        if let index, index >= source.count {
            throw SomaError("\(source.path) has \(source.count) pictures; the last is --index \(source.count - 1)")
        }
        let numbers = index.map { $0..<$0 + 1 } ?? 0..<source.count
        // Bounded, so that a file of any size takes little memory.
        for start in stride(from: numbers.lowerBound, to: numbers.upperBound, by: 1000) {
            let part = Array(start..<min(start + 1000, numbers.upperBound))
            let probabilities = try session.answers(to: part.map(source.picture))
            for (number, row) in zip(part, probabilities) { try tell(source, number, row) }
        }
    }

    private func tell(_ source: PictureSource, _ number: Int, _ probabilities: [Float]) throws {
        let name = source.isSingle ? source.path : "\(source.path)[\(number)]"
        guard probabilities.allSatisfy(\.isFinite) else {
            throw SomaError("\(checkpoint) has no answer to \(name): its weights give NaN or an infinity")
        }
        let order = probabilities.indices.sorted { (probabilities[$1], $0) < (probabilities[$0], $1) }.prefix(top)
        if isJSON {
            let members = order.map { place -> JSON in
                ["class": .string(classes[place]), "probability": JSON(probabilities[place])]
            }
            return try Console.print(
                JSON.object([
                    .init("file", .string(source.path)), .init("index", JSON(number)),
                    .init("class", members[0]["class"] ?? .null), .init("top", .array(members)),
                ]).description)
        }
        let texts = order.map { "\(Prose.clipped(classes[$0], to: TextTable.widestCell)) \(Quantity.fixed(100 * Double(probabilities[$0]), 1)) %" }
        try Console.print(Prose.printable("\(name): \(texts.joined(separator: ", "))"))
    }
}
