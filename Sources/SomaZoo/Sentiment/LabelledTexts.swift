import Soma

/// Texts and the class of each.
struct LabelledTexts {
    let texts: [String]
    /// Indices of `classes`.
    let labels: [Int32]
    let classes: [String]
    /// What rows were left out, a line each.
    private(set) var remarks: [String] = []

    /// Those that the program holds.
    static var embedded: LabelledTexts {
        let (texts, labels) = ReviewGrammar.sentences(2500, seed: 1)
        return LabelledTexts(texts: texts, labels: labels, classes: ReviewGrammar.classes)
    }

    private init(texts: [String], labels: [Int32], classes: [String]) { (self.texts, self.labels, self.classes) = (texts, labels, classes) }

    /// The rows of a table, a column of texts and one of classes; a row that lacks one of them is left out.
    /// - Parameter known: the classes of a model, in its order; nil: those of the table, in the order of their names.
    /// - Throws: `SomaError` where there is no such column, a class is none of the known ones, or fewer than two are there.
    init(_ table: DataTable, text: String, label: String, known: [String]? = nil) throws {
        let columns = try [text, label].map { name in
            if let column = table.column(named: name) { return column }
            let names = table.names.joined(separator: ", ")
            throw SomaError("\(table.path) has no column '\(name)'", hint: "its columns are \(names): name them by text= and label=")
        }
        let rows = (0..<table.rowCount).map { row in
            let cells = table.row(row)
            return (text: cells[columns[0]].trimmed, label: cells[columns[1]].trimmed, line: table.line(ofRow: row))
        }
        let whole = rows.filter { !$0.text.isEmpty && !$0.label.isEmpty }
        let classes = known ?? Set(whole.map(\.label)).sorted()
        let numbers = Dictionary(uniqueKeysWithValues: classes.enumerated().map { ($1, Int32($0)) })
        (texts, self.classes) = (whole.map(\.text), classes)
        labels = try whole.map { row in
            if let number = numbers[row.label] { return number }
            throw SomaError("\(table.path), line \(row.line): the class '\(row.label)' is none of the model's, \(classes.joined(separator: ", "))")
        }
        guard classes.count > 1, !texts.isEmpty else {
            throw SomaError("\(table.path) has texts of \(Quantity.counted(classes.count, "class", "classes")), and there is nothing to tell apart")
        }
        guard known != nil || classes.count <= Self.mostClasses else {
            throw SomaError("\(table.path): the column '\(label)' has \(classes.count) different values, which are no classes")
        }
        let leftOut = rows.count - whole.count
        if leftOut > 0 { remarks = ["\(Quantity.counted(leftOut, "row")) without a text or a class left out"] }
    }

    private static let mostClasses = 1000

    /// Deals the texts at random by a seed.
    /// - Throws: `SomaError` where there are too few.
    func split(heldOut share: Double, seed: UInt64, path: String) throws -> (training: LabelledTexts, heldOut: LabelledTexts) {
        var numbers = Philox(seed: seed, stream: Self.splitting)
        let order = numbers.permutation(of: texts.count)
        let boundary = texts.count - Int((Double(texts.count) * share).rounded())
        guard boundary > 0, boundary < texts.count else {
            throw SomaError("\(path) has \(Quantity.counted(texts.count, "text")): too few to train on some and test on others")
        }
        return (part(order[..<boundary]), part(order[boundary...]))
    }

    /// A stream of its own, so that no other use of the seed meets the same numbers.
    private static let splitting: UInt64 = (1 << 62) - 4

    private func part(_ rows: ArraySlice<Int>) -> LabelledTexts {
        LabelledTexts(texts: rows.map { texts[$0] }, labels: rows.map { labels[$0] }, classes: classes)
    }
}

extension String {
    fileprivate var trimmed: String {
        let rest = drop(while: \.isWhitespace)
        return String(rest.prefix(rest.count - rest.reversed().prefix(while: \.isWhitespace).count))
    }
}

/// Labelled texts as samples: `text` float32 [length], as `TextInput` makes them, and `label` int32.
struct TextSamples: DataSet {
    let fields: [Field]
    private let samples: [[Float]]
    private let labels: [Int32]

    /// - Throws: `SomaError` where the tokenizer cannot tell one of the texts.
    init(_ texts: LabelledTexts, _ input: TextInput) throws {
        samples = try texts.texts.map { try input.sample(of: $0) }
        labels = texts.labels
        fields = [Field("text", .float32, [input.length]), Field("label", .int32, [])]
    }

    var count: Int { samples.count }

    func read(_ indices: [Int], into batch: BatchMemory) {
        let labels = batch.values(of: "label", as: Int32.self)
        for (row, index) in indices.enumerated() {
            labels[row] = self.labels[index]
            let values = batch.row(row, of: "text", as: Float.self)
            for (place, value) in samples[index].enumerated() { values[place] = value }
        }
    }
}
