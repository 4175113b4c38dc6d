import SomaBackend

/// What an earlier `metrics.csv` says, in whatever form an editor or a spreadsheet has saved it.
struct MetricsText {
    private(set) var rows: [MetricsFile.Row] = []
    /// The names of the values, in the order of their columns.
    private(set) var names: [String] = []
    /// Whether all of it was understood: writing `rows` loses nothing then.
    private(set) var isUnderstood = true

    init(_ bytes: [UInt8]) {
        var lines = Self.lines(bytes.dropFirst(TextMark.length(in: bytes)))
        // Without a line that names the columns no number is taken for anything.
        guard let columns = lines.first.flatMap(Self.cells), let columns = Columns(columns) else {
            isUnderstood = lines.isEmpty
            return
        }
        lines.removeFirst()
        names = columns.names
        for line in lines {
            guard let cells = Self.cells(line), let (row, isWhole) = columns.row(cells) else {
                isUnderstood = false
                continue
            }
            rows.append(row)
            if !isWhole { isUnderstood = false }
        }
    }

    /// Where in a line what is.
    private struct Columns {
        let names: [String]
        private let titles: [String]
        private let places: [String: Int]

        /// Nil where one that every row needs is missing, or one is there twice.
        init?(_ titles: [String]) {
            places = Dictionary(titles.enumerated().map { ($1, $0) }) { first, _ in first }
            self.titles = titles
            let needed = MetricsFile.firstColumns + MetricsFile.lastColumns
            names = titles.filter { !needed.contains($0) }
            guard places.count == titles.count, !titles.contains(""), names.count + needed.count == titles.count else { return nil }
        }

        /// Nil for cells that are no row: too few or too many, or one that is no number where every row has one. A column that somebody has added may hold
        /// words; the row is then not whole.
        func row(_ cells: [String]) -> (MetricsFile.Row, isWhole: Bool)? {
            guard cells.count == titles.count else { return nil }
            func cell(_ name: String) -> String { places[name].map { cells[$0] } ?? "" }
            guard let epoch = Int(cell("epoch")), let step = Int(cell("step")), let rate = Double(cell("learning_rate")),
                let memory = Int(cell("memory_bytes")), let seconds = Double(cell("seconds")), min(epoch, step, memory) >= 0, seconds.isFinite,
                seconds >= 0
            else { return nil }
            var (numbers, isWhole): ([String: Double], Bool) = ([:], true)
            for name in names + ["samples_per_second"] where !cell(name).isEmpty {
                if let number = Double(cell(name)) { numbers[name] = number } else { isWhole = false }
            }
            let speed = numbers.removeValue(forKey: "samples_per_second")
            let row = MetricsFile.Row(
                model: cell("model"), epoch: epoch, step: step, values: numbers, learningRate: rate, samplesPerSecond: speed, memoryBytes: memory,
                seconds: seconds)
            return (row, isWhole)
        }
    }

    /// Lines that end in a line feed, a carriage return or both; empty ones say nothing.
    private static func lines(_ bytes: ArraySlice<UInt8>) -> [ArraySlice<UInt8>] { bytes.split { $0 == 0x0A || $0 == 0x0D } }

    /// The cells of a line; nil where quotation marks do not match.
    private static func cells(_ bytes: ArraySlice<UInt8>) -> [String]? {
        guard let line = String(validating: bytes, as: UTF8.self) else { return nil }
        var cells: [String] = []
        for part in line.split(atEach: ",") {
            // A name has no comma, so a cell in quotation marks is never cut.
            var text = trimmed(part)
            if text.hasByte("\"") {
                guard text.utf8.count >= 2, text.utf8.first == 0x22, text.utf8.last == 0x22 else { return nil }
                text = String(decoding: text.utf8.dropFirst().dropLast(), as: UTF8.self)
                if text.hasByte("\"") { return nil }
            }
            cells.append(text)
        }
        return cells
    }

    /// Text without spaces and tabulators around it.
    static func trimmed(_ text: String) -> String {
        let isSpace = { (byte: UInt8) in byte == 0x20 || byte == 0x09 }
        let start = text.utf8.drop(while: isSpace)
        return String(decoding: start.prefix(start.count - start.reversed().prefix(while: isSpace).count), as: UTF8.self)
    }
}
