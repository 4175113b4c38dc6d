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
    /// Where a network computes, and where answers are measured.
    public let device: Device
    /// How the model is measured on data sets with known answers; nil where there is nothing to measure.
    public let measured: (any Measured)?
    private let responder: Responder

    /// Who answers.
    private enum Responder: Sendable {
        /// From samples to the network's results, as a graph and captured.
        case network(any Module, forward: @Sendable (Tensor) -> Tensor, step: CompiledStep)
        case rows(any RowModel, TablePreparation)
    }

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
        (self.input, self.answer, self.device) = (input, answer, device)
        let forward: @Sendable (Tensor) -> Tensor
        switch answer {
        case .classes(let names):
            forward = { model.tapped(whole($0)).softmax(alongAxis: -1) }
            self.measured = measured ?? Classification(Sequential(whole), classes: names)
        case .token:
            forward = { model.tapped(whole($0)).softmax(alongAxis: -1) }
            self.measured = measured
        case .number, .picture:
            forward = { model.tapped(whole($0)) }
            self.measured = measured
        }
        let step = compiled { samples in withDevice(device) { withInference { forward(samples) } } }
        responder = .network(model, forward: forward, step: step)
    }

    /// A session without a network: `model` answers rows of tables.
    /// - Parameters:
    ///   - preparation: how cells become what the model takes; its target is what the model answers.
    ///   - measured: what rows with known answers measure the model by, on their fields and on `RowModelField.answer`.
    ///   - device: where that is measured.
    public init(_ model: some RowModel, rowsOf preparation: TablePreparation, measured: any Measured, device: Device = .current) {
        (input, answer, self.device, self.measured) = (.row(preparation), SessionAnswer(preparation), device, measured)
        responder = .rows(model, preparation)
    }

    /// What answers: a network, or a model without one.
    public var model: SessionModel {
        switch responder {
        case .network(let module, _, _): .network(module)
        case .rows(let model, _): .rows(model)
        }
    }

    /// The answers to several samples: the probabilities of the classes or tokens, or the values of a picture.
    ///
    /// Traps where a sample has another number of values.
    /// - Parameter samples: `input.sampleShape` values each.
    /// - Throws: `BackendError`; what a model without a network throws.
    public func answers(to samples: [[Float]], file: StaticString = #fileID, line: UInt = #line) throws -> [[Float]] {
        requireSizes(samples, "answers", file, line)
        switch responder {
        case .network(_, _, let step):
            let values: [Float] = try step(batch(samples)).scalars()
            let count = answer.valueCount
            return samples.indices.map { Array(values[$0 * count..<($0 + 1) * count]) }
        case .rows(let model, _): return try model.answers(to: samples)
        }
    }

    /// The answers to rows of a table, in their order.
    ///
    /// Traps where the batch size is not above 0, or where rows have other columns than `input`.
    /// - Throws: what reading a row throws; `BackendError`; what a model without a network throws.
    public func answers(
        to rows: TableDataSet, batchSize: Int = 1000, file: StaticString = #fileID, line: UInt = #line
    ) throws -> [[Float]] {
        guard batchSize > 0 else { programError("answers", "a batch size of \(batchSize)", file: file, line: line) }
        var result: [[Float]] = []
        for start in stride(from: 0, to: rows.count, by: batchSize) {
            result += try answers(to: (start..<min(start + batchSize, rows.count)).map { rows.sample($0) }, file: file, line: line)
        }
        return result
    }

    private func batch(_ samples: [[Float]]) -> Tensor {
        Tensor(Array(samples.joined()), shape: Shape([samples.count] + input.sampleShape), device: device)
    }

    private func requireSizes(_ samples: [[Float]], _ operation: String, _ file: StaticString, _ line: UInt) {
        let size = input.sampleShape.reduce(1, *)
        guard let wrong = samples.firstIndex(where: { $0.count != size }) else { return }
        programError(operation, "sample \(wrong) has \(samples[wrong].count) values, and the model takes \(size)", file: file, line: line)
    }

    /// What modules of the network make of samples, in the order in which they come, as a graph; nil where there is no network.
    /// - Returns: the samples [n, …], and the taps. The one with the empty path is the network's own result: logits where classes are told.
    func tapped(
        _ samples: [[Float]], _ operation: String, _ file: StaticString, _ line: UInt
    ) -> (samples: Tensor, taps: [ModuleTap])? {
        requireSizes(samples, operation, file, line)
        switch responder {
        case .network(let module, let forward, _):
            let samples = batch(samples)
            return (samples, withDevice(device) { withInference { Soma.taps(of: module) { forward(samples) }.taps } })
        case .rows: return nil
        }
    }

    /// How well the model does on the samples of a data set.
    /// - Parameters:
    ///   - batchSize: samples at a time; nil for as many as take 16 MiB, at most 250.
    ///   - progress: told how many samples were given to the device.
    /// - Throws: `SomaError` where the model's answers are no numbers, where all samples are left out, or where there is nothing to measure; what
    ///   reading a sample, a model without a network or `progress` throws; `BackendError`.
    public func evaluate(
        _ dataSet: any DataSet, _ look: Evaluator.Look = .close, batchSize: Int? = nil, progress: (Int) throws -> Void = { _ in }
    ) throws -> Evaluation {
        guard let measured else { throw SomaError("a model that takes \(input.title) and whose answers nobody knows has nothing to evaluate") }
        let samples: any DataSet
        switch responder {
        case .network: samples = dataSet
        case .rows(let model, let preparation): samples = AnsweredRows(dataSet, preparation, model)
        }
        return try Evaluator(measured, device: device).evaluate(samples, look, batchSize: batchSize, progress: progress)
    }
}
