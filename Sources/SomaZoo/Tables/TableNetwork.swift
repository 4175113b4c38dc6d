import Soma

/// A multilayer perceptron over the columns of a table: numbers as they are, of each column of categories a one where the category is.
public struct TableNetwork: Layer {
    private let numberCount: Int
    private let categorySizes: [Int]
    /// The perceptron behind the one-hot categories.
    public let body: MLP

    /// - Parameter outputs: classes, or 1 for a number.
    init(_ preparation: TablePreparation, hidden: [Int], outputs: Int, activation: Activation, dropout: Double) {
        (numberCount, categorySizes) = (preparation.numberCount, preparation.categorySizes)
        let inputs = numberCount + categorySizes.reduce(0, +)
        body = MLP([inputs] + hidden + [outputs], activation: activation, initialization: .he, dropout: dropout)
    }

    /// The logits or the standardised number, [n, outputs], of rows of a table.
    /// - Parameter row: [n, numbers + columns of categories], the indices of categories behind the numbers.
    public func callAsFunction(_ row: Tensor) -> Tensor {
        let parts = row.split(sizes: [numberCount] + categorySizes.map { _ in 1 }, alongAxis: 1)
        let ones = zip(parts.dropFirst(), categorySizes).map { $0.reshaped(to: [row.shape[0]]).as(.int32).oneHot(depth: $1) }
        return body(Tensor(concatenating: (numberCount > 0 ? [parts[0]] : []) + ones, alongAxis: 1))
    }
}

extension Minibatch {
    /// The rows of a `TableDataSet` as one tensor, as sessions take them.
    var tableRows: Tensor {
        let numbers = names.contains("numbers") ? [self["numbers"]] : []
        let categories = names.contains("categories") ? [self["categories"].as(.float32)] : []
        return numbers.count + categories.count == 1 ? (numbers + categories)[0] : Tensor(concatenating: numbers + categories, alongAxis: 1)
    }
}
