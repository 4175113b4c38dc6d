import SomaGraph

/// Rows of a table as numbers, in memory.
///
/// Fields: `numbers`, float32 [numberCount], and `categories`, int32 [columns of categories], where there are any of these; and `label`, int32, or `target`,
/// float32, standardised, unless the rows have no target.
///
/// ```swift
/// let table = try DataTable(path: "penguins.csv")
/// let schema = try TableSchema(table, TableChoice(target: "species"))
/// let (training, heldOut) = schema.split(heldOut: 0.2, seed: 1)
/// let preparation = try TablePreparation(fittedTo: table, rows: training, schema: schema)
/// let data = try TableDataSet(table, rows: training, preparation)
/// let test = try TableDataSet(table, rows: heldOut, preparation)
/// ```
public struct TableDataSet: DataSet {
    public let fields: [Field]
    /// How the cells became numbers.
    public let preparation: TablePreparation
    /// The row of the table that each sample is.
    public let rows: [Int]
    /// What the training part did not have and these rows do, a line each: unknown categories, missing values.
    public let remarks: [String]
    /// The class of each sample; empty where the target is a number, or not asked for.
    public let labels: [Int32]
    /// The standardised target of each sample; empty where it is a class, or not asked for.
    public let targets: [Float]

    private let numbers: [Float]
    private let categories: [Int32]

    /// Turns rows into numbers by a preparation that was fitted to the same or another table.
    /// - Parameters:
    ///   - rows: those that become samples; nil: all, but those without a target where one is asked for.
    ///   - hasTarget: whether the target is read. To predict it no column of it need be there.
    /// - Throws: `SomaError` naming the file, the column and the line where a column is not there, or a cell is no number or no class.
    public init(_ table: DataTable, rows: [Int]? = nil, _ preparation: TablePreparation, hasTarget: Bool = true) throws {
        var reader = TableReader(table, preparation)
        let target = hasTarget ? try reader.target() : nil
        let rows = rows ?? reader.rows(with: target)
        numbers = try reader.numbers(rows)
        categories = try reader.categories(rows)
        (labels, targets) = try target.map { try reader.targets($0, rows) } ?? ([], [])
        (self.rows, self.preparation, remarks) = (rows, preparation, reader.remarks)
        var fields: [Field] = []
        if preparation.numberCount > 0 { fields.append(Field("numbers", .float32, [preparation.numberCount])) }
        if !preparation.categorySizes.isEmpty { fields.append(Field("categories", .int32, [preparation.categorySizes.count])) }
        if hasTarget { fields.append(preparation.classNames == nil ? Field("target", .float32, []) : Field("label", .int32, [])) }
        self.fields = fields
    }

    public var count: Int { rows.count }

    /// What a session takes of a sample: its numbers, and behind them its categories.
    public func sample(_ index: Int) -> [Float] {
        let (width, columns) = (preparation.numberCount, preparation.categorySizes.count)
        return Array(numbers[index * width..<(index + 1) * width]) + categories[index * columns..<(index + 1) * columns].map { Float($0) }
    }

    public func read(_ indices: [Int], into batch: BatchMemory) {
        for field in fields {
            switch field.name {
            case "numbers": copy(numbers, field, indices, batch)
            case "categories": copy(categories, field, indices, batch)
            case "label": copy(labels, field, indices, batch)
            default: copy(targets, field, indices, batch)
            }
        }
    }

    private func copy<T: TensorScalar>(_ values: [T], _ field: Field, _ indices: [Int], _ batch: BatchMemory) {
        let (target, size) = (batch.values(of: field.name, as: T.self), field.elementCount)
        for (row, index) in indices.enumerated() {
            for element in 0..<size { target[row * size + element] = values[index * size + element] }
        }
    }

    // MARK: Classes

    /// How many samples each class has; empty where there are no classes.
    public var classCounts: [Int] {
        var counts = [Int](repeating: 0, count: preparation.classNames?.count ?? 0)
        for label in labels { counts[Int(label)] += 1 }
        return counts
    }

    /// A weight for each class with which all weigh the same in a sum over the samples: samples / (classes · samples of the class), 0 for a class
    /// without any.
    public var classWeights: [Float] {
        let counts = classCounts
        let present = counts.count { $0 > 0 }
        return counts.map { $0 > 0 ? Float(Double(count) / (Double(present) * Double($0))) : 0 }
    }
}
