import Soma

/// A trained model that tells what a picture shows.
public struct Predictor: Sendable {
    /// What the classes are called.
    public let classes: [String]
    /// Rows and columns of the pictures that the model takes.
    public let pictureShape: [Int]
    private let device: Device
    private let model: @Sendable (Tensor) -> Tensor

    /// - Parameter model: from pictures [n, rows · columns] with ink from 0 to 1 to logits [n, classes].
    init(classes: [String], pictureShape: [Int], device: Device, model: @escaping @Sendable (Tensor) -> Tensor) {
        (self.classes, self.pictureShape, self.device, self.model) = (classes, pictureShape, device, model)
    }

    /// The probabilities of the classes for each of several pictures, each of `pictureShape` with ink from 0 to 1.
    /// - Throws: `BackendError`.
    public func probabilities(of pictures: [[Float]]) throws -> [[Float]] {
        let size = pictureShape.reduce(1, *)
        precondition(pictures.allSatisfy { $0.count == size }, "pictures have \(size) pixels")
        let input = Tensor(Array(pictures.joined()), shape: [pictures.count, size], device: device)
        let output = withDevice(device) { withInference { model(input).softmax(alongAxis: -1) } }
        let values: [Float] = try output.scalars()
        return (0..<pictures.count).map { Array(values[$0 * classes.count..<($0 + 1) * classes.count]) }
    }
}
