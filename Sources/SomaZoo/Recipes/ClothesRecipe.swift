import Soma

/// A generator of garments and its discriminator train each other: random numbers in, a garment out.
public struct ClothesRecipe: TrainingRecipe {
    static let adversaries = AdversarialSettings(batch: 32, rate: 4e-4, noise: 100, width: 24, judge: 2)
    static let pictures = Setting("pictures", 4096, "garments that are drawn to train on", in: 64...1_000_000)

    public let name = "clothes"
    public let summary = "a designer of garments: a generator and its discriminator train each other on T-shirts, coats, bags and shoes in colour"
    public let discussion = """
        A DCGAN as in Radford's paper: pictures of 64×64 in colour, from 100 random numbers by four transposed convolutions. What it learns from \
        are garments of eight kinds that the program draws by the seed, with cuts, lengths, colours and patterns that vary; each epoch has the same \
        ones. With --data it learns from the four IDX files of Fashion-MNIST, which are grey and of 28×28.

        As with dcgan a classifier is trained first, by whose features and answers every epoch tells how good and how varied the garments are. \
        nearest.png has generated ones, and below each the most similar one of the data: whether it was designed or learnt by heart.

          soma train clothes
          soma generate runs/clothes --count 48 --output sheet.png
        """
    public var settings: [any AnySetting] { [Self.pictures] + Self.adversaries.all }
    public let data = DataNeed.either(
        folder: "the four IDX files of Fashion-MNIST, plain or gzip", embedded: "garments of 64×64 pixels in colour, drawn by the program")
    public let defaultEpochs = 30

    /// Settings come with the context of each run.
    public init() {}

    /// Garments to measure by, of other numbers than any that is trained on.
    private static let heldOut = GarmentDataSet(seed: 0, range: 1_000_000..<1_000_512)
    /// Classes of Fashion-MNIST (H. Xiao, K. Rasul, R. Vollgraf, 2017).
    private static let fashionClasses = ["T-shirt", "trousers", "pullover", "dress", "coat", "sandal", "shirt", "trainer", "bag", "boot"]

    public func fitted(_ context: RecipeContext) throws -> RecipeContext {
        var context = context
        Self.adversaries.fit(&context.settings)
        return context
    }

    public func experiment(_ context: RecipeContext) throws -> Experiment {
        let context = try fitted(context)
        return try Self.adversaries.experiment(context, try pictures(context))
    }

    private func pictures(_ context: RecipeContext) throws -> LabelledPictures {
        guard context.data == nil else {
            let files = try DigitPictures(context, recipe: name)
            return LabelledPictures(
                training: files.training, heldOut: files.heldOut, format: .digits, classes: Self.fashionClasses, metadata: files.metadata)
        }
        let metadata = try context.metadata(of: nil)
        let training = GarmentDataSet(seed: 0, range: 0..<context.settings[Self.pictures])
        return LabelledPictures(training: training, heldOut: Self.heldOut, format: .colour64, classes: Garment.names, metadata: metadata)
    }

    public func session(_ checkpoint: Checkpoint, device: Device) throws -> Session {
        let isOfFiles = DigitFiles.areNamed(in: checkpoint)
        return try Self.adversaries.session(
            checkpoint, of: self, isOfFiles ? .digits : .colour64, classes: isOfFiles ? Self.fashionClasses : Garment.names, device: device)
    }

    public func testData(of checkpoint: Checkpoint, in folder: String?, isTrainedOn: Bool) throws -> TestData {
        let settings = try SavedRun(checkpoint).settings
        guard DigitFiles.areNamed(in: checkpoint) else {
            if let folder { throw UsageError("\(checkpoint.path) was trained on garments that the program draws: leave out --data \(folder)") }
            return TestData(
                dataSet: Self.adversaries.withNoise(Self.heldOut, settings), origin: "as many pictures as \(Self.heldOut.count) garments that were held out")
        }
        let test = try TestData.digits(
            in: DigitFiles.required(folder, name), of: checkpoint, isTrainedOn: isTrainedOn, rows: 28, columns: 28, shape: [1, 28, 28])
        return TestData(dataSet: Self.adversaries.withNoise(test.dataSet, settings), origin: "as many pictures as \(test.origin)", remarks: test.remarks)
    }
}
