import SomaGraph

/// What the metrics of a minibatch hold, without their tensors: how totals travel from minibatch to minibatch, and what is made of them.
///
/// Sums of rank 0 and float32 travel together, as one vector.
struct MetricLayout: Sendable {
    private struct Part {
        let sums: [(shape: Shape, dtype: DType)]
        let rowCount: Int
        let report: @Sendable (MetricTotals) throws -> Report
    }

    private let parts: [Part]
    /// How many sums are one number.
    private let scalarCount: Int
    private let rest: [(shape: Shape, dtype: DType)]

    init(_ metrics: [Metric]) {
        parts = metrics.map { metric in
            Part(sums: metric.sums.map { ($0.shape, $0.dtype) }, rowCount: metric.rows.count, report: metric.report)
        }
        let all = parts.flatMap(\.sums)
        scalarCount = all.count(where: Self.isNumber)
        rest = all.filter { !Self.isNumber($0) }
    }

    private static func isNumber(_ sum: (shape: Shape, dtype: DType)) -> Bool { sum.shape == .scalar && sum.dtype == .float32 }

    /// The totals to begin with.
    func zeros(on device: Device) -> [Tensor] {
        (scalarCount > 0 ? [Tensor([Float](repeating: 0, count: scalarCount), device: device)] : [])
            + rest.map { .zeros($0.shape, dtype: $0.dtype == .int32 ? .int64 : $0.dtype, device: device) }
    }

    var totalCount: Int { (scalarCount > 0 ? 1 : 0) + rest.count }

    /// The totals with those of a minibatch, and the rows of the minibatch behind them.
    func adding(_ metrics: [Metric], to totals: [Tensor]) -> [Tensor] {
        let sums = metrics.flatMap(\.sums)
        let numbers = sums.filter { Self.isNumber(($0.shape, $0.dtype)) }
        let others = sums.filter { !Self.isNumber(($0.shape, $0.dtype)) }
        let new = (numbers.isEmpty ? [] : [Tensor(stacking: numbers)]) + others
        // Counts of a whole data set may be beyond int32.
        return zip(totals, new).map { $0 + $1.as($0.dtype) } + metrics.flatMap(\.rows)
    }

    /// - Parameters:
    ///   - totals: at the end.
    ///   - rows: of all minibatches, for each of the metrics' rows.
    /// - Throws: what a metric throws; `BackendError`.
    func report(sampleCount: Int, _ totals: [Tensor], rows: [[Double]]) throws -> Report {
        var numbers = scalarCount > 0 ? try totals[0].scalars(as: Double.self)[...] : []
        var others = totals[(scalarCount > 0 ? 1 : 0)...]
        var rows = rows[...]
        return try Report(joining: parts.map { part in
            let sums = try part.sums.map { sum in
                Self.isNumber(sum) ? [numbers.removeFirst()] : try others.removeFirst().scalars(as: Double.self)
            }
            let own = Array(rows.prefix(part.rowCount))
            rows = rows.dropFirst(part.rowCount)
            return try part.report(MetricTotals(sampleCount: sampleCount, sums: sums, rows: own))
        })
    }

    /// Whether there is nothing to add up or keep.
    var isEmpty: Bool { totalCount == 0 && parts.allSatisfy { $0.rowCount == 0 } }

    /// The names of the figures, by reports on nothing; nil where a metric cannot report on nothing.
    var allNames: [String]? {
        let known = parts.map { names(of: $0) }
        return known.contains { $0 == nil } ? nil : known.flatMap { $0 ?? [] }
    }

    /// Those of the figures whose names are known.
    var names: [String] { parts.flatMap { names(of: $0) ?? [] } }

    private func names(of part: Part) -> [String]? {
        let sums = part.sums.map { [Double](repeating: 0, count: $0.shape.count) }
        let totals = MetricTotals(sampleCount: 0, sums: sums, rows: .init(repeating: [], count: part.rowCount))
        return (try? part.report(totals))?.figures.map(\.name)
    }
}
