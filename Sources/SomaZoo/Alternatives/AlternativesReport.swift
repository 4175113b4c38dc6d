import Soma

/// All trials of a run as tables, a file and pictures.
struct AlternativesReport {
    let problems: [AlternativesProblem]
    let trials: [AlternativeTrial]

    /// What was measured, by names that tell the unit and the figure: `digits_svm_0.1_accuracy`.
    var measures: [String: Double] {
        var measures: [String: Double] = [:]
        for problem in problems {
            for trial in trials(problem) {
                measures["\(trial.unit.key)_\(problem.metric)"] = trial.quality
                measures["\(trial.unit.key)_training_seconds"] = trial.trainingSeconds
                measures["\(trial.unit.key)_prediction_seconds"] = trial.predictionSeconds
                measures["\(trial.unit.key)_model_bytes"] = Double(trial.modelBytes)
                measures["\(trial.unit.key)_peak_bytes"] = trial.peakBytes.map { Double($0) }
            }
        }
        return measures
    }

    /// How well each model does with its largest share.
    var test: Report {
        Report(problems.flatMap { problem in
            models(problem).compactMap { model in
                trials(problem).filter { $0.unit.model == model }.max { $0.samples < $1.samples }.map { trial in
                    Figure(
                        "\(problem.name)_\(model.rawValue)_\(problem.metric)", trial.quality, better: .higher,
                        title: "\(problem.name) \(model.rawValue) \(problem.metricTitle)")
                }
            }
        })
    }

    private func trials(_ problem: AlternativesProblem) -> [AlternativeTrial] { trials.filter { $0.unit.problem == problem.name } }

    private func models(_ problem: AlternativesProblem) -> [AlternativeModel] { unique(trials(problem).map(\.unit.model)) }

    private func unique<Value: Hashable>(_ values: [Value]) -> [Value] {
        var seen = Set<Value>()
        return values.filter { seen.insert($0).inserted }
    }

    /// - Throws: `SomaError` where a file cannot be written.
    func events(in folder: String?) throws -> [RecipeEvent] {
        var events: [RecipeEvent] = problems.map { .table(table($0)) }
        guard let folder else { return events }
        try writeRows("\(folder)/results.csv")
        var paths = ["\(folder)/results.csv"]
        for problem in problems {
            for (name, svg) in [(problem.name, byShare(problem).svg), (problem.timeChartName, byTime(problem).svg)] {
                try AtomicFile.write(svg, to: "\(folder)/\(name).svg", links: .replaced)
                paths.append("\(folder)/\(name).svg")
            }
        }
        events += paths.map { .file(path: $0) }
        return events
    }

    // MARK: Tables

    private func table(_ problem: AlternativesProblem) -> Table {
        let rows = trials(problem).map { trial in
            [
                trial.unit.model.rawValue, AlternativeTrial.Unit.percent(trial.unit.share), Quantity.grouped(trial.samples),
                Quantity.fixed(trial.quality, 4), Self.duration(trial.trainingSeconds), Self.duration(trial.predictionSeconds),
                Quantity.bytes(trial.modelBytes), trial.peakBytes.map(Quantity.bytes) ?? "",
            ]
        }
        let columns = ["model", "share, %", "samples", problem.metricTitle, "training", "prediction", "model", "peak"]
        var table = Table("\(problem.name): \(Quantity.counted(problem.heldOut.rows.rows, "sample")) held out", columns: columns, rows: rows)
        table.wordColumnCount = 1
        return table
    }

    /// `1.05 s`, `21.8 ms`, `45 µs`.
    static func duration(_ seconds: Double) -> String {
        if seconds >= 60 { return Quantity.duration(seconds) }
        if seconds >= 1 { return Quantity.significant(seconds, 3) + " s" }
        return seconds >= 1e-3 ? Quantity.significant(1e3 * seconds, 3) + " ms" : Quantity.fixed(1e6 * seconds, 0) + " µs"
    }

    private func writeRows(_ path: String) throws {
        let names = [
            "data", "model", "share", "samples", "metric", "value", "training_seconds", "prediction_seconds", "model_bytes", "peak_bytes",
        ]
        try CSVWriter.write(to: path, names: names) { writer in
            for problem in problems {
                for trial in trials(problem) {
                    try writer.append([
                        problem.name, trial.unit.model.rawValue, trial.unit.share.settingText, "\(trial.samples)", problem.metric, "\(trial.quality)",
                        "\(trial.trainingSeconds)", "\(trial.predictionSeconds)", "\(trial.modelBytes)", trial.peakBytes.map { "\($0)" } ?? "",
                    ])
                }
            }
        }
    }

    // MARK: Pictures

    private func byShare(_ problem: AlternativesProblem) -> SVGChart {
        chart(problem, "by share of the samples", ChartAxis("share of the samples trained on, %", scale: .logarithmic)) { 100 * $0.unit.share }
    }

    private func byTime(_ problem: AlternativesProblem) -> SVGChart {
        chart(problem, "by time of training", ChartAxis("training, seconds", scale: .logarithmic)) { $0.trainingSeconds }
    }

    /// A line for each model through its shares.
    private func chart(_ problem: AlternativesProblem, _ subject: String, _ x: ChartAxis, _ place: (AlternativeTrial) -> Double) -> SVGChart {
        let isShare = !problem.classNames.isEmpty
        let y = isShare ? ChartAxis(problem.metricTitle, scale: .logit) : ChartAxis(problem.metricTitle, limits: 0...1)
        // All right or all wrong is drawn as half a sample more or less, since 1 and 0 have no place there.
        let half = 0.5 / Double(problem.heldOut.rows.rows)
        var chart = SVGChart(title: "\(problem.name): \(problem.metricTitle) \(subject)", x: x, y: y)
        for model in models(problem) {
            let own = trials(problem).filter { $0.unit.model == model }.sorted { $0.samples < $1.samples }
            let points = own.compactMap { trial -> SVGChart.Point? in
                if isShare { return .init(place(trial), min(max(trial.quality, half), 1 - half)) }
                // Worse than the mean: how much would leave the rest no room.
                return trial.quality >= 0 ? .init(place(trial), trial.quality) : nil
            }
            chart.series.append(.init(model.rawValue, points: points, isMarked: true))
        }
        return chart
    }
}
