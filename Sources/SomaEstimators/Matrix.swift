import CEstimators
import Soma
import SomaGraph

/// Numbers in rows, one row for each sample: what estimators learn from and predict for.
public struct Matrix: Hashable, Sendable {
    /// How many samples there are.
    public let rows: Int
    /// How many numbers each sample has.
    public let columns: Int
    /// [rows, columns], row by row.
    public let values: [Float]

    /// Traps where `values` are not as many as rows times columns.
    public init(rows: Int, columns: Int, values: [Float]) {
        guard rows >= 0, columns >= 0, rows.multipliedReportingOverflow(by: columns) == (values.count, false) else {
            programError("Matrix", "\(values.count) values are not \(rows) rows of \(columns)")
        }
        (self.rows, self.columns, self.values) = (rows, columns, values)
    }

    /// Traps where the rows are not equally long.
    public init(_ rows: [[Float]]) {
        let columns = rows.first?.count ?? 0
        guard rows.allSatisfy({ $0.count == columns }) else { programError("Matrix", "the rows are not all \(columns) long") }
        self.init(rows: rows.count, columns: columns, values: rows.flatMap { $0 })
    }

    /// The numbers of one sample.
    public subscript(row: Int) -> ArraySlice<Float> { values[row * columns..<(row + 1) * columns] }

    /// One number of a sample.
    public subscript(row: Int, column: Int) -> Float { values[row * columns + column] }

    /// The rows of the given indices, in that order.
    public func selecting(_ indices: [Int]) -> Matrix {
        let selected = [Float](unsafeUninitializedCapacity: indices.count * columns) { buffer, count in
            values.withUnsafeBufferPointer { values in
                guard columns > 0, let target = buffer.baseAddress else { return }
                for (place, row) in indices.enumerated() {
                    guard row >= 0, row < rows else { programError("Matrix.selecting", "there is no row \(row) among \(rows)") }
                    guard let source = values.baseAddress else { continue }
                    (target + place * columns).initialize(from: source + row * columns, count: columns)
                }
            }
            count = indices.count * columns
        }
        return Matrix(rows: indices.count, columns: columns, values: selected)
    }

    /// The mean of each column, and the mean of its squared distance from that.
    func statistics(weights: [Double]? = nil) -> (means: [Double], variances: [Double]) {
        var (means, variances) = ([Double](repeating: 0, count: columns), [Double](repeating: 0, count: columns))
        withOptionalPointer(weights) { soma_column_statistics(values, $0, rows, columns, &means, &variances) }
        return (means, variances)
    }
}

/// Calls `body` with a pointer to the elements, or with nil where there are none to point to.
func withOptionalPointer<Element, Result>(_ array: [Element]?, _ body: (UnsafePointer<Element>?) throws -> Result) rethrows -> Result {
    guard let array else { return try body(nil) }
    return try array.withUnsafeBufferPointer { try body($0.baseAddress) }
}
