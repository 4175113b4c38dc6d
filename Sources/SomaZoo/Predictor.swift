import Soma

/// A trained model that tells what a picture shows.
public struct Predictor: Sendable {
    /// What the classes are called.
    public let classes: [String]
    /// How a picture of a file becomes what the model takes.
    public let input: PictureInput
    /// The network, whose parameters go by the names that checkpoints have.
    public let network: any Layer
    public let device: Device
    /// From the field `image` of samples to what the network takes.
    private let preparation: any Layer
    private let step: CompiledStep

    /// - Parameters:
    ///   - network: gives logits [n, classes].
    ///   - preparation: makes what the network takes of samples [n] + `input.sampleShape`.
    init(classes: [String], input: PictureInput, device: Device, _ network: any Layer, behind preparation: any Layer = Sequential()) {
        (self.classes, self.input, self.device) = (classes, input, device)
        (self.network, self.preparation) = (network, preparation)
        step = compiled { images in withDevice(device) { withInference { network(preparation(images)) } } }
    }

    /// The probabilities of the classes for each of several pictures: the values of a sample, as `input` makes them.
    /// - Throws: `BackendError`.
    public func probabilities(of pictures: [[Float]]) throws -> [[Float]] {
        let size = input.sampleShape.reduce(1, *)
        precondition(pictures.allSatisfy { $0.count == size }, "pictures have \(size) values")
        let images = Tensor(Array(pictures.joined()), shape: Shape([pictures.count] + input.sampleShape), device: device)
        let output = withDevice(device) { withInference { network(preparation(images)).softmax(alongAxis: -1) } }
        let values: [Float] = try output.scalars()
        return (0..<pictures.count).map { Array(values[$0 * classes.count..<($0 + 1) * classes.count]) }
    }

    /// What the convolutions of the network make of a picture, in the order in which they come.
    /// - Parameter picture: the values of a sample.
    public func featureMaps(of picture: [Float]) -> [FeatureMaps] {
        let image = Tensor(picture, shape: Shape([1] + input.sampleShape), device: device)
        return withDevice(device) { withInference { Soma.featureMaps(of: network) { network(preparation(image)) } } }
    }

    /// How well the model tells the samples of a data set apart.
    /// - Parameters:
    ///   - batchSize: samples at a time; nil for as many as take 16 MiB, at most 250.
    ///   - progress: told how many samples are done.
    /// - Returns: the samples but those that the data set leaves out.
    /// - Throws: `SomaError` where the model's answers are no numbers, or all samples are left out; what reading a sample or
    ///   `progress` throws; `BackendError`.
    public func evaluate(
        _ dataSet: any DataSet, batchSize: Int? = nil, progress: (Int) throws -> Void = { _ in }
    ) throws -> ConfusionMatrix {
        var matrix = ConfusionMatrix(classes: classes)
        let sampleBytes = 4 * max(1, input.sampleShape.reduce(1, *))
        let size = batchSize ?? min(250, (1 << 24) / sampleBytes)
        let loader = try BatchLoader(dataSet, batchSize: max(1, min(size, dataSet.count)), seed: nil, epochs: 1)
        while let batch = try loader.next() {
            let minibatch = try Minibatch(batch, device: device)
            let logits: [Float] = try step(minibatch["image"]).scalars()
            try matrix.add(logits: logits, labels: batch.values(of: "label", as: Int32.self))
            try progress(matrix.count)
        }
        if matrix.count == 0 { throw SomaError.nothingToEvaluate(dataSet) }
        return matrix
    }
}

/// What a model takes of a picture.
public enum PictureInput: Sendable {
    /// Ink from 0 to 1, of so many rows and columns, drawn and centred as the digits of data sets are; the samples have
    /// `shape`.
    case ink(rows: Int, columns: Int, shape: [Int])
    /// The picture in grey (1 channel) or colour (3), changed by transforms that lead to pictures of `side` × `side`.
    case photograph([any ImageTransform], channels: Int, side: Int)

    /// The shape of one sample.
    public var sampleShape: [Int] {
        switch self {
        case .ink(_, _, let shape): shape
        case .photograph(_, let channels, let side): [channels, side, side]
        }
    }

    /// Rows and columns of what the model takes.
    public var pictureShape: [Int] {
        switch self {
        case .ink(let rows, let columns, _): [rows, columns]
        case .photograph(_, _, let side): [side, side]
        }
    }
}

/// Samples with known classes, to evaluate a model by.
public struct TestData: Sendable {
    public let dataSet: any DataSet
    /// What they are, in half a sentence.
    public let origin: String
    /// What else there is to tell of them, a line each.
    public var remarks: [String] = []
}
