import Soma

/// A trained model that tells what a picture shows.
public struct Predictor: Sendable {
    /// What the classes are called.
    public let classes: [String]
    /// How a picture of a file becomes what the model takes.
    public let input: PictureInput
    private let device: Device
    /// From the field `image` of samples to logits [n, classes].
    private let model: @Sendable (Tensor) -> Tensor
    private let step: CompiledStep

    /// - Parameter model: from samples [n] + `input.sampleShape` to logits [n, classes].
    init(classes: [String], input: PictureInput, device: Device, model: @escaping @Sendable (Tensor) -> Tensor) {
        (self.classes, self.input, self.device, self.model) = (classes, input, device, model)
        step = compiled { images in withDevice(device) { withInference { model(images) } } }
    }

    /// The probabilities of the classes for each of several pictures: the values of a sample, as `input` makes them.
    /// - Throws: `BackendError`.
    public func probabilities(of pictures: [[Float]]) throws -> [[Float]] {
        let size = input.sampleShape.reduce(1, *)
        precondition(pictures.allSatisfy { $0.count == size }, "pictures have \(size) values")
        let images = Tensor(Array(pictures.joined()), shape: Shape([pictures.count] + input.sampleShape), device: device)
        let output = withDevice(device) { withInference { model(images).softmax(alongAxis: -1) } }
        let values: [Float] = try output.scalars()
        return (0..<pictures.count).map { Array(values[$0 * classes.count..<($0 + 1) * classes.count]) }
    }

    /// How well the model tells the samples of a data set apart.
    /// - Parameter progress: told how many samples are done.
    /// - Throws: `SomaError` where the model's answers are no numbers; what reading a sample or `progress` throws;
    ///   `BackendError`.
    public func evaluate(
        _ dataSet: any DataSet, batchSize: Int = 250, progress: (Int) throws -> Void = { _ in }
    ) throws -> ConfusionMatrix {
        var matrix = ConfusionMatrix(classes: classes)
        let loader = try BatchLoader(dataSet, batchSize: max(1, min(batchSize, dataSet.count)), seed: nil, epochs: 1)
        while let batch = try loader.next() {
            let minibatch = try Minibatch(batch, device: device)
            let logits: [Float] = try step(minibatch["image"]).scalars()
            try matrix.add(logits: logits, labels: batch.values(of: "label", as: Int32.self))
            try progress(matrix.count)
        }
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
}
