import SomaGraph

/// Writes rows of cells as CSV (RFC 4180), so that `CSVFile` reads the same cells back: UTF-8, lines that end with LF, and quotes around cells that
/// hold the separator, a quote or a line end, or begin or end with a space.
public final class CSVWriter {
    private let sink: FileSink
    private let separator: CSVSeparator
    private let columnCount: Int
    private let path: String
    private var rowCount = 0
    private var line: [UInt8] = []

    /// Replaces the file at `path` by a line of names and the rows that `body` appends, as `AtomicFile` does: what is thrown leaves it as it was.
    /// - Throws: `SomaError` naming the file and the reason, and what `body` throws.
    public static func write(
        to path: String, names: [String], separator: CSVSeparator = .comma, _ body: (CSVWriter) throws -> Void
    ) throws {
        guard !names.isEmpty else { programError("CSVWriter", "a table without columns") }
        try AtomicFile.write(to: path) { sink in
            let writer = CSVWriter(sink, separator, columnCount: names.count, path)
            try writer.append(names)
            try body(writer)
        }
    }

    private init(_ sink: FileSink, _ separator: CSVSeparator, columnCount: Int, _ path: String) {
        (self.sink, self.separator, self.columnCount, self.path) = (sink, separator, columnCount, path)
    }

    /// Appends a row: a cell for each column.
    /// - Throws: `SomaError` naming the file where it cannot be written, or a cell has a character that is zero, which no CSV holds.
    public func append(_ cells: [String]) throws {
        guard cells.count == columnCount else { programError("CSVWriter", "a row of \(cells.count) cells in a table of \(columnCount) columns") }
        line.removeAll(keepingCapacity: true)
        for (index, cell) in cells.enumerated() {
            if index > 0 { line.append(separator.rawValue) }
            try append(cell, isFirst: index == 0)
        }
        line.append(UInt8(ascii: "\n"))
        try line.withUnsafeBytes(sink.append)
        rowCount += 1
    }

    private func append(_ cell: String, isFirst: Bool) throws {
        let bytes = cell.utf8
        guard !bytes.contains(0) else { throw SomaError("cannot write \(path): a cell of row \(rowCount) has a character that is zero") }
        guard needsQuotes(bytes, isFirst: isFirst) else { return line.append(contentsOf: bytes) }
        let quote = UInt8(ascii: "\"")
        line.append(quote)
        for byte in bytes {
            if byte == quote { line.append(quote) }
            line.append(byte)
        }
        line.append(quote)
    }

    private func needsQuotes(_ bytes: String.UTF8View, isFirst: Bool) -> Bool {
        // A line without any byte is no row.
        guard let first = bytes.first, let last = bytes.last else { return columnCount == 1 }
        func isOuter(_ byte: UInt8) -> Bool { byte == 0x20 || byte == 0x09 }
        if isOuter(first) || isOuter(last) { return true }
        // The file's first bytes must not be taken for a mark of byte order, or for what names the separator.
        if isFirst && rowCount == 0 && (bytes.starts(with: [0xEF, 0xBB, 0xBF]) || bytes.starts(with: "sep=".utf8)) { return true }
        return bytes.contains { $0 == separator.rawValue || $0 == UInt8(ascii: "\"") || $0 == UInt8(ascii: "\n") || $0 == UInt8(ascii: "\r") }
    }
}
