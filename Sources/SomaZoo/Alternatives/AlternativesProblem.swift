import Soma
import SomaEstimators

/// Something to learn, with the samples to learn it from in an order of which every beginning has each class's share, and others to test on.
struct AlternativesProblem {
    /// Samples with what is to be told of them.
    struct Samples {
        let rows: Matrix
        /// The class of each row; empty where a number is told.
        let classes: [Int]
        /// The number of each row, standardised; empty where a class is told.
        let numbers: [Float]

        func selecting(_ indices: [Int]) -> Samples {
            Samples(
                rows: rows.selecting(indices), classes: classes.isEmpty ? [] : indices.map { classes[$0] },
                numbers: numbers.isEmpty ? [] : indices.map { numbers[$0] })
        }
    }

    /// Samples as a network takes them.
    struct NetworkData {
        let training: any DataSet
        let heldOut: any DataSet
    }

    /// As tables and files call it: `digits`, or the file of a table without its ending.
    let name: String
    let training: Samples
    let heldOut: Samples
    /// What classes are called; none where a number is told.
    let classNames: [String]
    /// The same samples as vectors of pixels or rows of a table.
    let vectors: NetworkData
    /// The same samples as pictures of 28×28 pixels; nil where they are none.
    let pictures: NetworkData?
    /// How the columns of a table become numbers; nil of digits.
    let preparation: TablePreparation?
    /// What checkpoints say of the data, which a run that goes on must find as they were.
    let metadata: [String: String]
    /// The training samples, so that those of a smaller share are among those of a larger.
    private let order: [Int]

    /// The file of the chart of times, without its ending.
    var timeChartName: String { "\(name)-time" }
    /// What says how well the target is told: `accuracy`, or `r2` of a number.
    var metric: String { classNames.isEmpty ? "r2" : "accuracy" }
    /// The same for people.
    var metricTitle: String { classNames.isEmpty ? "R²" : "accuracy" }

    /// The samples of a share, one at least.
    func samples(of share: Double) -> [Int] { Array(order.prefix(max(1, Int((Double(order.count) * share).rounded())))) }

    /// Refuses a share that a model cannot learn from.
    /// - Throws: `UsageError` in one line that says which and why.
    func check(_ share: Double, _ models: [AlternativeModel], neighbours: Int) throws {
        let samples = samples(of: share)
        let place = "shares=\(share.settingText) of \(name) are \(Quantity.counted(samples.count, "sample"))"
        guard samples.count > 1 else { throw UsageError("\(place), and nothing can be learnt from one: take a larger share") }
        if models.contains(.knn) && neighbours > samples.count {
            throw UsageError("\(place), too few for neighbours=\(neighbours): take a larger share")
        }
        let classes = Set(samples.map { training.classes.isEmpty ? 0 : training.classes[$0] })
        if let missing = Set(training.classes).subtracting(classes).min() {
            throw UsageError("\(place), without any of the class \(classNames[missing]): take a larger share")
        }
    }

    private init(
        name: String, _ vectors: NetworkData, _ samples: (training: Samples, heldOut: Samples), classNames: [String], pictures: NetworkData? = nil,
        _ preparation: TablePreparation? = nil, metadata: [String: String], seed: UInt64
    ) {
        (self.name, self.vectors, self.pictures, self.preparation) = (name, vectors, pictures, preparation)
        (training, heldOut, self.classNames, self.metadata) = (samples.training, samples.heldOut, classNames, metadata)
        order = Self.order(training, seed: seed)
    }

    /// A stream of its own, so that no other use of the seed meets the same numbers.
    private static let ordering: UInt64 = (1 << 62) - 4

    /// At random, but so that each beginning has the classes in their shares: member k of a class of n stands at (k + ½) / n.
    private static func order(_ samples: Samples, seed: UInt64) -> [Int] {
        var random = Philox(seed: seed, stream: ordering)
        let classes = samples.classes.isEmpty ? [Int](repeating: 0, count: samples.rows.rows) : samples.classes
        let members = Dictionary(grouping: classes.indices) { classes[$0] }.sorted { $0.key < $1.key }.map(\.value)
        let placed = members.flatMap { members in
            random.permutation(of: members.count).enumerated().map { (place: (Double($0) + 0.5) / Double(members.count), sample: members[$1]) }
        }
        return placed.enumerated().sorted { ($0.element.place, $0.offset) < ($1.element.place, $1.offset) }.map(\.element.sample)
    }
}

// MARK: - Digits

extension AlternativesProblem {
    /// The digits of a folder or the embedded ones, as pixels from 0 to 1.
    /// - Throws: `SomaError` where files are missing or broken; `UsageError` for a fold of files, which have a part of their own to test on.
    static func digits(_ context: RecipeContext, recipe: String) throws -> AlternativesProblem {
        if context.fold != nil && context.data != nil {
            throw UsageError("the files in \(context.data ?? "") have a part of their own to test on, and are dealt to no folds: leave out --data")
        }
        let (flat, pictures) = (try FlatDigits(context, recipe: recipe), try DigitPictures(context, recipe: recipe))
        var vectors = NetworkData(training: flat.training, heldOut: flat.heldOut)
        var images = NetworkData(training: pictures.training, heldOut: pictures.heldOut)
        if let fold = context.fold {
            let parts = try folds(try samples(Digits.dataSet).classes, fold, seed: context.seed)
            func dealt(_ all: some DataSet) -> NetworkData {
                NetworkData(training: Subset(all, indices: parts.training), heldOut: Subset(all, indices: parts.heldOut))
            }
            (vectors, images) = (dealt(Digits.dataSet), dealt(EnlargedDigits()))
        }
        return AlternativesProblem(
            name: "digits", vectors, (try samples(vectors.training), try samples(vectors.heldOut)), classNames: DigitClasses.names, pictures: images,
            metadata: flat.metadata, seed: context.seed)
    }

    /// Deals samples to folds of equal size, in which classes have their shares.
    private static func folds(_ classes: [Int], _ fold: Fold, seed: UInt64) throws -> (training: [Int], heldOut: [Int]) {
        guard fold.count <= classes.count else { throw SomaError("\(classes.count) digits cannot be dealt to \(fold.count) folds") }
        var random = Philox(seed: seed, stream: ordering)
        let members = Dictionary(grouping: classes.indices) { classes[$0] }.sorted { $0.key < $1.key }.map(\.value)
        let dealt = members.flatMap { members in random.permutation(of: members.count).map { members[$0] } }
        let parts = (0..<2).map { part in dealt.indices.filter { ($0 % fold.count == fold.number) == (part == 1) }.map { dealt[$0] }.sorted() }
        return (parts[0], parts[1])
    }

    /// All samples of `image` and `label`.
    private static func samples(_ dataSet: any DataSet) throws -> Samples {
        let loader = try BatchLoader(dataSet, batchSize: 1000, seed: nil, epochs: 1)
        var (values, labels): ([Float], [Int]) = ([], [])
        while let batch = try loader.next() {
            values += batch.values(of: "image", as: Float.self)
            labels += batch.values(of: "label", as: Int32.self).map { Int($0) }
        }
        guard !labels.isEmpty else { throw SomaError("there are no digits") }
        return Samples(rows: Matrix(rows: labels.count, columns: values.count / labels.count, values: values), classes: labels, numbers: [])
    }
}

// MARK: - Tables

extension AlternativesProblem {
    /// A column of a table, told from the others. Columns are scaled by all rows that are not held out, whatever the share.
    /// - Throws: `SomaError` that names the file and what is wrong in it.
    static func table(_ table: AlternativeTable, _ context: RecipeContext) throws -> AlternativesProblem {
        let (path, target): (String?, String) = switch table {
        case .penguins: (nil, "species")
        case .file(let path, let target): (path, target)
        }
        let data = try path.map { try DataTable(path: $0) } ?? Penguins.table
        let schema = try TableSchema(data, TableChoice(target: target))
        let heldOut = context.settings[AlternativesRecipe.heldOut]
        let parts =
            try context.fold.map { try schema.folds($0.count, seed: context.seed)[$0.number] } ?? schema.split(heldOut: heldOut, seed: context.seed)
        guard parts.training.count > 1, !parts.heldOut.isEmpty else {
            throw SomaError("\(data.path) has \(schema.rows.count) rows with a target: too few to train on some and test on others")
        }
        let preparation = try TablePreparation(fittedTo: data, rows: parts.training, schema: schema)
        let sets = [parts.training, parts.heldOut]
        let rows = try sets.map { try TableDataSet(data, rows: $0, preparation) }
        let (name, print) = (name(path), try data.fingerprint(ofColumns: preparation.columnNames).description)
        let metadata = ["alternatives.data.\(name)": print]
        if let checkpoint = context.checkpoint, metadata.contains(where: { checkpoint.metadata[$0.key] != $0.value }) {
            throw SomaError("\(data.path) is not the table that \(checkpoint.path) was trained on", hint: "begin anew without --resume")
        }
        return AlternativesProblem(
            name: name, NetworkData(training: rows[0], heldOut: rows[1]), (try samples(rows[0]), try samples(rows[1])),
            classNames: preparation.classNames ?? [], preparation, metadata: metadata, seed: context.seed)
    }

    private static func samples(_ data: TableDataSet) throws -> Samples {
        let rows = try TableColumns(data.preparation).matrix((0..<data.count).map { data.sample($0) })
        return Samples(rows: rows, classes: data.labels.map { Int($0) }, numbers: data.targets)
    }

    /// The file without folder and ending, of letters and digits of ASCII, `_` and `-`.
    private static func name(_ path: String?) -> String {
        guard let path else { return "penguins" }
        let file = PathText.split(path).name
        let stem = file.hasSuffix(".csv") ? String(file.dropLast(4)) : file
        return String(stem.map { $0.isASCII && ($0.isLetter || $0.isNumber || $0 == "-") ? $0 : "_" })
    }
}
