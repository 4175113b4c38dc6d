import Soma

/// A multilayer perceptron reads the 70,000 digits of MNIST.
public struct MNISTRecipe: Recipe {
    static let options = ClassifierSettings(
        hidden: [512, 256], batch: 128, rate: 2e-3, warmup: 300, dropout: 0.3, smoothing: 0.1, shift: 1)

    public let name = "mnist-mlp"
    public let summary = "a multilayer perceptron reads the 70,000 digits of MNIST"
    public let discussion = """
        Hidden layers of 512 and 256 rectifiers between 28×28 pixels and 10 classes. Settings are chosen with \
        validation=N, which leaves the test set out of sight until the last epoch is over.

        The network by which neural networks are often explained, of two layers of 16 sigmoid units, is too small for \
        the dropout, smoothing and shifts that help the larger one. It reads 0.95 of the test set after

          soma train mnist-mlp --epochs 10 hidden=16,16 activation=sigmoid \\
            dropout=0 smoothing=0 shift=0 lr=1e-2
        """
    public var settings: [any AnySetting] { Self.options.all }
    public let data = DataNeed.folder("the four IDX files of MNIST, plain or gzip (soma data mnist fetches them)")
    public let defaultEpochs = 20

    public init() {}

    /// - Throws: `UsageError` where no folder is named; `SomaError` naming the file that is missing or broken.
    private func mnist(_ context: RecipeContext) throws -> MNIST {
        guard let folder = context.data else {
            throw UsageError("\(name) needs --data FOLDER with the four files of MNIST; soma data mnist fetches them")
        }
        return try MNIST(folder: folder)
    }

    private func classifier(_ context: RecipeContext, _ images: IDXFile) throws -> ClassifierRun {
        guard images.shape.count == 3 else {
            throw SomaError("\(images.path) holds no pictures of rows and columns")
        }
        return ClassifierRun(
            recipe: self, context: context, options: Self.options, pictureShape: Array(images.shape.dropFirst()))
    }

    public func run(_ context: RecipeContext) throws -> RecipeResult {
        let files = try mnist(context)
        let training = try ImageDataSet(images: files.trainingImages, labels: files.trainingLabels)
        let test = try ImageDataSet(images: files.testImages, labels: files.testLabels)
        guard files.testImages.shape.dropFirst() == files.trainingImages.shape.dropFirst() else {
            throw SomaError("\(files.testImages.path) has pictures of another size than \(files.trainingImages.path)")
        }
        return try classifier(context, files.trainingImages).run(training: training, test: test)
    }

    public func probe(_ context: RecipeContext) throws -> [Tensor] {
        let files = try mnist(context)
        let training = try ImageDataSet(images: files.trainingImages, labels: files.trainingLabels)
        return try classifier(context, files.trainingImages).probe(training: training)
    }

    public func predictor(_ checkpoint: Checkpoint, device: Device) throws -> Predictor {
        try ClassifierRun.predictor(self, Self.options, pictureShape: [28, 28], checkpoint, device: device)
    }
}
