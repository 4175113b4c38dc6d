import Soma

/// What an earlier `metrics.csv` says, in whatever form an editor or a spreadsheet has saved it.
struct MetricsText {
    private(set) var rows: [MetricsFile.Row] = []
    /// Whether all of it was understood: writing `rows` loses nothing then.
    private(set) var isUnderstood = true

    init(_ bytes: [UInt8]) {
        let mark: [UInt8] = [0xEF, 0xBB, 0xBF]
        // Columns that the first line names; without such a line rows are read as they were written.
        var (columns, isKnown): (Int?, Bool?) = (nil, nil)
        for line in Self.lines(bytes.starts(with: mark) ? bytes.dropFirst(mark.count) : bytes[...]) {
            let cells = String(validating: line, as: UTF8.self).flatMap(Self.cells)
            if let cells, isKnown == nil, Self.isHeader(cells) {
                (columns, isKnown) = (cells.count, true)
            } else if let cells, isKnown != false, cells.count == columns ?? cells.count, let row = MetricsFile.Row(cells) {
                rows.append(row)
                isKnown = true
            } else {
                // Of columns in another order no number is taken for what it is not.
                if isKnown == nil { isKnown = false }
                isUnderstood = false
            }
        }
        if columns == nil && !bytes.isEmpty { isUnderstood = false }
    }

    /// Lines that end in a line feed, a carriage return or both; empty ones say nothing.
    private static func lines(_ bytes: ArraySlice<UInt8>) -> [ArraySlice<UInt8>] { bytes.split { $0 == 0x0A || $0 == 0x0D } }

    /// The cells of a line; nil where quotation marks do not match.
    private static func cells(_ line: String) -> [String]? {
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

    /// Earlier versions had a column less.
    private static func isHeader(_ cells: [String]) -> Bool {
        let columns = MetricsFile.header.split(atEach: ",")
        return cells == columns || cells == columns.dropLast()
    }
}

extension MetricsFile.Row {
    /// Nil for cells that are no row: too few or too many, or one that is no number where a number belongs.
    init?(_ cells: [String]) {
        guard (10...11).contains(cells.count), let epoch = Int(cells[1]), let step = Int(cells[2]), let rate = Double(cells[6]),
            let memory = Int(cells[8]), let seconds = Double(cells[9]), min(epoch, step, memory) >= 0, seconds.isFinite, seconds >= 0
        else { return nil }
        let optional = [3, 4, 5, 7, 10].map { $0 < cells.count ? cells[$0] : "" }
        let numbers = optional.map { Double($0) }
        guard zip(optional, numbers).allSatisfy({ $0.isEmpty || $1 != nil }) else { return nil }
        self.init(
            model: cells[0], epoch: epoch, step: step, loss: numbers[0], testLoss: numbers[1], testAccuracy: numbers[2], learningRate: rate,
            samplesPerSecond: numbers[3], memoryBytes: memory, seconds: seconds, testTopFive: numbers[4])
    }
}
