import Soma

/// Multilayer perceptrons over the columns of a table, whose answers are averaged: numbers as they are, of each column of categories a one where the
/// category is.
///
/// Networks that were begun otherwise and have seen other rows err otherwise, so their mean errs less than one of them does on average (L. Hansen
/// and P. Salamon, *Neural Network Ensembles*, IEEE Transactions on Pattern Analysis and Machine Intelligence 12, 1990; A. Krogh and J. Vedelsby,
/// *Neural Network Ensembles, Cross Validation, and Active Learning*, NIPS 1994).
public struct TableNetwork: Layer {
    private let numberCount: Int
    private let categorySizes: [Int]
    /// The perceptrons behind the one-hot categories.
    public let members: [MLP]

    /// - Parameters:
    ///   - outputs: classes, or 1 for a number.
    ///   - members: how many perceptrons there are.
    init(_ preparation: TablePreparation, hidden: [Int], outputs: Int, activation: Activation, dropout: Double, members: Int) {
        (numberCount, categorySizes) = (preparation.numberCount, preparation.categorySizes)
        let inputs = numberCount + categorySizes.reduce(0, +)
        self.members = (0..<members).map { _ in
            MLP([inputs] + hidden + [outputs], activation: activation, initialization: .he, dropout: dropout)
        }
    }

    /// The logits or the standardised number, [n, outputs], of rows of a table: the mean of the members.
    /// - Parameter row: [n, numbers + columns of categories], the indices of categories behind the numbers.
    public func callAsFunction(_ row: Tensor) -> Tensor {
        let answers = answers(to: row)
        return tapped(answers.count == 1 ? answers[0] : answers.dropFirst().reduce(answers[0], +) / Double(answers.count))
    }

    /// The result of each member, [n, outputs].
    func answers(to row: Tensor) -> [Tensor] {
        let parts = row.split(sizes: [numberCount] + categorySizes.map { _ in 1 }, alongAxis: 1)
        let ones = zip(parts.dropFirst(), categorySizes).map { $0.reshaped(to: [row.shape[0]]).as(.int32).oneHot(depth: $1) }
        let inputs = Tensor(concatenating: (numberCount > 0 ? [parts[0]] : []) + ones, alongAxis: 1)
        return members.map { $0(inputs) }
    }

    /// For each row the result of the member that has not learnt from it, [n, outputs].
    /// - Parameter part: [n], the member.
    func unseenAnswers(to row: Tensor, _ part: Tensor) -> Tensor {
        let answers = answers(to: row).enumerated().map { number, answer in
            answer * (part .== number).as(.float32).reshaped(to: [part.shape[0], 1])
        }
        return answers.dropFirst().reduce(answers[0], +)
    }
}

extension TableNetwork: CustomReflectable {
    /// A single member has the name that it had before there could be several.
    public var customMirror: Mirror {
        Mirror(self, children: members.count == 1 ? ["body": members[0]] : ["members": members], displayStyle: .struct)
    }
}

/// Rows to train several networks on, each with the one that it is left out of: `part`, int32. That network is measured by it.
struct RowsInParts: DataSet {
    private let rows: TableDataSet
    private let parts: [Int32]
    let fields: [Field]

    static let field = "part"

    /// Deals rows at random; of classes each part has its share.
    init(_ rows: TableDataSet, count: Int, seed: UInt64) {
        self.rows = rows
        var generator = Philox(seed: seed)
        let shuffled = generator.permutation(of: rows.count)
        let byClass = rows.labels.isEmpty ? [shuffled] : Dictionary(grouping: shuffled) { rows.labels[$0] }.sorted { $0.key < $1.key }.map(\.value)
        var parts = [Int32](repeating: 0, count: rows.count)
        for (place, row) in byClass.joined().enumerated() { parts[row] = Int32(place % count) }
        self.parts = parts
        fields = rows.fields + [Field(Self.field, .int32, [])]
    }

    var count: Int { rows.count }
    var readingEffort: ReadingEffort { rows.readingEffort }

    func read(_ indices: [Int], into batch: BatchMemory) {
        rows.read(indices, into: batch)
        let values = batch.values(of: Self.field, as: Int32.self)
        for (row, index) in indices.enumerated() { values[row] = parts[index] }
    }
}

extension Minibatch {
    /// The rows of a `TableDataSet` as one tensor, as sessions take them.
    var tableRows: Tensor {
        let numbers = names.contains("numbers") ? [self["numbers"]] : []
        let categories = names.contains("categories") ? [self["categories"].as(.float32)] : []
        return numbers.count + categories.count == 1 ? (numbers + categories)[0] : Tensor(concatenating: numbers + categories, alongAxis: 1)
    }

    /// For each row the member of a `TableNetwork` that it is left out of; nil where each learns from all.
    var tablePart: Tensor? { names.contains(RowsInParts.field) ? self[RowsInParts.field] : nil }
}
