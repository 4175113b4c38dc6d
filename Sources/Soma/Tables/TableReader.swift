import SomaGraph

/// Reads rows of a table as a preparation says, and notes what it does not say.
struct TableReader {
    private let table: DataTable
    private let preparation: TablePreparation
    private let allowsComma: Bool
    private(set) var remarks: [String] = []

    init(_ table: DataTable, _ preparation: TablePreparation) {
        (self.table, self.preparation) = (table, preparation)
        allowsComma = table.separator == .semicolon
    }

    // MARK: Features

    /// [rows, numberCount], row by row.
    mutating func numbers(_ rows: [Int]) throws -> [Float] {
        let width = preparation.numberCount
        var result = [Float](repeating: 0, count: rows.count * width)
        var indicator = preparation.numbers.count
        for (index, number) in preparation.numbers.enumerated() {
            let column = try table.requiredColumn(number.name.text)
            var (missing, tooFar) = (0, 0)
            for (sample, row) in rows.enumerated() {
                let read = try number.read(column, row, self)
                switch read {
                case .value(let value): result[sample * width + index] = value
                case .missing, .tooFar:
                    if number.hasIndicator { result[sample * width + indicator] = 1 }
                    if read == .missing { missing += 1 } else { tooFar += 1 }
                }
            }
            if number.hasIndicator { indicator += 1 }
            note(number, missing: missing, tooFar: tooFar)
        }
        return result
    }

    private mutating func note(_ number: TablePreparation.Number, missing: Int, tooFar: Int) {
        let name = number.name.text
        if missing > 0 && !number.hasIndicator {
            remarks.append("'\(name)' is missing in \(counted(missing, "row")), and never was in training: its mean is taken")
        }
        if tooFar > 0 {
            remarks.append("'\(name)' is not finite, or too far from what was trained on, in \(counted(tooFar, "row")): taken for missing")
        }
    }

    /// [rows, columns of categories], row by row.
    mutating func categories(_ rows: [Int]) throws -> [Int32] {
        let width = preparation.categories.count
        var result = [Int32](repeating: 0, count: rows.count * width)
        for (index, category) in preparation.categories.enumerated() {
            let column = table.columns[try table.requiredColumn(category.name.text)]
            var (unknown, first) = (0, 0)
            for (sample, row) in rows.enumerated() {
                let value = column.value(row)
                let place: Int32
                if preparation.missing.contains(value) {
                    place = TablePreparation.missingIndex
                } else if let known = category.vocabulary.index(of: value) {
                    place = TablePreparation.firstIndex + known
                } else {
                    place = TablePreparation.unknownIndex
                    if unknown == 0 { first = row }
                    unknown += 1
                }
                result[sample * width + index] = place
            }
            if unknown > 0 {
                let word = shown(String(decoding: column.value(first), as: UTF8.self))
                remarks.append(
                    "'\(category.name.text)' has \(counted(unknown, "value")) that training did not have, "
                        + "the first “\(word)” in line \(table.line(ofRow: first))")
            }
        }
        return result
    }

    // MARK: Target

    /// The number of the target's column.
    func target() throws -> Int { try table.requiredColumn(preparation.targetName) }

    /// All rows, or those that have a target.
    mutating func rows(with target: Int?) -> [Int] {
        guard let target else { return Array(0..<table.rowCount) }
        let rows = (0..<table.rowCount).filter { !preparation.missing.contains(table.columns[target].value($0)) }
        let count = table.rowCount - rows.count
        if count > 0 { remarks.append("\(counted(count, "row")) without '\(preparation.targetName)' \(count == 1 ? "is" : "are") left out") }
        return rows
    }

    func targets(_ target: Int, _ rows: [Int]) throws -> (labels: [Int32], numbers: [Float]) {
        let column = table.columns[target]
        switch preparation.target {
        case .classes(let vocabulary):
            let labels = try rows.map { row in
                guard let label = vocabulary.index(of: column.value(row)) else { throw fault(target, row, "which is none of the \(vocabulary.count) classes") }
                return label
            }
            return (labels, [])
        case .number(let scale):
            let numbers = try rows.map { row in
                guard let number = NumberText(column.value(row), allowingComma: allowsComma)?.value else { throw fault(target, row, "which is no number") }
                guard number.isFinite, let value = scale.standardised(number) else {
                    throw fault(target, row, "which is not finite, or too far from what was trained on")
                }
                return value
            }
            return ([], numbers)
        }
    }

    fileprivate func fault(_ column: Int, _ row: Int, _ what: String) -> SomaError {
        let word = shown(String(decoding: table.columns[column].value(row), as: UTF8.self))
        return SomaError("\(table.path): line \(table.line(ofRow: row)) has “\(word)” for '\(table.names[column])', \(what)")
    }

    fileprivate func number(_ column: Int, _ row: Int) throws -> Double? {
        let value = table.columns[column].value(row)
        if preparation.missing.contains(value) { return nil }
        guard let number = NumberText(value, allowingComma: allowsComma) else {
            throw fault(column, row, "which is no number; in training all of them were")
        }
        return number.value
    }
}

extension TablePreparation.Number {
    fileprivate enum Read: Equatable {
        case value(Float)
        case missing
        case tooFar
    }

    fileprivate func read(_ column: Int, _ row: Int, _ reader: TableReader) throws -> Read {
        guard let number = try reader.number(column, row) else { return .missing }
        guard number.isFinite, let value = scale.standardised(number) else { return .tooFar }
        return .value(value)
    }
}
