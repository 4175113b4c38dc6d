import SomaGraph

/// The column that a model is to predict, and its value in each row.
public struct TableTarget: Sendable {
    /// What the column holds in the rows that have a target.
    public enum Values: Sendable {
        /// The class of each row that has one, and what the classes are called.
        case classes([Int32], names: [String])
        /// The number of each row that has one.
        case numbers([Double])
    }

    /// What the column is called.
    public let name: String
    /// For each of `rows`.
    public let values: Values
    /// The rows that have a target, ascending.
    let rows: [Int]
    let vocabulary: Vocabulary?

    /// Numbers are told as classes where there are so few different ones.
    private static let (mostClasses, leastRows) = (20, 5)

    init(_ table: DataTable, _ index: Int, _ choice: TableChoice, _ remarks: inout [String]) throws {
        name = table.names[index]
        let column = table.columns[index]
        let survey = TableSurvey(column, in: table, missing: choice.missing)
        guard survey.presentCount > 0 else { throw SomaError("all values of the target '\(name)' of \(table.path) are missing", hint: "name another column") }
        let isClasses = Self.areClasses(survey)
        let kind = choice.targetKind ?? (isClasses ? .classes : .number)
        switch kind {
        case .number:
            try Self.checkNumbers(survey, name, table, index)
            let allowsComma = table.separator == .semicolon
            let found = (0..<table.rowCount).compactMap { row -> (Int, Double)? in
                let value = column.value(row)
                guard !choice.missing.contains(value), let number = NumberText(value, allowingComma: allowsComma), number.value.isFinite else { return nil }
                return (row, number.value)
            }
            (rows, values, vocabulary) = (found.map(\.0), .numbers(found.map(\.1)), nil)
        case .classes:
            let categories = TableCategories(column, rows: 0..<table.rowCount, missing: choice.missing, areWhole: survey.isWhole)
            try Self.checkClasses(categories, name, table, isChosen: choice.targetKind != nil)
            let found = (0..<table.rowCount).compactMap { row in categories.vocabulary.index(of: column.value(row)).map { (row, $0) } }
            (rows, values, vocabulary) = (found.map(\.0), .classes(found.map(\.1), names: categories.vocabulary.texts), categories.vocabulary)
            // Two numbers are hardly meant as sizes.
            if survey.isNumber && choice.targetKind == nil && categories.counts.count > 2 {
                remarks.append("the numbers of '\(name)' are taken for \(categories.counts.count) classes; say that it is a number to tell its size")
            }
            if let rare = categories.counts.firstIndex(of: 1) {
                remarks.append("the class “\(shown(categories.vocabulary.words[rare].text))” of '\(name)' has one row, which is trained on")
            }
        }
        let count = table.rowCount - rows.count
        if count > 0 { remarks.append("\(counted(count, "row")) without '\(name)' \(count == 1 ? "is" : "are") left out") }
    }

    private static func areClasses(_ survey: TableSurvey) -> Bool {
        guard survey.isNumber else { return true }
        let count = survey.values.count
        return survey.areWhole && (count == 2 || count <= mostClasses && count * leastRows <= survey.finiteCount)
    }

    private static func checkNumbers(_ survey: TableSurvey, _ name: String, _ table: DataTable, _ index: Int) throws {
        if let row = survey.firstWord {
            let word = shown(String(decoding: table.columns[index].value(row), as: UTF8.self))
            throw SomaError(
                "\(table.path): line \(table.line(ofRow: row)) has “\(word)” for '\(name)', which is no number",
                hint: "tell it as classes, or name the word as a missing value")
        }
        guard survey.isNumber else {
            throw SomaError("\(table.path): '\(name)' has numbers with decimal points and with decimal commas", hint: "write one of them")
        }
        guard survey.values.count > 1 else {
            throw SomaError("there is nothing to tell: '\(name)' of \(table.path) has the same number in all rows", hint: "name another column")
        }
    }

    private static func checkClasses(_ categories: TableCategories, _ name: String, _ table: DataTable, isChosen: Bool) throws {
        let words = categories.vocabulary.words
        guard words.count > 1 else {
            let word = shown(words.first?.text ?? "")
            throw SomaError("there is nothing to tell: '\(name)' of \(table.path) has one class only, “\(word)”", hint: "name another column")
        }
        if categories.areNearlyAllDifferent && !isChosen {
            throw SomaError(
                "'\(name)' of \(table.path) has \(words.count) different words in \(categories.counts.reduce(0, +)) rows, as a name or a key",
                hint: "name another column to tell, or say that it is one of classes")
        }
    }
}
