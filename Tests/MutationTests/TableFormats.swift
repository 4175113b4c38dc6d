import Glibc

@testable import Soma
@testable import SomaZoo

/// Tables, and what is kept of them.
extension FileFormat {
    static let csv = FileFormat(name: "CSV", samples: Tables.samples, tokens: Tables.tokens) { path, _ in
        let table = try DataTable(path: path)
        guard table.rowCount * table.names.count <= 1 << 16 else { return }
        try Tables.checkCopy(of: table, path: "\(path).copy")
        let schema = try TableSchema(table, TableChoice(target: table.names[table.names.count - 1]))
        let preparation = try TablePreparation(fittedTo: table, rows: schema.split(heldOut: 0.3, seed: 1).training, schema: schema)
        try expectSame(try TablePreparation(json: preparation.json, path: path), preparation, "a preparation that is read back as another")
        try Tables.check(TableDataSet(table, rows: schema.rows, preparation))
    }

    /// What a checkpoint keeps of a table, used on the table that it was made of.
    static let preparation = FileFormat(
        name: "preparation of a table", samples: Tables.preparations.map { Array($0.utf8) },
        tokens: ["\"mean\":", "\"deviation\":1e-300", "\"words\":[", "\"whole\":true", "1e999", "\"e\u{301}\"", "\u{301}", "null", "{}"].map { Array($0.utf8) }
    ) { path, bytes in
        let read = try TablePreparation(json: String(decoding: bytes, as: UTF8.self), path: path)
        let again = try TablePreparation(json: read.json, path: path)
        try expectSame(again, read, "a preparation that is read back as another")
        try Tables.check(TableDataSet(Tables.table, read, hasTarget: read.classNames != nil))
    }

    /// A checkpoint of a model without a network, used on the table that it was fitted to.
    static let fittedTable = FileFormat(
        name: "fitted model of a table", samples: Tables.fitted, tokens: ["F32", "F64", "I32", "I64", "[0]", "setting.model", "\"knn\"", "\"svm\""].map { Array($0.utf8) },
        repair: Packing.repairSafetensors
    ) { path, _ in
        let checkpoint = try Checkpoint(path: path)
        guard case let settings = try SavedRun(checkpoint).settings, let kind = settings[TableRecipe.model].estimator else {
            throw SomaError("it is of a network")
        }
        let preparation = try checkpoint.tablePreparation()
        let model = try FittedTable(checkpoint, kind, preparation)
        let data = try TableDataSet(Tables.table, preparation, hasTarget: false)
        let answers = try model.answers(to: data.rows.indices.map(data.sample))
        try expectSame(answers.map(\.count), data.rows.map { _ in preparation.classNames?.count ?? 1 }, "answers that are missing")
    }
}

private enum Tables {
    /// Checkpoints of every kind of model, of classes and of a number.
    static let fitted: [[UInt8]] = {
        let models = ["tree", "forest", "boosted", "svm", "linear", "knn"]
        return (models + ["bayes"]).map { fitted($0, target: "y") } + models.map { fitted($0, target: "size") }
    }()

    private static func fitted(_ model: String, target: String) -> [UInt8] {
        let path = "/tmp/soma-fitted-\(getpid()).safetensors"
        defer { unlink(path) }
        do {
            let recipe = TableRecipe()
            var context = RecipeContext(recipe, device: .recording())
            let own = ["forest": ["trees=2"], "boosted": ["rounds=2", "leaf=1"], "knn": ["neighbours=2"]][model] ?? []
            context.settings = try Settings(recipe, arguments: ["model=\(model)", "target=\(target)"] + own)
            context = try recipe.fitted(context)
            let schema = try TableSchema(table, TableChoice(target: target))
            let preparation = try TablePreparation(fittedTo: table, rows: schema.rows, schema: schema)
            guard let kind = context.settings[TableRecipe.model].estimator else { fatalError("\(model) is a network") }
            let data = try TableDataSet(table, rows: schema.rows, preparation)
            let fit = try FittedTable.fit(TableEstimator(kind: kind, settings: context.settings, seed: 1), data, classWeights: nil)
            let metadata = SavedRun.metadata(recipe, context).merging([TableParts.preparationKey: preparation.json]) { own, _ in own }
            try fit.model.write(metadata: metadata, to: path)
            return try SmallFile.read(path, limit: 1 << 20)
        } catch { fatalError("\(model): \(error)") }
    }

    static let samples = [
        "size,colour,note,y\n1,red,\"a, \"\"b\"\"\",p\n2.5,blue,NA,q\n?,red,x,p\n-1e3,green,,q\n4,e\u{301},\u{E9},p\n",
        "\u{FEFF}a;b;y\r\n1,5;\"x\r\ny\";0\r\n2,5;z;1\r\n;z;0\r\n7;;1\r\n",
        "sep=\t\nx\ty\n1\t3.5\n2\t4.5\n1e999\t5.5\n3\t\n", "x,y\r1,a\r\r2,b\r3,a\r", "x\n\"\"\n1\n2\n",
    ].map { Array($0.utf8) }

    private static let texts = [
        "\"", "\"\"", ",", ";", "\t", "\n", "\r", "\r\n", "\u{301}", "\u{FEFF}", "sep=;\n", "NA", "1e999", "-inf", "1,5", "0",
    ]

    static let tokens = texts.map { Array($0.utf8) } + [[0], [0xC3], [0xFF, 0xFE]]

    static let table: DataTable = {
        do {
            let bytes = samples[0]
            return try DataTable(CSVFile(region: ByteRegion(count: bytes.count) { $0.copyBytes(from: bytes) }, path: "table.csv"))
        } catch { fatalError("\(error)") }
    }()

    static let preparations: [String] = ["y", "size"].map { target in
        do {
            let schema = try TableSchema(table, TableChoice(target: target))
            return try TablePreparation(fittedTo: table, rows: schema.rows, schema: schema).json
        } catch { fatalError("\(error)") }
    }

    /// The same cells after they were written and read.
    static func checkCopy(of table: DataTable, path: String) throws {
        defer { unlink(path) }
        try CSVWriter.write(to: path, names: table.names, separator: table.separator) { writer in
            for row in 0..<table.rowCount { try writer.append(table.row(row)) }
        }
        let copy = try DataTable(path: path, separator: table.separator, header: .present)
        try expectSame(copy.names.map(ExactText.init), table.names.map(ExactText.init), "a copy with other names")
        try expectSame(copy.rowCount, table.rowCount, "a copy with other rows")
        for row in 0..<table.rowCount { try expectSame(copy.row(row).map(ExactText.init), table.row(row).map(ExactText.init), "a copy with other cells") }
    }

    /// Numbers that are finite, and indices and labels that a model of the preparation's sizes takes.
    static func check(_ data: TableDataSet) throws {
        let (sizes, classes) = (data.preparation.categorySizes, data.preparation.classNames?.count ?? 0)
        guard !data.rows.isEmpty else { return }
        let loader = try BatchLoader(data, batchSize: 64, seed: nil, epochs: 1)
        while let batch = try loader.next() {
            if data.preparation.numberCount > 0, !batch.values(of: "numbers", as: Float.self).allSatisfy(\.isFinite) {
                throw Contradiction("a number that is not finite")
            }
            if !sizes.isEmpty {
                for (place, index) in batch.values(of: "categories", as: Int32.self).enumerated() where !(0..<Int32(sizes[place % sizes.count])).contains(index) {
                    throw Contradiction("an index that is none of the vocabulary")
                }
            }
            if classes > 0, !batch.values(of: "label", as: Int32.self).allSatisfy({ $0 >= 0 && Int($0) < classes }) {
                throw Contradiction("a label that is no class")
            }
        }
    }
}
