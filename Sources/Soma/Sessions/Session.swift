import SomaGraph

/// A trained model that answers: what it takes, what it gives, and how well it does on samples whose answers are known.
///
/// ```swift
/// let session = Session(model, input: .picture(.ink(rows: 28, columns: 28, shape: [784])), answer: .classes(names))
/// let picture = try PictureSource(path: "three.png", input: …).picture(0)
/// let probabilities = try session.answers(to: [picture])[0]
/// ```
public struct Session: Sendable {
    /// What the model takes of a sample.
    public let input: SessionInput
    /// What the model gives for a sample.
    public let answer: SessionAnswer
    /// The model, whose parameters go by the names that checkpoints have.
    public let model: any Module
    /// Where the model computes.
    public let device: Device
    /// How the model is measured on data sets with known answers; nil where there is nothing to measure.
    public let measured: (any Measured)?
    /// From samples to the model's results.
    private let forward: @Sendable (Tensor) -> Tensor
    private let step: CompiledStep

    /// Captures what the model does with samples; nothing is computed yet.
    /// - Parameters:
    ///   - model: from samples [n, …] to logits [n, classes], or to the values of the answer.
    ///   - preparation: makes what the model takes of samples [n] + `input.sampleShape`.
    ///   - measured: what data sets with known answers measure it by; nil: what suits the kind of answer, on fields called `image` and `label`.
    public init(
        _ model: some Layer, input: SessionInput, answer: SessionAnswer, behind preparation: (any Layer)? = nil, measured: (any Measured)? = nil,
        device: Device = .current
    ) {
        let whole: any Layer = preparation.map { Sequential($0, model) } ?? model
        (self.input, self.answer, self.model, self.device) = (input, answer, model, device)
        let forward: @Sendable (Tensor) -> Tensor
        switch answer {
        case .classes(let names):
            forward = { whole($0).softmax(alongAxis: -1) }
            self.measured = measured ?? Classification(Sequential(whole), classes: names)
        case .number, .picture:
            forward = { whole($0) }
            self.measured = measured
        }
        self.forward = forward
        step = compiled { samples in withDevice(device) { withInference { forward(samples) } } }
    }

    /// The answers to several samples: the probabilities of the classes, or the values of a picture.
    /// - Parameter samples: `input.sampleShape` values each.
    /// - Throws: `BackendError`.
    public func answers(to samples: [[Float]]) throws -> [[Float]] {
        let size = input.sampleShape.reduce(1, *)
        precondition(samples.allSatisfy { $0.count == size }, "samples have \(size) values")
        let values: [Float] = try step(batch(samples)).scalars()
        let count = answer.valueCount
        return samples.indices.map { Array(values[$0 * count..<($0 + 1) * count]) }
    }

    /// The answers to rows of a table, in their order.
    /// - Throws: what reading a row throws; `BackendError`.
    public func answers(to rows: TableDataSet, batchSize: Int = 1000) throws -> [[Float]] {
        var result: [[Float]] = []
        for start in stride(from: 0, to: rows.count, by: batchSize) {
            result += try answers(to: (start..<min(start + batchSize, rows.count)).map { rows.sample($0) })
        }
        return result
    }

    private func batch(_ samples: [[Float]]) -> Tensor {
        Tensor(Array(samples.joined()), shape: Shape([samples.count] + input.sampleShape), device: device)
    }

    /// What the convolutions of the model make of a sample, in the order in which they come.
    /// - Parameter sample: its values.
    public func featureMaps(of sample: [Float]) -> [FeatureMaps] {
        withDevice(device) { withInference { Soma.featureMaps(of: model) { forward(batch([sample])) } } }
    }

    /// How well the model does on the samples of a data set.
    /// - Parameters:
    ///   - batchSize: samples at a time; nil for as many as take 16 MiB, at most 250.
    ///   - progress: told how many samples were given to the device.
    /// - Throws: `SomaError` where the model's answers are no numbers, where all samples are left out, or where there is nothing to measure; what
    ///   reading a sample or `progress` throws; `BackendError`.
    public func evaluate(
        _ dataSet: any DataSet, _ look: Evaluator.Look = .close, batchSize: Int? = nil, progress: (Int) throws -> Void = { _ in }
    ) throws -> Evaluation {
        guard let measured else { throw SomaError("a model that takes \(input.title) and whose answers nobody knows has nothing to evaluate") }
        return try Evaluator(measured, device: device).evaluate(dataSet, look, batchSize: batchSize, progress: progress)
    }
}
