import Soma
import SomaZoo

/// What an evaluation has found, for people, for programs, and as a picture.
struct EvaluationReport {
    private let evaluation: Evaluation
    private let checkpoint: Checkpoint
    private let recipe: String
    private let origin: String
    private let device: String

    init(_ evaluation: Evaluation, checkpoint: Checkpoint, recipe: String, origin: String, device: String) {
        (self.evaluation, self.checkpoint, self.recipe, self.origin, self.device) = (evaluation, checkpoint, recipe, origin, device)
    }

    // MARK: Text

    var lines: [String] {
        let head = [("checkpoint", "\(checkpoint.path): \(recipe)"), ("data", origin)]
        let figures = evaluation.report.figures.map { figure in
            (figure.title, figure.text + (figure.remark.map { " (\($0))" } ?? ""))
        }
        let leftOut = evaluation.leftOutCount > 0 ? [("left out", "\(Quantity.counted(evaluation.leftOutCount, "sample")) that cannot be read")] : []
        let all = head + figures + leftOut
        let width = (all.map(\.0.count).max() ?? 0) + 2
        return all.map { TextTable.padded($0.0, to: width, .left) + $0.1 } + evaluation.report.tables.flatMap { [""] + $0.lines(width: nil) }
    }

    // MARK: JSON

    var json: JSON {
        JSON.object(
            [
                .init("checkpoint", .string(checkpoint.path)), .init("recipe", .string(recipe)), .init("device", .string(device)),
                .init("data", .string(origin)), .init("samples", JSON(evaluation.sampleCount)), .init("left_out", JSON(evaluation.leftOutCount)),
            ] + evaluation.report.figures.map { .init($0.name, JSON($0.value)) } + evaluation.report.members)
    }

    // MARK: Picture

    /// The picture that the report has.
    /// - Throws: `SomaError` where it has none.
    func chart() throws -> String {
        guard let picture = evaluation.report.pictures.first else {
            throw SomaError("--chart: an evaluation of \(recipe) has no picture")
        }
        return picture.svg
    }
}

extension Table {
    /// The lines of the table, its title first where it has one.
    func lines(width: Int?) -> [String] {
        var text = TextTable(columns, columns.indices.map { $0 < wordColumnCount ? .left : .right })
        rows.forEach { text.add($0) }
        return (title.isEmpty ? [] : [title]) + (rows.isEmpty && !title.isEmpty ? [] : text.lines(width: width))
    }
}
