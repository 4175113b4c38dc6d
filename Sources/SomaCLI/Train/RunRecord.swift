import Soma
import SomaZoo

/// What a run leaves in its folder beside the checkpoints: the metrics, and the curves as a picture.
final class RunRecord {
    private let folder: String
    private let title: String
    private let device: Device
    private let metrics: MetricsFile
    /// What to tell of files that were there.
    var remark: String? { metrics.remark }
    private var model = ""
    /// The last reading of the loss, which may still get an evaluation.
    private var pending: MetricsFile.Row?
    private var drawn = ContinuousClock.now
    /// Seconds of the runs that this one continues.
    private var earlierSeconds = 0.0

    /// - Throws: `SomaError` where the folder cannot be written to.
    init(folder: String, title: String, device: Device, resumes: Bool) throws {
        (self.folder, self.title, self.device) = (folder, title, device)
        metrics = try MetricsFile(path: "\(folder)/metrics.csv", resumes: resumes)
    }

    func note(_ event: RecipeEvent) throws {
        switch event {
        case .model(let summary):
            try flush()
            model = summary.title
        case .training(let event): try note(event)
        case .message, .table, .file, .interrupted: break
        }
    }

    private func note(_ event: TrainingEvent) throws {
        switch event {
        case .started(let progress):
            try metrics.drop(model, after: progress.updateCount)
            earlierSeconds = metrics.rows.last { $0.model == model }?.seconds ?? 0
        case .step(let progress, let loss):
            guard let loss else { return }
            try flush()
            pending = row(progress, loss)
        case .epoch(let summary):
            var row = pending ?? row(summary.progress, nil)
            pending = nil
            (row.testLoss, row.testAccuracy) = (summary.evaluation?["loss"], summary.evaluation?["accuracy"])
            row.testTopFive = summary.evaluation?["top5_accuracy"]
            try metrics.append(row)
            if ContinuousClock.now - drawn > .seconds(10) { try draw() }
        case .checkpoint, .compiled, .remark: break
        case .interrupted: try flush()
        }
    }

    private func row(_ progress: TrainingProgress, _ loss: Double?) -> MetricsFile.Row {
        MetricsFile.Row(
            model: model, epoch: progress.epoch + 1, step: progress.updateCount, loss: loss,
            learningRate: progress.learningRate, samplesPerSecond: progress.samplesPerSecond,
            memoryBytes: device.memory.live, seconds: earlierSeconds + progress.seconds)
    }

    private func flush() throws {
        guard let row = pending else { return }
        pending = nil
        try metrics.append(row)
    }

    /// Writes `curves.svg`, where there is anything to draw.
    func draw() throws {
        try flush()
        drawn = .now
        guard let picture = Curves(title: title, rows: metrics.rows).svg else { return }
        try AtomicFile.write(picture, to: "\(folder)/curves.svg", links: .replaced)
    }
}
