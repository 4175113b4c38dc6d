import Soma

/// Trials at several depths as tables and pictures.
struct DepthReport {
    let trials: [DepthTrial]

    private var variants: [DeepVariant] { unique(trials.map(\.variant)) }
    private var depths: [Int] { unique(trials.map(\.depth)) }
    private var deepest: [DepthTrial] { trials.filter { $0.depth == depths.max() } }

    private func unique<Value: Hashable>(_ values: [Value]) -> [Value] {
        var seen = Set<Value>()
        return values.filter { seen.insert($0).inserted }
    }

    private func trial(_ variant: DeepVariant, _ depth: Int) -> DepthTrial? { trials.first { $0.variant == variant && $0.depth == depth } }

    /// The gradient's norm layer by layer, for the deepest networks.
    var gradients: Table {
        let rows = (0..<(depths.max() ?? 0)).map { layer in
            ["\(layer + 1)"] + deepest.map { scientific($0.gradientNorms[layer]) }
        }
        return Table("Norm of the gradient of each hidden layer's weights before training", columns: ["layer"] + deepest.map(\.variant.title), rows: rows)
    }

    /// What is left of the gradient at the first layer, at every depth.
    var reach: Table {
        byDepth("Norm of the first hidden layer's gradient before training") { scientific($0.reach) }
    }

    var accuracy: Table {
        byDepth("Share of held-out digits read rightly after training") { $0.hasDiverged ? "diverged" : Quantity.fixed($0.accuracy, 3) }
    }

    private func byDepth(_ title: String, _ cell: (DepthTrial) -> String) -> Table {
        let rows = depths.map { depth in ["\(depth)"] + variants.map { trial($0, depth).map(cell) ?? "" } }
        return Table(title, columns: ["hidden layers"] + variants.map(\.title), rows: rows)
    }

    var gradientChart: SVGChart {
        var chart = SVGChart(
            title: "Gradient before training, \(depths.max() ?? 0) hidden layers", x: ChartAxis("hidden layer, from the pixels on", isCount: true),
            y: ChartAxis("norm", scale: .logarithmic))
        for trial in deepest { chart.add(trial.variant.title, trial.gradientNorms, from: 1) }
        return chart
    }

    var accuracyChart: SVGChart {
        var chart = SVGChart(
            title: "Who learns", x: ChartAxis("hidden layers", isCount: true), y: ChartAxis("share of held-out digits read rightly", limits: 0...1))
        for variant in variants {
            let points = depths.compactMap { depth in trial(variant, depth).map { SVGChart.Point(Double(depth), $0.accuracy) } }
            chart.series.append(.init(variant.title, points: points, isMarked: true))
        }
        return chart
    }
}

/// A number as two digits and a power of ten: 1.2e-07.
func scientific(_ value: Double) -> String {
    guard value.isFinite, value != 0 else { return value == 0 ? "0" : value.isNaN ? "nan" : "\(value)" }
    var (mantissa, exponent) = (value.magnitude, 0)
    while mantissa >= 9.95 { (mantissa, exponent) = (mantissa / 10, exponent + 1) }
    while mantissa < 0.995 { (mantissa, exponent) = (mantissa * 10, exponent - 1) }
    return "\(value < 0 ? "-" : "")\(Quantity.fixed(mantissa, 1))e\(exponent < 0 ? "-" : "+")\(abs(exponent) < 10 ? "0" : "")\(abs(exponent))"
}
