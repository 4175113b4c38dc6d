import Soma

/// What networks remember and how far their gradients reach, before training and after it.
struct CopyReport {
    /// As training began and as it ended.
    let untrained, trained: CopyNetworks
    let heldOut: CopySequences

    /// Sequences that gradients are measured on.
    private static let sequences = 32
    /// How many steps of a long sequence have their gradients measured.
    private static let mostSteps = 60

    private typealias Gradients = (title: String, norms: [(step: Int, norm: Double)])

    /// - Throws: `SomaError` where a file cannot be written; `BackendError`.
    func exhibits(_ folder: String?) throws -> Exhibits {
        let scores = try trained.networks.map { try Evaluator(CopyObjective(network: $0)).evaluate(heldOut, batchSize: 64) }
        let before = try gradients(untrained, "before"), after = try gradients(trained, "trained")
        var exhibits = Exhibits([.table(table(scores, before, after))])
        for (network, score) in zip(trained.networks, scores) {
            exhibits.measures["\(network.kind.rawValue)_accuracy"] = score.value(of: "accuracy")
            exhibits.measures["\(network.kind.rawValue)_loss"] = score.value(of: "loss")
        }
        guard let folder else { return exhibits }
        let path = "\(folder)/gradients.svg"
        try AtomicFile.write(chart(before + after).svg, to: path, links: .replaced)
        exhibits.events.append(.file(path: path))
        return exhibits
    }

    private func gradients(_ networks: CopyNetworks, _ when: String) throws -> [Gradients] {
        let batch = try Minibatch(of: heldOut, 0..<min(Self.sequences, heldOut.count))
        let interval = max(1, (2 * heldOut.symbols + heldOut.delay + Self.mostSteps - 1) / Self.mostSteps)
        return try networks.networks.map { network in
            let norms = try withInference { try network.gradientNorms(tokens: batch["tokens"], targets: batch["targets"], every: interval) }
            return ("\(network.kind.title), \(when)", norms)
        }
    }

    /// The norm at the first state that has all symbols, as a share of the largest.
    private func reach(_ gradients: Gradients) -> String {
        let first = gradients.norms.first { $0.step >= heldOut.symbols }?.norm ?? .nan
        return scientific(first / (gradients.norms.map(\.norm).max() ?? .nan))
    }

    private func table(_ scores: [Evaluation], _ before: [Gradients], _ after: [Gradients]) -> Table {
        var table = Table(
            "\(heldOut.symbols) of \(heldOut.alphabet) symbols told after \(heldOut.delay) steps; by chance "
                + "\(Quantity.fixed(1 / Double(heldOut.alphabet), 3)) are right. Reach: the gradient at the symbols, as a share of the largest",
            columns: ["network", "accuracy", "loss", "reach before training", "after it"],
            rows: scores.indices.map { index in
                [trained.networks[index].kind.title] + ["accuracy", "loss"].map { Quantity.fixed(scores[index].value(of: $0), 3) }
                    + [reach(before[index]), reach(after[index])]
            })
        table.wordColumnCount = 1
        return table
    }

    private func chart(_ all: [Gradients]) -> SVGChart {
        var chart = SVGChart(
            title: "Gradient of the loss by the state behind each step", x: ChartAxis("step", isCount: true),
            y: ChartAxis("norm", scale: .logarithmic))
        chart.series = all.map { gradients in .init(gradients.title, points: gradients.norms.map { .init(Double($0.step), $0.norm) }) }
        return chart
    }
}
