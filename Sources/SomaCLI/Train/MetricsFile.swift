import Glibc
import Soma

/// `metrics.csv`: a row for each reading of the loss, with the evaluation where an epoch ended.
///
/// Rows are appended as they come. A run that is resumed drops the rows that lie behind its checkpoint, since it makes them again.
final class MetricsFile {
    struct Row: Hashable {
        var model: String
        var epoch: Int
        var step: Int
        var loss: Double?
        var testLoss: Double?
        var testAccuracy: Double?
        var learningRate: Double
        var samplesPerSecond: Double?
        var memoryBytes: Int
        var seconds: Double
        var testTopFive: Double?
    }

    static let header = "model,epoch,step,loss,test_loss,test_accuracy,learning_rate,samples_per_second,memory_bytes,seconds,test_top5_accuracy"

    let path: String
    private(set) var rows: [Row]
    private var descriptor: Int32 = -1

    /// - Throws: `SomaError` where the file cannot be written.
    init(path: String, resumes: Bool) throws {
        self.path = path
        rows = resumes ? Self.read(path) : []
        try rewrite()
    }

    deinit { if descriptor >= 0 { close(descriptor) } }

    /// Drops the rows of a model that come after a step.
    func drop(_ model: String, after step: Int) throws {
        let kept = rows.filter { $0.model != model || $0.step <= step }
        if kept.count == rows.count { return }
        rows = kept
        try rewrite()
    }

    func append(_ row: Row) throws {
        rows.append(row)
        try write(row.text + "\n")
    }

    private func rewrite() throws {
        try AtomicFile.write(([Self.header] + rows.map(\.text)).joined(separator: "\n") + "\n", to: path)
        if descriptor >= 0 { close(descriptor) }
        descriptor = open(path, O_WRONLY | O_APPEND | O_CLOEXEC)
        guard descriptor >= 0 else { throw failure }
    }

    private func write(_ text: String) throws {
        let bytes = Array(text.utf8)
        // One call, so that a kill leaves whole rows.
        guard Glibc.write(descriptor, bytes, bytes.count) == bytes.count else { throw failure }
    }

    private var failure: SomaError { SomaError("cannot write \(path): \(String(cString: strerror(errno)))") }

    /// The rows of an earlier file; lines that are none, such as one cut short by a power failure, are left out.
    private static func read(_ path: String) -> [Row] {
        guard let region = try? ByteRegion(mapping: path) else { return [] }
        let text = withExtendedLifetime(region) { String(decoding: region.bytes, as: UTF8.self) }
        return text.split(separator: "\n").dropFirst().compactMap { Row(String($0)) }
    }
}

extension MetricsFile.Row {
    /// The row as a line of the file; a cell that says nothing is empty.
    var text: String {
        func cell(_ value: Double?) -> String { value.map { "\($0)" } ?? "" }
        let name = String(model.map { $0 == "," || $0.isNewline ? " " : $0 })
        return [
            name, "\(epoch)", "\(step)", cell(loss), cell(testLoss), cell(testAccuracy), cell(learningRate), cell(samplesPerSecond),
            "\(memoryBytes)", cell(seconds), cell(testTopFive),
        ].joined(separator: ",")
    }

    init?(_ line: String) {
        let cells = line.split(separator: ",", omittingEmptySubsequences: false).map(String.init)
        // Earlier versions had no top-5 accuracy.
        guard (10...11).contains(cells.count), let epoch = Int(cells[1]), let step = Int(cells[2]), let rate = Double(cells[6]),
            let memory = Int(cells[8]), let seconds = Double(cells[9])
        else { return nil }
        self.init(
            model: cells[0], epoch: epoch, step: step, loss: Double(cells[3]), testLoss: Double(cells[4]), testAccuracy: Double(cells[5]),
            learningRate: rate, samplesPerSecond: Double(cells[7]), memoryBytes: memory, seconds: seconds, testTopFive: cells.count > 10 ? Double(cells[10]) : nil)
    }
}
