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
        let choice: String
        (self.training, validation, choice) = try Self.parts(of: rows, settings, seed: seed) ?? (rows, self.heldOut, "")
        let kind = preparation.classNames.map { "one of \($0.count) classes" } ?? "a number"
        let columns = preparation.featureNames.count
        remarks = ["\(preparation.targetName), \(kind), from \(columns) \(columns == 1 ? "column" : "columns"): "
            + "\(rows.count) rows to train on\(choice), \(heldOut.count) to test on"] + schema.remarks
            + rows.remarks + self.heldOut.remarks
    }

    /// What a network is trained on, what chooses the best epoch, and this in words; nil where nothing of the rows does.
    private static func parts(
        of rows: TableDataSet, _ settings: Settings, seed: UInt64
    ) throws -> (training: any DataSet, validation: any DataSet, choice: String)? {
        // What is fitted at once has no epochs to choose among.
        guard settings[TableRecipe.model].estimator == nil else { return nil }
        let members = settings[TableRecipe.members]
        if members > 1 {
            guard rows.count >= members else { throw UsageError("members=\(members): there are only \(rows.count) rows to train on") }
            let parts = RowsInParts(rows, count: members, seed: seed)
            return (parts, parts, ", each left out by one of \(members) networks")
        }
        let share = settings[TableRecipe.validation]
        if share == 0 { return nil }
        let parts = rows.split(heldOut: share, seed: seed)
        if parts.training.count == 0 || parts.heldOut.count == 0 {
            throw UsageError("validation=\(share.settingText) leaves no rows of \(rows.count) to train on, or none to choose the best epoch by")
        }
        return (parts.training, parts.heldOut, ", of them \(parts.heldOut.count) to choose the best epoch by")
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
