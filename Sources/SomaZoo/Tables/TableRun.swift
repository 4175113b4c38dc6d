import Soma

/// The table that a run is about, cut into a part to train on and one that is held out, and what its columns become.
struct TableParts {
    let table: DataTable
    /// All rows that are not held out.
    let rows: TableDataSet
    /// What a network is trained on.
    let training: any DataSet
    /// What the best epoch is chosen by: a part of the rows to train on, or what is held out.
    let validation: any DataSet
    /// What is only tested on.
    let heldOut: TableDataSet
    /// For each class the weight that makes rare ones count as much as others.
    let classWeights: [Float]
    let preparation: TablePreparation
    let remarks: [String]

    static let preparationKey = "table.preparation"

    /// - Parameters:
    ///   - path: the file; nil: the penguins that the program holds.
    ///   - fold: what is held out; nil: as much as the settings say.
    /// - Throws: `UsageError` where no target is named for a file; `SomaError` that names the file and what is wrong in it.
    init(_ path: String?, _ settings: Settings, seed: UInt64, fold: Fold?) throws {
        table = try path.map { try DataTable(path: $0) } ?? Penguins.table
        let schema = try TableSchema(table, try TableRecipe.choice(settings, isEmbedded: path == nil))
        if let fold, settings.isChosen(TableRecipe.heldOut) {
            throw UsageError("held-out= says nothing here: each of \(fold.count) folds holds out its own rows")
        }
        let (training, heldOut) =
            try fold.map { try schema.folds($0.count, seed: seed)[$0.number] } ?? schema.split(heldOut: settings[TableRecipe.heldOut], seed: seed)
        guard !training.isEmpty, !heldOut.isEmpty else {
            throw SomaError("\(table.path) has \(schema.rows.count) rows with a target: too few to train on some and test on others")
        }
        preparation = try TablePreparation(fittedTo: table, rows: training, schema: schema)
        rows = try TableDataSet(table, rows: training, preparation)
        self.heldOut = try TableDataSet(table, rows: heldOut, preparation)
        classWeights = preparation.classNames == nil ? [] : rows.classWeights
        // What is fitted at once has no epochs to choose among.
        let share = settings[TableRecipe.model].estimator == nil ? settings[TableRecipe.validation] : 0
        let parts = share > 0 ? rows.split(heldOut: share, seed: seed) : nil
        if let parts, parts.training.count == 0 || parts.heldOut.count == 0 {
            throw UsageError("validation=\(share.settingText) leaves no rows of \(rows.count) to train on, or none to choose the best epoch by")
        }
        (self.training, validation) = parts.map { ($0.training, $0.heldOut) } ?? (rows, self.heldOut)
        let kind = preparation.classNames.map { "one of \($0.count) classes" } ?? "a number"
        let columns = preparation.featureNames.count
        remarks = ["\(preparation.targetName), \(kind), from \(columns) \(columns == 1 ? "column" : "columns"): "
            + "\(rows.count) rows to train on"
            + (parts.map { ", of them \($0.heldOut.count) to choose the best epoch by" } ?? "") + ", \(heldOut.count) to test on"] + schema.remarks
            + rows.remarks + self.heldOut.remarks
    }

    /// What checkpoints say of the table.
    /// - Throws: `SomaError` where a run would go on with another table than it began with.
    func metadata(_ context: RecipeContext) throws -> [String: String] {
        let columns = ColumnsOfTable(table, preparation.columnNames)
        return try context.metadata(of: columns).merging([Self.preparationKey: preparation.json]) { own, _ in own }
    }
}

extension Checkpoint {
    /// What the columns of the table become that a network was trained on.
    /// - Throws: `SomaError` where the checkpoint does not say.
    func tablePreparation() throws -> TablePreparation {
        guard let text = metadata[TableParts.preparationKey] else { throw SomaError("\(path) is broken: it does not say the columns of its table") }
        return try TablePreparation(json: text, path: path)
    }
}
