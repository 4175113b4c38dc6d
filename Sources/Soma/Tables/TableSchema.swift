import SomaGraph

/// What the columns of a table are: which one is to be predicted, from which others, and whether each holds numbers or categories.
///
/// Decided from all rows. What is fitted to the rows of the training part alone is a `TablePreparation`.
public struct TableSchema: Sendable {
    /// What a column holds.
    public enum Kind: Hashable, Sendable {
        /// Numbers, which are standardised.
        case number
        /// Words, or numbers that stand for something else than a size; each becomes an index.
        case category
    }

    /// A column that the target is predicted from.
    public struct Feature: Hashable, Sendable {
        /// What the column is called.
        public let name: String
        /// What the column holds.
        public let kind: Kind
        /// Whether it is of categories that are whole numbers.
        let areWhole: Bool
    }

    /// In the order of the file.
    public let features: [Feature]
    /// The column that is to be predicted, and its values.
    public let target: TableTarget
    /// The rows that have a target, ascending.
    public let rows: [Int]
    /// Decisions that somebody may want otherwise, a line each: columns that are dropped, values that are taken for missing.
    public let remarks: [String]
    let missing: MissingValues

    /// Decides what each column is.
    /// - Throws: `SomaError` that names the file and the column where a column is not there, no row has a target, it has one class or value only,
    ///   or no column is left to tell it from.
    public init(_ table: DataTable, _ choice: TableChoice) throws {
        missing = choice.missing
        let target = try table.requiredColumn(choice.target)
        var remarks: [String] = []
        self.target = try TableTarget(table, target, choice, &remarks)
        rows = self.target.rows
        features = try TableFeatures(table, choice, target: target).told(&remarks)
        self.remarks = Self.first(remarks)
    }

    /// The first of many remarks, and how many more there are.
    private static func first(_ remarks: [String], most: Int = 20) -> [String] {
        remarks.count <= most + 1 ? remarks : remarks.prefix(most) + ["\(remarks.count - most) further columns are dropped or told of"]
    }

    /// The columns that a model's answers depend on: features and target, for `DataTable.fingerprint`.
    public var columnNames: [String] { features.map(\.name) + [target.name] }
}

/// Tells which columns serve as features.
struct TableFeatures {
    let table: DataTable
    let choice: TableChoice
    /// The numbers of columns that may be features, in the order of the file.
    private let candidates: [Int]
    private let named: Set<Int>
    private let asCategories: Set<Int>

    init(_ table: DataTable, _ choice: TableChoice, target: Int) throws {
        (self.table, self.choice) = (table, choice)
        let named = Set(try (choice.features ?? []).map(table.requiredColumn))
        let leftOut = Set(try choice.leftOut.map(table.requiredColumn))
        asCategories = Set(try choice.categories.map(table.requiredColumn))
        self.named = named
        if let both = named.intersection(leftOut).min() {
            throw SomaError("the column '\(table.names[both])' of \(table.path) is to be used and left out at once", hint: "name it once")
        }
        if named.contains(target) {
            throw SomaError("the column '\(table.names[target])' of \(table.path) is the target", hint: "it cannot be told from itself: name other columns")
        }
        if choice.features?.isEmpty == true { throw SomaError("no column of \(table.path) is named to tell '\(choice.target)' from") }
        candidates = table.names.indices.filter { $0 != target && !leftOut.contains($0) && (choice.features == nil || named.contains($0)) }
    }

    /// - Throws: `SomaError` where no column is of use.
    func told(_ remarks: inout [String]) throws -> [TableSchema.Feature] {
        var features: [TableSchema.Feature] = [], dropped: [String] = []
        for index in candidates {
            switch try told(index, &remarks) {
            case .used(let feature): features.append(feature)
            case .dropped(let reason): dropped.append(reason)
            }
        }
        remarks += dropped
        guard features.isEmpty else { return features }
        let hint = dropped.first.map { "the first of \(dropped.count) that are of no use: \($0)" }
        throw SomaError("\(table.path) has no column to tell '\(choice.target)' from", hint: hint)
    }

    private enum Verdict {
        case used(TableSchema.Feature)
        case dropped(String)
    }

    private func told(_ index: Int, _ remarks: inout [String]) throws -> Verdict {
        let (name, column) = (table.names[index], table.columns[index])
        let survey = TableSurvey(column, in: table, missing: choice.missing)
        if survey.presentCount == 0 { return .dropped("'\(name)' is dropped: all its values are missing") }
        if survey.isNumber && !asCategories.contains(index) {
            if survey.finiteCount == 0 { return .dropped("'\(name)' is dropped: none of its numbers is finite") }
            if survey.values.count == 1 && survey.finiteCount == table.rowCount {
                return .dropped("'\(name)' is dropped: all its values are the same number")
            }
            if !named.contains(index) && survey.isWhole && countsRows(column) {
                return .dropped("'\(name)' is dropped: it counts the rows; name it as a feature to use it")
            }
            remarks += notFinite(name, survey)
            return .used(.init(name: name, kind: .number, areWhole: false))
        }
        let areWhole = survey.isWhole
        let categories = TableCategories(column, rows: 0..<table.rowCount, missing: choice.missing, areWhole: areWhole)
        if categories.counts.count == 1 && survey.presentCount == table.rowCount {
            return .dropped("'\(name)' is dropped: all its values are the same, “\(shown(categories.vocabulary.words[0].text))”")
        }
        remarks += mixed(name, survey)
        if categories.areNearlyAllDifferent && !named.contains(index) && !asCategories.contains(index) {
            let share = "\(categories.counts.count) of its \(survey.presentCount) values are different"
            return .dropped("'\(name)' is dropped: \(share), as a name or a key; name it as a feature to use it")
        }
        return .used(.init(name: name, kind: .category, areWhole: areWhole))
    }

    /// Whether the values are consecutive whole numbers from row to row.
    private func countsRows(_ column: TableColumn) -> Bool {
        guard table.rowCount >= 10, let first = NumberText(column.value(0), allowingComma: false)?.value, first == 0 || first == 1 else { return false }
        return (0..<table.rowCount).allSatisfy { NumberText(column.value($0), allowingComma: false)?.value == first + Double($0) }
    }

    private func notFinite(_ name: String, _ survey: TableSurvey) -> [String] {
        guard let row = survey.firstNotFinite else { return [] }
        let numbers = survey.notFiniteCount == 1 ? "a number that is" : "\(survey.notFiniteCount) numbers that are"
        return ["'\(name)' has \(numbers) not finite, taken for missing: see line \(table.line(ofRow: row))"]
    }

    /// Numbers that became categories because of a few words among them.
    private func mixed(_ name: String, _ survey: TableSurvey) -> [String] {
        if survey.numberCount == survey.presentCount, survey.hasPoint && survey.hasComma {
            return ["'\(name)' is read as categories: it has numbers with decimal points and with decimal commas"]
        }
        guard survey.numberCount * 2 > survey.presentCount, let row = survey.firstWord, let index = table.column(named: name) else { return [] }
        let word = shown(String(decoding: table.columns[index].value(row), as: UTF8.self))
        let share = "\(survey.numberCount) of \(survey.presentCount) values are"
        return ["'\(name)' is read as categories: “\(word)” in line \(table.line(ofRow: row)) is no number, \(share)"]
    }
}

/// A number of things in words.
func counted(_ count: Int, _ what: String) -> String { "\(count) \(what)\(count == 1 ? "" : "s")" }

/// The beginning of a text that may be of any length.
func shown(_ text: String) -> String {
    let start = text.unicodeScalars.prefix(40)
    return start.endIndex == text.unicodeScalars.endIndex ? text : String(start) + "…"
}
