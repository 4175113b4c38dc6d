import SomaGraph

/// How the cells of a table become numbers for a model, fitted to the rows of the training part alone.
///
/// A number x becomes (x − mean) / deviation, a missing one 0, which is the mean; where the training part had missing ones, a further number tells
/// 1 for missing and 0 otherwise. A category becomes the index of its word: 0 is a word that the training part did not have, 1 is missing.
///
/// `json` keeps it with a checkpoint, exactly.
public struct TablePreparation: Hashable, Sendable {
    struct Number: Hashable, Sendable {
        let name: ExactText
        let scale: Standardisation
        let hasIndicator: Bool
    }

    struct Category: Hashable, Sendable {
        let name: ExactText
        let vocabulary: Vocabulary
    }

    enum Target: Hashable, Sendable {
        case classes(Vocabulary)
        case number(Standardisation)
    }

    let numbers: [Number]
    let categories: [Category]
    let targetColumn: ExactText
    let target: Target
    let missing: MissingValues

    /// The indices of words that are none of the training part's, and of missing ones; the words' own follow.
    static let (unknownIndex, missingIndex, firstIndex): (Int32, Int32, Int32) = (0, 1, 2)

    init(numbers: [Number], categories: [Category], targetColumn: ExactText, target: Target, missing: MissingValues) {
        (self.numbers, self.categories, self.targetColumn) = (numbers, categories, targetColumn)
        (self.target, self.missing) = (target, missing)
    }

    /// Fits means, deviations and vocabularies.
    /// - Parameter rows: the training part, of `schema.rows`.
    /// - Throws: `SomaError` naming the column where one that is told from cannot be read.
    public init(fittedTo table: DataTable, rows: [Int], schema: TableSchema) throws {
        guard !rows.isEmpty else { throw SomaError("there are no rows of \(table.path) to train on") }
        var (numbers, categories) = ([Number](), [Category]())
        for feature in schema.features {
            let (name, column) = (ExactText(feature.name), table.columns[try table.requiredColumn(feature.name)])
            switch feature.kind {
            case .number:
                let values = rows.map { Self.finite(column.value($0), table, schema.missing) }
                numbers.append(Number(name: name, scale: Standardisation(values.compactMap { $0 }), hasIndicator: values.contains(nil)))
            case .category:
                let found = TableCategories(column, rows: rows, missing: schema.missing, areWhole: feature.areWhole)
                categories.append(Category(name: name, vocabulary: found.vocabulary))
            }
        }
        let target: Target
        switch schema.target.values {
        case .classes: target = .classes(schema.target.vocabulary ?? Vocabulary([], areWhole: false))
        case .numbers(let values):
            let training = Set(rows)
            target = .number(Standardisation(zip(schema.rows, values).filter { training.contains($0.0) }.map(\.1)))
        }
        self.init(numbers: numbers, categories: categories, targetColumn: ExactText(schema.target.name), target: target, missing: schema.missing)
    }

    private static func finite(_ value: ArraySlice<UInt8>, _ table: DataTable, _ missing: MissingValues) -> Double? {
        if missing.contains(value) { return nil }
        return NumberText(value, allowingComma: table.separator == .semicolon).flatMap { $0.value.isFinite ? $0.value : nil }
    }
}

// MARK: - What a model needs to know

extension TablePreparation {
    /// How many numbers a row has: one for each column of numbers, and one for each that tells what is missing.
    public var numberCount: Int { numbers.count + numbers.count(where: \.hasIndicator) }

    /// For each column of categories how many different indices it has, those of unknown and missing words included.
    public var categorySizes: [Int] { categories.map { $0.vocabulary.count + Int(Self.firstIndex) } }

    /// The columns in the order of the numbers; those that tell what is missing are called `NAME is missing`.
    public var numberNames: [String] {
        numbers.map(\.name.text) + numbers.filter(\.hasIndicator).map { "\($0.name.text) is missing" }
    }

    /// What brings each of the numbers to mean 0 and deviation 1; nil for those that tell what is missing.
    public var numberScales: [Standardisation?] { numbers.map(\.scale) + numbers.filter(\.hasIndicator).map { _ in nil } }

    /// For each column of categories what its indices stand for: a word, and nil for those of unknown and of missing ones.
    public var categoryWords: [[String?]] {
        categories.map { [String?](repeating: nil, count: Int(Self.firstIndex)) + $0.vocabulary.texts }
    }

    /// The columns in the order of the categories.
    public var categoryNames: [String] { categories.map(\.name.text) }

    /// The column that a model predicts.
    public var targetName: String { targetColumn.text }

    /// What the classes are called, by their number; nil where the target is a number.
    public var classNames: [String]? {
        if case .classes(let vocabulary) = target { vocabulary.texts } else { nil }
    }

    /// Where the target is a number: what brings it to mean 0 and deviation 1, and back.
    public var targetScale: Standardisation? {
        if case .number(let scale) = target { scale } else { nil }
    }

    /// Standardised answers of a model as numbers of the target's own unit. A target of classes is a mistake.
    public func restored(_ answers: Tensor, file: StaticString = #fileID, line: UInt = #line) -> Tensor {
        guard let scale = targetScale else { programError("restored", "'\(targetName)' is one of classes and has no unit", file: file, line: line) }
        return scale.restored(answers)
    }

    /// What a model of the table answers.
    public enum Answer: Sendable {
        /// One of the classes, by the names of these.
        case classes([String])
        /// A number, standardised.
        case number(Standardisation)
    }

    /// Classes or a number, as the target is.
    public var answer: Answer {
        switch target {
        case .classes(let vocabulary): .classes(vocabulary.texts)
        case .number(let scale): .number(scale)
        }
    }

    /// The columns that a model's answers depend on, for `DataTable.fingerprint`.
    public var columnNames: [String] { featureNames + [targetName] }

    /// The columns that the target is predicted from.
    public var featureNames: [String] { numbers.map(\.name.text) + categories.map(\.name.text) }
}

/// Brings numbers to mean 0 and deviation 1, and back.
public struct Standardisation: Hashable, Sendable {
    /// The mean of the training part; 0 where it has no numbers.
    public let mean: Double
    /// The root of the mean squared distance from the mean; 1 where all numbers are the same, or there are none.
    public let deviation: Double

    init(mean: Double, deviation: Double) { (self.mean, self.deviation) = (mean, deviation) }

    init(_ values: [Double]) {
        // Numbers of any size, so that neither a sum nor a square overflows: a power of two changes no digit.
        let largest = values.reduce(0) { max($0, abs($1)) }
        guard largest > 0 else {
            self.init(mean: 0, deviation: 1)
            return
        }
        let unit = Double(sign: .plus, exponent: largest.exponent, significand: 1)
        let mean = values.reduce(0) { $0 + $1 / unit } / Double(values.count)
        let square = values.reduce(0) { $0 + ($1 / unit - mean) * ($1 / unit - mean) } / Double(values.count)
        let deviation = square.squareRoot() * unit
        // What rounding leaves of numbers that are all the same is no deviation.
        let isConstant = values.allSatisfy { $0 == values[0] }
        self.init(mean: isConstant ? values[0] : mean * unit, deviation: isConstant || deviation == 0 || !deviation.isFinite ? 1 : deviation)
    }

    /// (value − mean) / deviation; nil where single precision does not hold it.
    public func standardised(_ value: Double) -> Float? {
        let result = Float((value - mean) / deviation)
        return result.isFinite ? result : nil
    }

    /// The number that a standardised one stands for.
    public func restored(_ value: Float) -> Double { Double(value) * deviation + mean }

    /// The numbers that standardised ones stand for, in single precision.
    public func restored(_ values: Tensor) -> Tensor { values * deviation + mean }
}
