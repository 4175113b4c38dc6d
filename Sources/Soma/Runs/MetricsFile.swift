import Glibc
import SomaBackend

/// `metrics.csv`: a row for each reading of the losses, with what was measured where an epoch ended.
///
/// Rows are appended as they come; the losses and measures are columns by their names, and one that comes up later gets its column then. A
/// run that is resumed drops the rows that lie behind its checkpoint, those of later phases too, since it makes them again. A file that was
/// there and of which a line was not understood is kept as a copy before it is replaced.
final class MetricsFile {
    struct Row: Hashable {
        var model: String
        var epoch: Int
        var step: Int
        /// Losses by their names, and measures on held-out samples by theirs behind `test_`.
        var values: [String: Double] = [:]
        var learningRate: Double
        var samplesPerSecond: Double?
        var memoryBytes: Int
        var seconds: Double
    }

    /// What every row has, before the values and behind them.
    static let (firstColumns, lastColumns) = (["model", "epoch", "step"], ["learning_rate", "samples_per_second", "memory_bytes", "seconds"])

    /// The first line of a file with columns for these values.
    static func header(_ names: [String]) -> String { (firstColumns + names + lastColumns).joined(separator: ",") }

    let path: String
    private(set) var rows: [Row] = []
    /// The names of the values, in the order of their columns.
    private(set) var names: [String] = []
    /// What to tell of an earlier file.
    private(set) var remark: String?
    private var descriptor: Int32 = -1

    /// - Throws: `SomaError` where the file cannot be written, or one that is there cannot be read.
    init(path: String, resumes: Bool) throws {
        self.path = path
        if access(path, F_OK) == 0 {
            let bytes = try SmallFile.read(path, limit: Self.sizeLimit)
            let text = MetricsText(bytes)
            if resumes { (rows, names) = (text.rows, text.names) }
            if !text.isUnderstood {
                let encoding = TextMark.foreignEncoding(of: bytes).map { "\(path) is a text in \($0), and UTF-8 is read" }
                let reason = encoding ?? "not all lines of \(path) are understood"
                remark = "\(reason): as it was it is kept in \(try KeptCopy.make(of: bytes, at: path))"
            }
        }
        try rewrite()
    }

    /// Far more than any run writes.
    private static let sizeLimit = 1 << 30

    deinit { if descriptor >= 0 { close(descriptor) } }

    /// Drops the rows of a model that come after a step, and those of models whose rows begin behind its own: phases that follow.
    func drop(_ model: String, after step: Int) throws {
        var models: [String] = []
        for row in rows where !models.contains(row.model) { models.append(row.model) }
        let later = models.drop { $0 != model }.dropFirst()
        let kept = rows.filter { !later.contains($0.model) && ($0.model != model || $0.step <= step) }
        if kept.count == rows.count { return }
        rows = kept
        try rewrite()
    }

    /// - Parameter order: the names of the row's values in the order in which new ones get columns.
    func append(_ row: Row, _ order: [String]) throws {
        rows.append(row)
        let new = order.filter { row.values[$0] != nil && !names.contains($0) }
        names += new
        if !new.isEmpty { return try rewrite() }
        try write(row.text(names) + "\n")
    }

    private func rewrite() throws {
        let lines = [Self.header(names)] + rows.map { $0.text(names) }
        try AtomicFile.write(lines.joined(separator: "\n") + "\n", to: path, links: .replaced)
        if descriptor >= 0 { close(descriptor) }
        descriptor = open(path, O_WRONLY | O_APPEND | O_CLOEXEC | O_NOFOLLOW)
        guard descriptor >= 0 else { throw failure }
    }

    /// Appends text, as one call where the system allows it, so that a kill leaves whole rows.
    private func write(_ text: String) throws {
        let end = lseek(descriptor, 0, SEEK_END)
        if WholeWrite.write(text, to: descriptor) { return }
        let failure = failure
        // Half a row, as of a disk that became full, would be taken for another by whoever reads the file.
        if end >= 0 { _ = ftruncate(descriptor, end) }
        throw failure
    }

    private var failure: SomaError { SomaError("cannot write \(path): \(String(cString: strerror(errno)))") }
}

extension MetricsFile.Row {
    /// The name of a model as its rows have it, in memory as in the file: without what separates cells.
    static func cell(_ model: String) -> String {
        // By code points: a comma with an accent behind it is still a comma to whoever reads the file.
        let scalars = model.unicodeScalars.map { $0 == "," || $0 == "\"" || $0.properties.generalCategory == .control ? " " : $0 }
        return MetricsText.trimmed(String(String.UnicodeScalarView(scalars)))
    }

    /// The row as a line of the file; a cell that says nothing is empty.
    func text(_ names: [String]) -> String {
        func cell(_ value: Double?) -> String { value.map { $0.isFinite ? "\($0)" : Quantity.notFinite($0) } ?? "" }
        let first = [Self.cell(model), "\(epoch)", "\(step)"]
        return (first + names.map { cell(values[$0]) } + [cell(learningRate), cell(samplesPerSecond), "\(memoryBytes)", cell(seconds)])
            .joined(separator: ",")
    }
}
