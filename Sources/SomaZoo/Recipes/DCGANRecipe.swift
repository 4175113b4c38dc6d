import Soma

/// A generator of digits and its discriminator train each other.
public struct DCGANRecipe: TrainingRecipe {
    static let adversaries = AdversarialSettings(batch: 32, rate: 1e-3, falls: true, noise: 16, width: 64, judge: 2)

    public let name = "dcgan"
    public let summary = "a generator of digits and its discriminator train each other"
    public let discussion = """
        One network makes pictures of 28×28 of random numbers, by transposed convolutions; another tells them from real ones; each learns from \
        the other (A. Radford, L. Metz and S. Chintala, 2015). With loss=wasserstein the slope of the discriminator is held near 1 and it \
        takes critic=5 steps for one of the generator.

        A loss says nothing of the pictures. So a small classifier is trained first, on the same data, and kept in the checkpoint: by its \
        features and answers every epoch tells the Fréchet distance to held-out digits, how sure and how varied it finds the pictures, and how many \
        of the ten classes there are. The folder samples gets a sheet of pictures of the same random numbers after every epoch, and \
        samples.png shows them one after the other at the end; nearest.png has generated pictures, and below each the most similar one of the data.

        Without --data the digits are few, and the run has 60 epochs unless told otherwise.

          soma train dcgan --data data/mnist --epochs 5
          soma generate runs/dcgan --count 64 --seed 7 --output sheet.png
          soma generate runs/dcgan --seed 7 --walk 12 --output walk.png
        """
    public var settings: [any AnySetting] { Self.adversaries.all }
    public let data = DataNeed.either(
        folder: "the four IDX files of MNIST, plain or gzip (soma data mnist fetches them)", embedded: "the embedded digits, enlarged to 28×28")
    public let defaultEpochs = 20

    /// Settings come with the context of each run.
    public init() {}

    public func fitted(_ context: RecipeContext) throws -> RecipeContext {
        var context = context
        Self.adversaries.fit(&context.settings)
        guard context.data == nil else { return context }
        if !context.settings.isChosen(Self.adversaries.judge) { context.settings.choose(Self.adversaries.judge, 20) }
        if context.chosenEpochs == nil { context.epochs = 60 }
        return context
    }

    public func experiment(_ context: RecipeContext) throws -> Experiment {
        let digits = try DigitPictures(context, recipe: name)
        let pictures = LabelledPictures(
            training: digits.training, heldOut: digits.heldOut, format: .digits, classes: DigitClasses.names, metadata: digits.metadata)
        return try Self.adversaries.experiment(try fitted(context), pictures)
    }

    public func session(_ checkpoint: Checkpoint, device: Device) throws -> Session {
        try Self.adversaries.session(checkpoint, of: self, .digits, classes: DigitClasses.names, device: device)
    }

    public func testData(of checkpoint: Checkpoint, in folder: String?, isTrainedOn: Bool) throws -> TestData {
        let (settings, side) = (try SavedRun(checkpoint).settings, DCGANFormat.digits.side)
        guard let folder else {
            if DigitFiles.areNamed(in: checkpoint) { throw UsageError("\(checkpoint.path) was trained on the files of a folder: name it by --data") }
            let heldOut = EnlargedDigits.parts.heldOut
            return TestData(
                dataSet: Self.adversaries.withNoise(heldOut, settings), origin: "as many pictures as the \(heldOut.count) embedded digits that were held out")
        }
        let test = try TestData.digits(
            in: folder, of: checkpoint, isTrainedOn: isTrainedOn, rows: side, columns: side, shape: [1, side, side])
        return TestData(
            dataSet: Self.adversaries.withNoise(test.dataSet, settings), origin: "as many pictures as \(test.origin)", remarks: test.remarks)
    }
}
