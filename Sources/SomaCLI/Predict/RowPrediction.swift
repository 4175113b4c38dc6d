import Soma
import SomaZoo

/// Tells of rows of tables what a model makes of them.
struct RowPrediction {
    private let session: Session
    private let preparation: TablePreparation
    private let checkpoint: String
    private let top: Int
    private let isJSON: Bool

    init(_ session: Session, _ preparation: TablePreparation, checkpoint: String, top: Int, isJSON: Bool) {
        (self.session, self.preparation, self.checkpoint, self.top, self.isJSON) = (session, preparation, checkpoint, top, isJSON)
    }

    /// - Parameters:
    ///   - index: the row to tell of; nil for all.
    ///   - output: the CSV file to write in place of lines.
    /// - Throws: `UsageError` where one output is asked for of several files; `SomaError` naming the file and what is wrong in it.
    func tell(_ files: [String], _ index: Int?, to output: String?) throws {
        if output != nil && files.count > 1 { throw UsageError("--output takes the rows of one file, and \(files.count) are named") }
        // All files are read before anything is told, so that a broken one does not pass unnoticed among many lines.
        let tables = try files.map { try DataTable(path: $0) }
        for table in tables { try tell(table, index, to: output) }
    }

    private func tell(_ table: DataTable, _ index: Int?, to output: String?) throws {
        if let index, index >= table.rowCount {
            throw SomaError("\(table.path) has \(Quantity.counted(table.rowCount, "row")); the last is --index \(table.rowCount - 1)")
        }
        let rows = try TableDataSet(table, rows: index.map { [$0] } ?? Array(0..<table.rowCount), preparation, hasTarget: false)
        for remark in rows.remarks { Console.complain("soma: \(remark)") }
        let answers = try session.answers(to: rows)
        if let place = answers.firstIndex(where: { !$0.allSatisfy(\.isFinite) }) {
            throw SomaError("\(checkpoint) has no answer to row \(rows.rows[place]) of \(table.path): its weights give NaN or an infinity")
        }
        if let output { return try write(table, rows, answers, to: output) }
        for (row, answer) in zip(rows.rows, answers) { try tell(table, row, answer) }
    }

    /// The classes with their probabilities, the likeliest first; nil where the model answers by a number.
    private func classes(_ answer: [Float]) -> [(name: String, probability: Float)]? {
        switch session.answer {
        case .classes(let names):
            answer.indices.sorted { (answer[$1], $0) < (answer[$0], $1) }.map { (names[$0], answer[$0]) }
        case .number, .picture, .token: nil
        }
    }

    private func number(_ answer: [Float]) -> Double {
        switch session.answer {
        case .number(_, let scale): scale.restored(answer[0])
        case .classes, .picture, .token: .nan
        }
    }

    private func tell(_ table: DataTable, _ row: Int, _ answer: [Float]) throws {
        let place: [JSON.Member] = [.init("file", .string(table.path)), .init("index", JSON(row))]
        guard let classes = classes(answer)?.prefix(top) else {
            let number = number(answer)
            if isJSON { return try Console.print(JSON.object(place + [.init(preparation.targetName, JSON(number))]).description) }
            return try Console.print(Prose.printable("\(table.path)[\(row)]: \(preparation.targetName) \(Quantity.significant(number, 6))"))
        }
        if isJSON {
            let members = classes.map { name, probability -> JSON in ["class": .string(name), "probability": JSON(probability)] }
            return try Console.print(
                JSON.object(place + [.init("class", .string(classes.first?.name ?? "")), .init("top", .array(members))]).description)
        }
        let texts = classes.map { "\(Prose.clipped($0.name, to: TextTable.widestCell)) \(Quantity.fixed(100 * Double($0.probability), 1)) %" }
        try Console.print(Prose.printable("\(table.path)[\(row)]: \(texts.joined(separator: ", "))"))
    }

    /// The rows as they were, with the answer behind each and, of a class, its probability.
    private func write(_ table: DataTable, _ rows: TableDataSet, _ answers: [[Float]], to output: String) throws {
        let hasClasses = classes(answers.first ?? []) != nil
        let target = free("predicted \(preparation.targetName)", in: table.names)
        let names = table.names + [target] + (hasClasses ? [free("probability", in: table.names)] : [])
        try CSVWriter.write(to: output, names: names, separator: table.separator) { writer in
            for (row, answer) in zip(rows.rows, answers) {
                let cells = classes(answer)?.first.map { [$0.name, "\($0.probability)"] } ?? ["\(number(answer))"]
                try writer.append(table.row(row) + cells)
            }
        }
        if !isJSON { try Console.announce("wrote \(output): \(Quantity.counted(rows.count, "row"))", to: output) }
    }

    /// A name that no column has yet.
    private func free(_ name: String, in names: [String]) -> String { names.contains(name) ? free(name + "_", in: names) : name }
}
