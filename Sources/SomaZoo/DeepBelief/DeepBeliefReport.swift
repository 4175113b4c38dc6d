import Soma

/// The networks of a run beside one another, once all are trained.
struct DeepBeliefReport {
    /// One network: what it is called, its key among figures, itself, and its gradient before it was trained by classes.
    struct Row {
        let title: String
        let key: String
        let network: MLP
        let norms: State
    }

    let rows: [Row]

    init(_ networks: DeepBeliefNetworks, initialization: Initialization) {
        rows = [
            Row(title: "sigmoid, pre-trained", key: "pretrained", network: networks.pretrained, norms: networks.pretrainedNorms),
            Row(title: "sigmoid, random (\(initialization.rawValue))", key: "random", network: networks.random, norms: networks.randomNorms),
            Row(title: "ReLU, random (he)", key: "rectified", network: networks.rectified, norms: networks.rectifiedNorms),
        ]
    }

    /// Tables and pictures.
    /// - Parameter evaluate: the figures of a network on the data that were not trained on.
    /// - Throws: what `evaluate` throws; `SomaError` where a file cannot be written; `BackendError`.
    func exhibits(_ folder: String?, evaluate: (MLP) throws -> Evaluation) throws -> Exhibits {
        let norms = try rows.map { try $0.norms.tensor.scalars(as: Float.self).map(Double.init) }
        let accuracies = try rows.map { try evaluate($0.network).value(of: "accuracy") }
        var exhibits = Exhibits([.table(errors(accuracies, norms)), .table(gradients(norms))])
        for (row, accuracy) in zip(rows, accuracies) { exhibits.measures["\(row.key)_accuracy"] = accuracy }
        guard let folder else { return exhibits }
        let path = "\(folder)/gradients.svg"
        try AtomicFile.write(chart(norms).svg, to: path, links: .replaced)
        exhibits.events.append(.file(path: path))
        for row in rows {
            let path = "\(folder)/filters-\(row.key).png"
            let units = row.network.hidden[0].weight.tensor
            try PixelSheet.filters(units[0..<min(units.shape[0], 100)]).write(to: path, links: .replaced)
            exhibits.events.append(.file(path: path))
        }
        return exhibits
    }

    private func errors(_ accuracies: [Double], _ norms: [[Double]]) -> Table {
        Table(
            "Error on digits that were held out", columns: ["network", "error", "gradient at the first layer, of that at the last"],
            rows: zip(rows, zip(accuracies, norms)).map { row, values in
                let (accuracy, norms) = values
                let share = (norms.first ?? 0) / max(norms.last ?? 0, .leastNormalMagnitude)
                return [row.title, "\(Quantity.fixed(100 * (1 - accuracy), 2)) %", scientific(share)]
            })
    }

    private func gradients(_ norms: [[Double]]) -> Table {
        Table(
            "Norm of the gradient of each hidden layer's weights before training by classes", columns: ["layer"] + rows.map(\.title),
            rows: norms[0].indices.map { layer in ["\(layer + 1)"] + norms.map { scientific($0[layer]) } })
    }

    private func chart(_ norms: [[Double]]) -> SVGChart {
        var chart = SVGChart(
            title: "Gradient before training by classes", x: ChartAxis("hidden layer, from the pixels on", isCount: true),
            y: ChartAxis("norm", scale: .logarithmic))
        for (row, norms) in zip(rows, norms) { chart.add(row.title, norms, from: 1) }
        return chart
    }
}
