import Soma
import SomaEstimators

/// The columns of a matrix that an estimator learns from: the numbers of a table's rows, and one of 0 and 1 for each word of its categories and for
/// missing ones. A word that the training part did not have is 0 in all: a column of its own would be 0 in all rows learnt from.
struct TableColumns: Sendable {
    private enum Column {
        case number(String, Standardisation)
        case missing(String)
        /// nil: missing.
        case word(String, String?)
    }

    private let numberCount: Int
    private let categorySizes: [Int]
    private let columns: [Column]
    /// For each column the feature of the table that it is made of.
    let features: [String]

    init(_ preparation: TablePreparation) {
        (numberCount, categorySizes) = (preparation.numberCount, preparation.categorySizes)
        let scales = preparation.numberScales
        // Those that tell what is missing come last, in the order of the numbers.
        let numbers = zip(preparation.numberNames, scales).compactMap { name, scale in scale.map { (name, $0) } }
        let missing = Array(preparation.numberNames.dropFirst(numbers.count))
        let ofMissing = missing.map { name in numbers.first { "\($0.0) is missing".isExactly(name) }?.0 ?? name }
        let words = zip(preparation.categoryNames, preparation.categoryWords.map { $0.dropFirst() })
        columns = numbers.map { .number($0.0, $0.1) } + ofMissing.map { .missing($0) }
            + words.flatMap { name, words in words.map { .word(name, $0) } }
        features = numbers.map(\.0) + ofMissing + words.flatMap { name, words in words.map { _ in name } }
    }

    var count: Int { columns.count }

    /// The matrix of rows.
    /// - Parameter rows: each the numbers, and behind them the index of each category.
    /// - Throws: `SomaError` where a row has another number of values, or an index is none of its category.
    func matrix(_ rows: [[Float]]) throws -> Matrix {
        var values = [Float](repeating: 0, count: rows.count * count)
        let width = numberCount + categorySizes.count
        for (row, cells) in rows.enumerated() {
            guard cells.count == width else { throw SomaError("row \(row) has \(cells.count) values, and the table's have \(width)") }
            var start = row * count
            for (place, number) in cells[..<numberCount].enumerated() { values[start + place] = number }
            start += numberCount
            for (size, index) in zip(categorySizes, cells[numberCount...]) {
                guard let place = Int(exactly: index), (0..<size).contains(place) else {
                    throw SomaError("row \(row) has a category of index \(index), and there are \(size)")
                }
                if place > 0 { values[start + place - 1] = 1 }
                start += size - 1
            }
        }
        return Matrix(rows: rows.count, columns: count, values: values)
    }

    /// What "at most `threshold`" asks, in the units of the table.
    func question(_ column: Int, _ threshold: Float) -> String {
        switch columns[column] {
        case .number(let name, let scale): "\(name) ≤ \(Quantity.significant(scale.restored(threshold)))"
        case .missing(let name): "\(name) is there"
        case .word(let name, let word?): "\(name) is not \(word)"
        case .word(let name, nil): "\(name) is there"
        }
    }

    /// The features with the sums of what their columns have, the greatest first.
    func sums(_ values: [Float]) -> [(feature: String, value: Double)] {
        var order: [String] = []
        var sums: [ExactText: Double] = [:]
        for (feature, value) in zip(features, values) {
            if sums[ExactText(feature)] == nil { order.append(feature) }
            sums[ExactText(feature), default: 0] += Double(value)
        }
        let all = order.enumerated().map { (place: $0, feature: $1, value: sums[ExactText($1)] ?? 0) }
        return all.sorted { ($1.value, $0.place) < ($0.value, $1.place) }.map { ($0.feature, $0.value) }
    }
}
