import Soma

/// Networks of equal size and unequal depth beside one another, once all are trained.
struct ShallowDeepReport {
    let problems: [DepthProblem]
    let depths: [Int]
    let folds: Int
    /// Problem by problem, depth by depth.
    let networks: [MLP]

    private func network(_ problem: Int, _ depth: Int) -> MLP { networks[problem * depths.count + depth] }

    /// - Throws: `SomaError` where a file cannot be written; `BackendError`.
    func exhibits(_ folder: String?) throws -> Exhibits {
        var accuracies: [[Double]] = []
        for (number, problem) in problems.enumerated() {
            accuracies.append(try depths.indices.map { depth in
                try Evaluator(Classification(network(number, depth))).evaluate(problem.heldOut).value(of: "accuracy")
            })
        }
        var exhibits = Exhibits([.table(table(accuracies)), .table(try constructions())])
        for (problem, row) in zip(problems, accuracies) {
            for (depth, accuracy) in zip(depths, row) { exhibits.measures["\(problem.key)_\(depth)_accuracy"] = accuracy }
        }
        guard let folder else { return exhibits }
        for (name, svg) in [("accuracy", chart(accuracies).svg)] + (try answers().map { [("sawtooth", $0.svg)] } ?? []) {
            try AtomicFile.write(svg, to: "\(folder)/\(name).svg", links: .replaced)
            exhibits.events.append(.file(path: "\(folder)/\(name).svg"))
        }
        return exhibits
    }

    private func table(_ accuracies: [[Double]]) -> Table {
        Table(
            "Share of held-out samples told rightly", columns: ["hidden layers"] + problems.map(\.title) + problems.map { "units, \($0.title)" },
            rows: depths.indices.map { depth in
                ["\(depths[depth])"] + accuracies.map { Quantity.fixed($0[depth], 3) }
                    + problems.indices.map { "\(depths[depth])×\(network($0, depth).hidden[0].weight.shape[0])" }
            })
    }

    /// What can be represented, whoever finds it: the saw-tooth as networks that are written down and not trained.
    private func constructions() throws -> Table {
        let grid = SawTooth(folds: folds, grid: 4096).points
        let x = Tensor(grid)
        let rows = try [("\(folds)", ConstructedSawTooth.deep(x, folds: folds)), ("1", ConstructedSawTooth.shallow(x, folds: folds))].map { layers, made in
            let answers: [Float] = try made.y.scalars()
            let error = zip(grid, answers).map { abs(SawTooth.value($0, folds: folds) - $1) }.max() ?? .nan
            return [layers, "\(made.units)", scientific(Double(error))]
        }
        return Table("The saw-tooth of \(1 << folds) slopes, written down", columns: ["hidden layers", "rectifiers", "largest error"], rows: rows)
    }

    private func chart(_ accuracies: [[Double]]) -> SVGChart {
        var chart = SVGChart(
            title: "As many parameters in more layers", x: ChartAxis("hidden layers", isCount: true),
            y: ChartAxis("share of held-out samples told rightly", limits: 0...1))
        for (problem, row) in zip(problems, accuracies) {
            chart.series.append(.init(problem.title, points: zip(depths, row).map { .init(Double($0), $1) }, isMarked: true))
        }
        return chart
    }

    /// What the shallowest and the deepest network make of the saw-tooth; nil where it is no problem of this run.
    private func answers() throws -> SVGChart? {
        guard let number = problems.firstIndex(where: { $0.key == FoldedFunction.sawtooth.rawValue }), let deepest = depths.indices.last else { return nil }
        let grid = SawTooth(folds: folds, grid: 512).points
        var chart = SVGChart(title: "A saw-tooth of \(1 << folds) slopes", x: ChartAxis("x"), y: ChartAxis("probability of the upper half", limits: 0...1))
        chart.series.append(.init("in the upper half", points: grid.map { .init(Double($0), SawTooth.value($0, folds: folds) > 0.5 ? 1 : 0) }))
        for depth in depths.count > 1 ? [0, deepest] : [0] {
            let logits = network(number, depth)(Tensor(grid.map { 2 * $0 - 1 }, shape: [grid.count, 1]))
            let answers: [Float] = try logits.softmax(alongAxis: 1).scalars()
            let points = grid.indices.map { SVGChart.Point(Double(grid[$0]), Double(answers[2 * $0 + 1])) }
            chart.series.append(.init(Quantity.counted(depths[depth], "hidden layer"), points: points))
        }
        return chart
    }
}
