import SomaGraph
import Synchronization

/// Measures a model over whole data sets, by a step that is captured once and follows the parameters wherever an optimiser moves them.
public final class Evaluator: Sendable {
    /// How closely a model is looked at.
    public enum Look: Hashable, Sendable {
        /// Its metrics.
        case quick
        /// Its details and its metrics.
        case close
    }

    private let measured: any Measured
    private let device: Device
    private let evaluations = Atomic<Int>(0)
    private let known = Mutex<[Kind: Plan]>([:])

    private struct Kind: Hashable {
        let names: [String]
        let look: Look
    }

    /// How minibatches of the same fields are measured.
    private final class Plan: Sendable {
        let layout: MetricLayout
        let step: CompiledStep

        init(layout: MetricLayout, step: CompiledStep) { (self.layout, self.step) = (layout, step) }
    }

    /// Measures what `measured` says on a device.
    public init(_ measured: any Measured, device: Device = .current) {
        (self.measured, self.device) = (measured, device)
    }

    /// What the metrics come to over all samples but those that the data set leaves out.
    /// - Parameters:
    ///   - batchSize: samples at a time; nil for as many as take 16 MiB, at most 250. A data set that has batches of a size gives those.
    ///   - progress: told how many samples were given to the device.
    /// - Throws: `SomaError` where it leaves out all; what reading a sample, a metric or `progress` throws; `BackendError`.
    public func evaluate(
        _ dataSet: some DataSet, _ look: Look = .quick, batchSize: Int? = nil, progress: (Int) throws -> Void = { _ in }
    ) throws -> Evaluation {
        // A program's number that is another in each epoch would be seen by the second evaluation.
        if evaluations.add(1, ordering: .relaxed).newValue.nonzeroBitCount == 1 {
            known.withLock { $0.values.forEach { $0.step.checkNumbersNext() } }
        }
        let size = batchSize ?? min(250, (1 << 24) / dataSet.sampleByteCount)
        let loader = try BatchLoader(
            dataSet, batchSize: dataSet.batching.size ?? max(1, min(size, max(dataSet.count, 1))), seed: nil, epochs: 1, feeding: device)
        var (totals, rows, count): ([Tensor]?, [[Double]], Int) = (nil, [], 0)
        var plan: Plan?
        var backlog = Backlog(device: device)
        while let batch = try loader.next() {
            try backlog.add(batch)
            let minibatch = try Minibatch(batch, device: device)
            let own = plan ?? self.plan(minibatch, look)
            plan = own
            // The totals stay on the device, so that no batch is waited for.
            count += batch.count
            if own.layout.isEmpty {
                totals = []
                try progress(count)
                continue
            }
            let results = try own.step((totals ?? own.layout.zeros(on: device)) + minibatch.tensors)
            totals = Array(results.prefix(own.layout.totalCount))
            try Self.append(results.dropFirst(own.layout.totalCount), to: &rows)
            try backlog.addStep()
            try progress(count)
        }
        guard let plan, let totals else { throw SomaError.nothingToEvaluate(dataSet) }
        let report = try plan.layout.report(sampleCount: count, totals, rows: rows)
        return Evaluation(sampleCount: count, leftOutCount: dataSet.count - count, report: report)
    }

    private static func append(_ tensors: ArraySlice<Tensor>, to rows: inout [[Double]]) throws {
        if rows.isEmpty { rows = tensors.map { _ in [] } }
        for (index, tensor) in tensors.enumerated() { rows[index] += try tensor.scalars(as: Double.self) }
    }

    private func plan(_ minibatch: Minibatch, _ look: Look) -> Plan {
        known.withLock { known in
            let kind = Kind(names: minibatch.names, look: look)
            if let plan = known[kind] { return plan }
            // Built once for what the metrics consist of, and thrown away.
            let layout = MetricLayout(Capture().recording { withDevice(device) { metrics(minibatch, look) } })
            let (names, totalCount) = (minibatch.names, layout.totalCount)
            let step = CompiledStep { [unowned self] inputs in
                let batch = Minibatch(names: names, tensors: Array(inputs.dropFirst(totalCount)))
                return layout.adding(withDevice(device) { metrics(batch, look) }, to: Array(inputs.prefix(totalCount)))
            }
            let plan = Plan(layout: layout, step: step)
            known[kind] = plan
            return plan
        }
    }

    private func metrics(_ batch: Minibatch, _ look: Look) -> [Metric] {
        withInference { (look == .close ? measured.checkedDetails(batch) : []) + measured.checkedMetrics(batch) }
    }
}

extension SomaError {
    /// Of a data set nothing could be read.
    package static func nothingToEvaluate(_ dataSet: some DataSet) -> SomaError {
        let reasons = dataSet.takeRemarks().first.map { ", the first for this reason: \($0)" } ?? ""
        return SomaError("there is nothing to evaluate: none of \(dataSet.count) samples can be read\(reasons)")
    }
}

/// What was found by measuring a model over a data set.
public struct Evaluation: Hashable, Sendable {
    /// Samples that were measured.
    public let sampleCount: Int
    /// Samples that could not be read, and count for nothing.
    public let leftOutCount: Int
    /// What the metrics came to.
    public let report: Report

    /// A report on so many samples.
    public init(sampleCount: Int, leftOutCount: Int = 0, report: Report) {
        (self.sampleCount, self.leftOutCount, self.report) = (sampleCount, leftOutCount, report)
    }

    /// The value of the figure called `name`.
    public subscript(name: String) -> Double? { report[name] }

    /// The value of the figure called `name`, which must be there.
    public func value(of name: String, file: StaticString = #fileID, line: UInt = #line) -> Double { report.value(of: name, file: file, line: line) }
}

extension Evaluation: CustomStringConvertible {
    /// The figures: `loss 0.0931, accuracy 0.9722`.
    public var description: String { report.description }
}
