import Soma

extension WorkloadList {
    /// Workloads as `--list` prints them: what would be measured.
    static func lines(_ workloads: [Workload], _ format: ReportFormat) -> [String] {
        if format == .json { return workloads.map { json($0).description } }
        var table = FigureTable(
            [.init(name: "workload", isRight: false), .init(name: "batch"), .init(name: "metric", isRight: false), .init(name: "what", isRight: false)])
        table.rows = workloads.map { workload in
            return [workload.name, workload.batch.map { "\($0)" } ?? "", workload.metric.unit, workload.summary]
        }
        return switch format {
        case .md: table.markdown
        case .csv: table.csv
        case .text, .json: table.text
        }
    }

    private static func json(_ workload: Workload) -> JSON {
        .object([
            .init("workload", .string(workload.name)), .init("batch", workload.batch.map { JSON($0) } ?? .null),
            .init("metric", .string(workload.metric.name)), .init("summary", .string(workload.summary)),
        ])
    }
}
