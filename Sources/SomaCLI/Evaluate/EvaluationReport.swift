import Soma
import SomaZoo

/// What an evaluation has found, for people, for programs, and as a picture.
struct EvaluationReport {
    private let matrix: ConfusionMatrix
    /// Samples that could not be read.
    private let leftOut: Int
    private let checkpoint: Checkpoint
    private let recipe: String
    private let origin: String
    private let device: String

    /// A matrix of more classes would be wider than a terminal.
    private static let widestTable = 15

    init(_ matrix: ConfusionMatrix, leftOut: Int, checkpoint: Checkpoint, recipe: String, origin: String, device: String) {
        (self.matrix, self.leftOut, self.checkpoint) = (matrix, leftOut, checkpoint)
        (self.recipe, self.origin, self.device) = (recipe, origin, device)
    }

    // MARK: Text

    var lines: [String] {
        let share = "\(Quantity.grouped(matrix.rightCount)) of \(Quantity.grouped(matrix.count))"
        let head = [
            "checkpoint  \(checkpoint.path): \(recipe)", "data        \(origin)",
            "accuracy    \(Quantity.fixed(matrix.accuracy, 4)) (\(share))",
        ] + (leftOut > 0 ? ["left out    \(Quantity.counted(leftOut, "sample")) that cannot be read"] : [])
        let top = matrix.topFiveAccuracy.map { ["top 5       \(Quantity.fixed($0, 4))"] } ?? []
        let isSmall = matrix.classes.count <= Self.widestTable
        return head + top + [""] + classLines + [""] + (isSmall ? matrixLines : confusionLines)
    }

    private var classLines: [String] {
        var table = TextTable(["class", "samples", "precision", "recall", "F1"], [.left, .right, .right, .right, .right])
        for label in matrix.classes.indices {
            let figures = [matrix.precision(label), matrix.recall(label), matrix.f1(label)].map { Quantity.fixed($0, 4) }
            table.add([matrix.classes[label], Quantity.grouped(matrix.support(label))] + figures)
        }
        let means = [matrix.mean(matrix.precision), matrix.mean(matrix.recall), matrix.mean(matrix.f1)].map { Quantity.fixed($0, 4) }
        table.add(["mean", Quantity.grouped(matrix.count)] + means)
        return table.lines
    }

    private var matrixLines: [String] {
        var table = TextTable(["class \\ told"] + matrix.classes, [.left] + matrix.classes.map { _ in .right })
        for (name, row) in zip(matrix.classes, matrix.counts) { table.add([name] + row.map { $0 == 0 ? "." : Quantity.grouped($0) }) }
        return table.lines
    }

    /// The mistakes made most often.
    private var confusionLines: [String] {
        let mistakes = matrix.counts.enumerated().flatMap { label, row in
            row.indices.filter { $0 != label && row[$0] > 0 }.map { (label: label, told: $0, count: row[$0]) }
        }
        guard !mistakes.isEmpty else { return ["no mistakes"] }
        let most = mistakes.sorted { ($1.count, $0.label, $0.told) < ($0.count, $1.label, $1.told) }.prefix(10)
        return ["the most frequent mistakes:"] + most.map {
            let (name, told) = (clipped(matrix.classes[$0.label]), clipped(matrix.classes[$0.told]))
            return Prose.printable("\(name) taken for \(told): \(Quantity.grouped($0.count))")
        }
    }

    private func clipped(_ name: String) -> String { Prose.clipped(name, to: TextTable.widestCell) }

    // MARK: JSON

    var json: JSON {
        let classes = matrix.classes.indices.map { label -> JSON in
            [
                "class": .string(matrix.classes[label]), "samples": JSON(matrix.support(label)), "precision": JSON(matrix.precision(label)),
                "recall": JSON(matrix.recall(label)), "f1": JSON(matrix.f1(label)),
            ]
        }
        return [
            "checkpoint": .string(checkpoint.path), "recipe": .string(recipe), "device": .string(device), "data": .string(origin),
            "samples": JSON(matrix.count), "left_out": JSON(leftOut), "accuracy": JSON(matrix.accuracy), "top5_accuracy": matrix.topFiveAccuracy.map { JSON($0) } ?? .null,
            "precision": JSON(matrix.mean(matrix.precision)), "recall": JSON(matrix.mean(matrix.recall)), "f1": JSON(matrix.mean(matrix.f1)),
            "classes": .array(classes), "confusion": .array(matrix.counts.map { .array($0.map { JSON($0) }) }),
        ]
    }

    // MARK: Picture

    /// The matrix with shares of each class's samples as colours, the first class on top.
    var chart: String {
        let count = Double(matrix.classes.count)
        let shares = matrix.counts.map { row in row.map { Double($0) / Double(max(1, row.reduce(0, +))) } }
        var map = SVGHeatMap(
            title: "\(recipe): accuracy \(Quantity.fixed(matrix.accuracy, 4))", xLabel: "taken for", yLabel: "class", xRange: 0...count,
            yRange: 0...count, rows: shares.reversed(), valueLabel: "share of the class's samples", valueRange: 0...1)
        map.palette = .sequential
        map.columnNames = matrix.classes
        map.rowNames = matrix.classes.reversed()
        map.texts = matrix.counts.reversed().map { row in row.map { $0 == 0 ? "" : Quantity.grouped($0) } }
        return map.svg
    }
}
