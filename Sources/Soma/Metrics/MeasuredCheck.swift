import SomaGraph

// What is measured is looked at when it is first used, and not after an epoch.

extension Measured {
    /// The metrics of a minibatch, whose sums must be numbers that can be added up.
    func checkedMetrics(_ batch: Minibatch) -> [Metric] { Self.checked(metrics(batch)) }

    func checkedDetails(_ batch: Minibatch) -> [Metric] { Self.checked(details(batch)) }

    private static func checked(_ metrics: [Metric]) -> [Metric] {
        for (index, metric) in metrics.enumerated() {
            if metric.sums.isEmpty && metric.rows.isEmpty { programError("metrics", "metric \(index) holds neither sums nor rows") }
            for sum in metric.sums where sum.dtype != .float32 && sum.dtype != .int32 {
                let name = MetricLayout([metric]).names.first.map { "'\($0)'" } ?? "metric \(index)"
                programError(
                    "metrics", "a sum of \(name) is \(sum.dtype) \(sum.shape) and neither float32 nor int32: cast it with as(.float32)")
            }
            for row in metric.rows where row.rank == 0 {
                programError("metrics", "rows of metric \(index) are one number: they are to have a first axis of samples")
            }
        }
        return metrics
    }

    /// Builds the metrics of `count` samples of zeros and throws them away: nothing is computed.
    func check(_ fields: [Field], count: Int, on device: Device) {
        let layout = Capture().recording {
            withDevice(device) { withInference { MetricLayout(checkedMetrics(Minibatch(zerosOf: fields, count: count, device: device))) } }
        }
        let names = layout.names
        FigureName.require(names, "figures")
        if let criterion, let names = layout.allNames, !names.contains(where: { $0.isExactly(criterion.measure) }) {
            programError("metrics", "the criterion '\(criterion.measure)' is none of the figures \(names)")
        }
    }
}
