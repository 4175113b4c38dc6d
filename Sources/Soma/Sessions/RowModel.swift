import SomaGraph

/// A model of the rows of a table that answers without a network, such as a forest.
public protocol RowModel: Sendable {
    /// The answers to rows, in their order: the probabilities of the classes, or the standardised number.
    /// - Parameter rows: each the numbers of `TablePreparation` and behind them the indices of its categories.
    /// - Throws: `SomaError` where a row cannot be answered or memory cannot be had.
    func answers(to rows: [[Float]]) throws -> [[Float]]
}

/// The rows of a data set with what a model answers to each, in a field of its own.
struct AnsweredRows: DataSet {
    private let base: any DataSet
    private let preparation: TablePreparation
    private let model: any RowModel
    private let answer: Field

    init(_ base: any DataSet, _ preparation: TablePreparation, _ model: any RowModel) {
        (self.base, self.preparation, self.model) = (base, preparation, model)
        answer = Field(RowModelField.answer, .float32, [SessionAnswer(preparation).valueCount])
    }

    var count: Int { base.count }
    var fields: [Field] { base.fields + [answer] }
    var readingEffort: ReadingEffort { base.readingEffort }
    func takeRemarks() -> [String] { base.takeRemarks() }

    func read(_ indices: [Int], into batch: BatchMemory) throws {
        try base.read(indices, into: batch)
        let answers = try model.answers(to: (0..<batch.count).map { row($0, of: batch) })
        for (row, values) in answers.enumerated() { _ = batch.row(row, of: answer.name, as: Float.self).update(fromContentsOf: values) }
    }

    private func row(_ row: Int, of batch: BatchMemory) -> [Float] {
        let numbers = preparation.numberCount > 0 ? Array(batch.row(row, of: "numbers", as: Float.self)) : []
        if preparation.categorySizes.isEmpty { return numbers }
        return numbers + batch.row(row, of: "categories", as: Int32.self).map { Float($0) }
    }
}

/// How what a model without a network answers is named among the fields of the rows that it is measured on.
public enum RowModelField {
    /// float32 [classes]: probabilities; of a number [1]: the standardised number.
    public static let answer = "answer"
}
