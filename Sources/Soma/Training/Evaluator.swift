import SomaGraph
import Synchronization

/// Measures a model over whole data sets, by a step that is captured once and follows the parameters wherever an optimiser moves them.
public final class Evaluator: Sendable {
    private let objective: any Objective
    private let device: Device
    private let evaluations = Atomic<Int>(0)
    private let step = Mutex<(names: [String], step: CompiledStep)?>(nil)

    public init(_ objective: any Objective, device: Device = .current) {
        (self.objective, self.device) = (objective, device)
    }

    /// The means of the objective's measures over all samples but those that the data set leaves out, by name.
    /// - Throws: `SomaError` where it leaves out all; what reading a sample throws; `BackendError`.
    public func evaluate(_ dataSet: some DataSet, batchSize: Int = 250) throws -> Evaluation {
        let names = objective.measureNames
        // A program's number that is another in each epoch would be seen by the second evaluation.
        if evaluations.add(1, ordering: .relaxed).newValue.nonzeroBitCount == 1 { step.withLock { $0?.step.checkNumbersNext() } }
        let loader = try BatchLoader(dataSet, batchSize: batchSize, seed: nil, epochs: 1, feeding: device)
        // The totals stay on the device, so that no batch is waited for.
        var totals = Tensor([Float](repeating: 0, count: names.count), device: device)
        var count = 0
        var backlog = Backlog(device: device)
        while let batch = try loader.next() {
            try backlog.add(batch)
            let minibatch = try Minibatch(batch, device: device)
            totals = try step(minibatch.names)([totals] + minibatch.tensors)[0]
            try backlog.addStep()
            count += batch.count
        }
        if count == 0 { throw SomaError.nothingToEvaluate(dataSet) }
        let means = try totals.scalars(as: Float.self).map { Double($0) / Double(count) }
        return Evaluation(sampleCount: count, leftOutCount: dataSet.count - count, values: Dictionary(uniqueKeysWithValues: zip(names, means)))
    }

    private func step(_ names: [String]) -> CompiledStep {
        step.withLock { known in
            if let known, known.names == names { return known.step }
            let made = CompiledStep { [objective, device] inputs in
                let batch = Minibatch(names: names, tensors: Array(inputs.dropFirst()))
                let measures = withDevice(device) { withInference { objective.checkedMeasures(batch) } }
                return [inputs[0] + Tensor(stacking: measures)]
            }
            known = (names, made)
            return made
        }
    }
}

extension SomaError {
    /// Of a data set nothing could be read.
    package static func nothingToEvaluate(_ dataSet: some DataSet) -> SomaError {
        let reasons = dataSet.takeRemarks().first.map { ", the first for this reason: \($0)" } ?? ""
        return SomaError("there is nothing to evaluate: none of \(dataSet.count) samples can be read\(reasons)")
    }
}

/// Means over the samples of a data set.
public struct Evaluation: Hashable, Sendable {
    /// Samples that were measured.
    public let sampleCount: Int
    /// Samples that could not be read, and count for nothing.
    public let leftOutCount: Int
    /// By the names of the objective's measures.
    public let values: [String: Double]

    public init(sampleCount: Int, leftOutCount: Int = 0, values: [String: Double]) {
        (self.sampleCount, self.leftOutCount, self.values) = (sampleCount, leftOutCount, values)
    }

    public subscript(name: String) -> Double? { values[name] }
}
