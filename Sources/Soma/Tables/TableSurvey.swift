/// What the cells of one column are, all of them.
struct TableSurvey {
    /// Rows with a value.
    private(set) var presentCount = 0
    /// Values that are numbers, the infinite ones included.
    private(set) var numberCount = 0
    private(set) var notFiniteCount = 0
    private(set) var firstNotFinite: Int?
    /// The first row whose value is no number.
    private(set) var firstWord: Int?
    private(set) var hasPoint = false
    private(set) var hasComma = false
    /// Whether all finite numbers are whole.
    private(set) var areWhole = true
    /// The different finite numbers, as long as they are few.
    private(set) var values: Set<Double> = []

    /// So many different numbers are no longer few.
    static let mostValues = 1000

    init(_ column: TableColumn, in table: DataTable, missing: MissingValues) {
        let allowsComma = table.separator == .semicolon
        for row in 0..<table.rowCount {
            let value = column.value(row)
            if missing.contains(value) { continue }
            presentCount += 1
            if let number = NumberText(value, allowingComma: allowsComma) { add(number, row) } else { firstWord = firstWord ?? row }
        }
    }

    private mutating func add(_ number: NumberText, _ row: Int) {
        numberCount += 1
        hasPoint = hasPoint || number.mark == UInt8(ascii: ".")
        hasComma = hasComma || number.mark == UInt8(ascii: ",")
        guard number.value.isFinite else {
            notFiniteCount += 1
            firstNotFinite = firstNotFinite ?? row
            return
        }
        areWhole = areWhole && number.isWhole
        if values.count <= Self.mostValues { values.insert(number.value) }
    }

    /// Whether all values are numbers, with one decimal mark.
    var isNumber: Bool { presentCount > 0 && numberCount == presentCount && !(hasPoint && hasComma) }
    /// Values that can be reckoned with.
    var finiteCount: Int { numberCount - notFiniteCount }
    var isWhole: Bool { isNumber && areWhole && finiteCount > 0 }
}

/// The different values of a column of categories, and how often each occurs.
struct TableCategories {
    let vocabulary: Vocabulary
    /// By the index of the word.
    let counts: [Int]

    /// - Parameters:
    ///   - rows: those whose values are counted.
    ///   - areWhole: whether the values are whole numbers: 1, 1.0 and 01 are one then.
    init(_ column: TableColumn, rows: some Sequence<Int>, missing: MissingValues, areWhole: Bool) {
        var counts: [ExactText: Int] = [:]
        for row in rows {
            let value = column.value(row)
            if !missing.contains(value) { counts[Vocabulary.word(value, areWhole: areWhole), default: 0] += 1 }
        }
        vocabulary = Vocabulary(Array(counts.keys), areWhole: areWhole)
        self.counts = vocabulary.words.map { counts[$0] ?? 0 }
    }

    /// At least nine of ten values are different, as names and keys are.
    var areNearlyAllDifferent: Bool {
        let count = counts.reduce(0, +)
        return count >= 10 && counts.count * 10 >= count * 9
    }
}

/// The words of a column in their order: numbers by their size, others by their bytes.
struct Vocabulary: Hashable, Sendable {
    let words: [ExactText]
    /// Whether they are whole numbers, of which 1, 1.0 and 01 are the same.
    let areWhole: Bool
    private let indices: [ExactText: Int32]

    /// - Parameter words: different ones, in any order.
    init(_ words: [ExactText], areWhole: Bool) {
        let sorted = areWhole ? words.sorted { (Double($0.text) ?? 0, $0) < (Double($1.text) ?? 0, $1) } : words.sorted()
        self.init(inOrder: sorted, areWhole: areWhole)
    }

    /// - Parameter words: different ones; the first has the index 0.
    init(inOrder words: [ExactText], areWhole: Bool) {
        (self.words, self.areWhole) = (words, areWhole)
        indices = Dictionary(uniqueKeysWithValues: words.enumerated().map { ($1, Int32($0)) })
    }

    var count: Int { words.count }
    var texts: [String] { words.map(\.text) }

    /// The index of a cell's word; nil where it is none of these.
    func index(of value: ArraySlice<UInt8>) -> Int32? { indices[Self.word(value, areWhole: areWhole)] }

    /// A cell without spaces at its ends as a word.
    static func word(_ value: ArraySlice<UInt8>, areWhole: Bool) -> ExactText {
        if areWhole, let number = NumberText(value, allowingComma: true), number.isWhole { return ExactText(String(Int(number.value))) }
        return ExactText(String(decoding: value, as: UTF8.self))
    }
}
