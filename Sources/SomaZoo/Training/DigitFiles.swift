import Soma

/// The four files of MNIST, or of a data set in the same form, as a recipe reads them.
struct DigitFiles {
    let rows: Int
    let columns: Int
    private let files: MNIST
    /// How a picture of rows and columns is laid out for the network.
    private let isFlat: Bool

    static let need = DataNeed.folder(
        "the four IDX files of MNIST, plain or gzip (soma data mnist fetches them)", usual: "data/mnist")

    /// - Parameter isFlat: whether samples are vectors, and not pictures of one channel.
    /// - Throws: `UsageError` where no folder is named; `SomaError` naming the file that is missing or broken.
    init(_ context: RecipeContext, recipe: String = "mnist-mlp", isFlat: Bool = true) throws {
        files = try MNIST(folder: try Self.required(context.data, recipe))
        guard files.trainingImages.shape.count == 3 else {
            throw SomaError("\(files.trainingImages.path) holds no pictures of rows and columns")
        }
        (rows, columns, self.isFlat) = (files.trainingImages.shape[1], files.trainingImages.shape[2], isFlat)
    }

    /// Pictures of one channel and `side` × `side` pixels.
    /// - Throws: as above, and where they have another size.
    init(_ context: RecipeContext, recipe: String, side: Int) throws {
        try self.init(context, recipe: recipe, isFlat: false)
        guard rows == side, columns == side else {
            throw SomaError("\(context.data ?? "") has pictures of \(rows)×\(columns), and \(recipe) takes \(side)×\(side)")
        }
    }

    static func required(_ folder: String?, _ recipe: String) throws -> String {
        if let folder { return folder }
        throw UsageError("\(recipe) needs --data FOLDER with the four files of MNIST; soma data mnist fetches them")
    }

    /// How many pictures there are to train on.
    var trainingCount: Int { files.trainingImages.count }

    /// Whether a checkpoint is of a run on such files.
    static func areNamed(in checkpoint: Checkpoint) -> Bool { (try? checkpoint.dataFingerprint()?.kind) == .digits }

    /// By which the files are known again.
    var source: any DataSource { files }

    private var shape: [Int] { isFlat ? [rows * columns] : [1, rows, columns] }

    func training() throws -> ImageDataSet {
        try ImageDataSet(images: files.trainingImages, labels: files.trainingLabels, shape: shape)
    }

    func test() throws -> ImageDataSet {
        let test = try ImageDataSet(images: files.testImages, labels: files.testLabels)
        guard files.testImages.shape.dropFirst() == files.trainingImages.shape.dropFirst() else {
            throw SomaError("\(files.testImages.path) has pictures of another size than \(files.trainingImages.path)")
        }
        return isFlat ? test : try ImageDataSet(images: files.testImages, labels: files.testLabels, shape: shape)
    }
}

extension TestData {
    /// The fifth of the embedded digits that no recipe trains on.
    static var embeddedDigits: TestData {
        let heldOut = DigitsRecipe.dataSets.heldOut
        return TestData(dataSet: heldOut, origin: "the \(heldOut.count) embedded digits that were held out")
    }

    /// Digits to evaluate by: the test files of MNIST or of a data set in the same form, or pictures in folders called 0 to 9,
    /// light on dark, which are scaled to the size that the model takes.
    /// - Parameters:
    ///   - checkpoint: of the model that is to be tested.
    ///   - isTrainedOn: whether this is the folder of the run.
    /// - Throws: `SomaError` naming what is missing, empty, or of another size.
    static func digits(
        in folder: String, of checkpoint: Checkpoint, isTrainedOn: Bool, rows: Int, columns: Int, shape: [Int]
    ) throws -> TestData {
        if MNIST.hasTestFiles(in: folder) {
            let (images, labels) = try MNIST.testFiles(in: folder)
            guard Array(images.shape.dropFirst()) == [rows, columns] else {
                let found = images.shape.dropFirst().map(String.init).joined(separator: "×")
                throw SomaError("\(images.path) has pictures of \(found), the model takes \(rows)×\(columns)")
            }
            // What is only tested on need not have files to train on.
            let files = isTrainedOn ? try? MNIST(folder: folder) : nil
            let remarks = try files.map { try checkpoint.comparison(with: $0, isTrainedOn: true, hasTestPart: true).remarks } ?? []
            return TestData(
                dataSet: try ImageDataSet(images: images, labels: labels, shape: shape), origin: "the test pictures in \(folder)", remarks: remarks)
        }
        let pictures = try ImageFolder(path: folder, validationFraction: 0, labelledAs: DigitClasses.names)
        try pictures.require(classes: DigitClasses.names)
        let transforms: [any ImageTransform] = [Resize(PictureSize(height: rows, width: columns))]
        let dataSet = pictures.held(transforms, channels: 1)
        return TestData(dataSet: Reshaped(dataSet, shape), origin: "the pictures in \(folder)", remarks: pictures.remarks)
    }
}

extension ImageFolder {
    /// - Throws: `SomaError` naming a class that the folder has and the model not, or the other way round.
    func require(classes known: [String]) throws {
        if let unknown = classes.first(where: { !known.contains($0) }) {
            throw SomaError("\(path) has the class '\(unknown)', which the model does not know")
        }
        if let missing = known.first(where: { !classes.contains($0) }) {
            throw SomaError("\(path) has no pictures of the class '\(missing)', which the model tells apart")
        }
    }

    /// The pictures held out where there are any, else all, to evaluate on.
    func held(_ transforms: [any ImageTransform], channels: Int) -> ImageFileDataSet {
        validationCount > 0
            ? validation(transforms, channels: channels) : training(transforms, channels: channels, unreadable: .leftOut)
    }
}

/// The samples of another data set, with the values of the field `image` in another shape.
struct Reshaped: DataSet {
    private let base: any DataSet
    let fields: [Field]

    init(_ base: any DataSet, _ shape: [Int]) {
        self.base = base
        fields = base.fields.map { $0.name == "image" ? Field($0.name, $0.dtype, shape) : $0 }
    }

    var count: Int { base.count }
    var readingEffort: ReadingEffort { base.readingEffort }
    func takeRemarks() -> [String] { base.takeRemarks() }
    func read(_ indices: [Int], into batch: BatchMemory) throws { try base.read(indices, into: batch) }
}
