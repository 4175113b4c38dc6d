/// What a run leaves in its folder beside the checkpoints: `metrics.csv`, and the curves as `curves.svg`.
///
/// ```swift
/// let folder = RunFolder(path: "runs/mine")
/// try folder.open()
/// let record = try RunRecord(folder: folder.path, title: "mine", resumes: false)
/// try trainer.run(on: training, evaluatingOn: heldOut, observer: record)
/// try record.draw()
/// ```
public final class RunRecord: RunObserver {
    private let folder: String
    private let title: String
    private let device: Device
    private let metrics: MetricsFile
    /// What to tell of files that were there.
    public var remark: String? { metrics.remark }
    private var model: String
    /// The last reading of the losses, which may still get an evaluation, and its values in their order.
    private var pending: (row: MetricsFile.Row, order: [String])?
    /// How the values are to be read, by the names of their columns.
    private var figures: [String: Figure] = [:]
    private var drawn = ContinuousClock.now
    /// Seconds of the runs that this one continues.
    private var earlierSeconds = 0.0

    /// Opens `metrics.csv` in the folder of a run.
    /// - Parameters:
    ///   - folder: where the files are, which exists.
    ///   - title: what the curves are of; also what the model is called in the rows until `begin` says otherwise.
    ///   - resumes: whether rows of a `metrics.csv` that is there are kept.
    /// - Throws: `SomaError` where the folder cannot be written to.
    public init(folder: String, title: String, device: Device = .current, resumes: Bool) throws {
        (self.folder, self.title, self.device, model) = (folder, title, device, MetricsFile.Row.cell(title))
        metrics = try MetricsFile(path: "\(folder)/metrics.csv", resumes: resumes)
    }

    /// Calls the rows that follow those of another model, or of another phase.
    /// - Throws: `SomaError` where the file cannot be written.
    public func begin(_ model: String) throws {
        try flush()
        self.model = MetricsFile.Row.cell(model)
    }

    /// Notes a step of a training loop.
    /// - Throws: `SomaError` where a file cannot be written.
    public func note(_ event: TrainingEvent) throws {
        switch event {
        case .phase(let name, _, _): try begin("\(title): \(name)")
        case .started(let progress):
            try metrics.drop(model, after: progress.updateCount)
            earlierSeconds = metrics.rows.last { $0.model == model }?.seconds ?? 0
        case .step(let progress, let losses):
            guard let losses else { return }
            try flush()
            pending = reading(progress, losses)
        case .epoch(let summary):
            var (row, order) = pending ?? reading(summary.progress, [])
            pending = nil
            for figure in summary.evaluation?.report.figures ?? [] { note(figure, as: "test_\(figure.name)", &row, &order) }
            try metrics.append(row, order)
            if ContinuousClock.now - drawn > .seconds(10) { try draw() }
        case .checkpoint, .compiled, .remark, .file, .stoppedEarly: break
        case .interrupted: try flush()
        }
    }

    private func reading(_ progress: TrainingProgress, _ losses: [Figure]) -> (MetricsFile.Row, [String]) {
        var row = MetricsFile.Row(
            model: model, epoch: progress.epoch + 1, step: progress.updateCount, learningRate: progress.learningRate,
            samplesPerSecond: progress.samplesPerSecond, memoryBytes: device.memory.live, seconds: earlierSeconds + progress.seconds)
        var order: [String] = []
        for loss in losses { note(loss, as: loss.name, &row, &order) }
        return (row, order)
    }

    private func note(_ figure: Figure, as name: String, _ row: inout MetricsFile.Row, _ order: inout [String]) {
        row.values[name] = figure.value
        figures[name] = figure
        order.append(name)
    }

    private func flush() throws {
        guard let (row, order) = pending else { return }
        pending = nil
        try metrics.append(row, order)
    }

    /// Writes `curves.svg`, where there is anything to draw.
    /// - Throws: `SomaError` where it cannot be written.
    public func draw() throws {
        try flush()
        drawn = .now
        guard let picture = Curves(title: title, rows: metrics.rows, names: metrics.names, figures: figures).svg else { return }
        try AtomicFile.write(picture, to: "\(folder)/curves.svg", links: .replaced)
    }
}
