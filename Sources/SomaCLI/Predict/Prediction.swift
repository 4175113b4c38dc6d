import Soma
import SomaZoo

/// Tells the likeliest classes of pictures.
struct Prediction {
    private let predictor: Predictor
    private let checkpoint: String
    private let top: Int
    private let isJSON: Bool

    init(_ predictor: Predictor, checkpoint: String, top: Int, isJSON: Bool) {
        (self.predictor, self.checkpoint, self.isJSON) = (predictor, checkpoint, isJSON)
        self.top = min(top, predictor.classes.count)
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
            let probabilities = try predictor.probabilities(of: part.map(source.picture))
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
            let classes = order.map { place -> JSON in
                ["class": .string(predictor.classes[place]), "probability": JSON(probabilities[place])]
            }
            return try Console.print(
                JSON.object([
                    .init("file", .string(source.path)), .init("index", JSON(number)),
                    .init("class", classes[0]["class"] ?? .null), .init("top", .array(classes)),
                ]).description)
        }
        let classes = order.map { "\(Prose.clipped(predictor.classes[$0], to: TextTable.widestCell)) \(Quantity.fixed(100 * Double(probabilities[$0]), 1)) %" }
        try Console.print(Prose.printable("\(name): \(classes.joined(separator: ", "))"))
    }
}
