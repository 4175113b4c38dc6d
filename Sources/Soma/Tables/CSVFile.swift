import SomaGraph

/// A table as text: a line of names, and a line of cells for each row (CSV, RFC 4180).
///
/// Read row by row, in memory that does not grow with the file. docs/tables.md tells how cells are read.
public struct CSVFile: Sendable {
    /// Whether the first line holds the names of the columns.
    public enum Header: Hashable, Sendable {
        /// It must; a first line that holds a number is refused with advice.
        case told
        /// It does, even where it looks like a row of numbers.
        case present
        /// The columns are called column1, column2, ….
        case absent
    }

    /// The file's name, for messages.
    public let path: String
    /// What stands between the cells of a line, as given or told from the first lines.
    public let separator: CSVSeparator
    /// What the columns are called: different names, none of them empty, without spaces at their ends.
    public let names: [String]
    /// The size of the file.
    public var byteCount: Int { source.count }

    private let source: ByteSource
    private let start: CSVStart
    private let hasHeader: Bool

    /// Opens a file.
    /// - Parameter separator: nil: told from the first lines.
    /// - Throws: `SomaError` naming the file where it is missing, empty, of another kind, or its first line gives no names of columns.
    public init(path: String, separator: CSVSeparator? = nil, header: Header = .told) throws {
        try self.init(ByteSource(path: path), path: path, separator: separator, header: header)
    }

    /// Opens a table that is in memory, such as one embedded in the program.
    /// - Parameter path: its name in messages.
    public init(region: ByteRegion, path: String, separator: CSVSeparator? = nil, header: Header = .told) throws {
        try self.init(ByteSource(region), path: path, separator: separator, header: header)
    }

    private init(_ source: ByteSource, path: String, separator: CSVSeparator?, header: Header) throws {
        (self.source, self.path, hasHeader) = (source, path, header != .absent)
        start = try CSVStart(source, path: path)
        self.separator = try separator ?? start.separator ?? start.toldSeparator(path: path)
        var record = CSVRecord()
        guard try CSVReader(source, path: path, separator: self.separator, offset: start.offset, line: start.line).next(into: &record) else {
            throw SomaError("\(path) has no line with a cell")
        }
        names = header == .absent ? (1...record.count).map { "column\($0)" } : try Self.names(record, path, mustBeWords: header == .told)
    }

    /// Hands the rows to `body`, one after the other: a record of as many cells as there are columns, which is reused.
    /// - Throws: `SomaError` naming the file and the line where a row has fewer or more, is no UTF-8, or cannot be read; what `body` throws.
    public func forEachRow(_ body: (CSVRecord) throws -> Void) throws {
        let reader = CSVReader(source, path: path, separator: separator, offset: start.offset, line: start.line)
        var record = CSVRecord()
        if hasHeader { _ = try reader.next(into: &record) }
        while try reader.next(into: &record) {
            guard record.count == names.count else { throw ragged(record) }
            try body(record)
        }
    }

    private func ragged(_ record: CSVRecord) -> SomaError {
        let cells = record.count == 1 ? "1 cell" : "\(record.count) cells"
        let columns = names.count == 1 ? "is 1 column" : "are \(names.count) columns"
        let hint =
            record.count > names.count
            ? "a cell that holds \(separator.words) is put in quotes, and each column has a name"
            : "a cell that is missing is left empty, its separator (\(separator.words)) written"
        return SomaError("\(path): line \(record.line) has \(cells), but there \(columns)", hint: hint)
    }

    // MARK: Names

    private static func names(_ record: CSVRecord, _ path: String, mustBeWords: Bool) throws -> [String] {
        let cells = (0..<record.count).map { record[$0].trimmed }
        if mustBeWords, let number = cells.first(where: { NumberText($0, allowingComma: true) != nil }) {
            throw SomaError(
                "\(path) seems to have no header: its first line holds the number \(String(decoding: number, as: UTF8.self))",
                hint: "write the names of the columns into a first line; a program that opens the file may say header: .absent or .present")
        }
        var numbers: [ExactText: Int] = [:]
        return try cells.enumerated().map { index, cell in
            let name = String(decoding: cell, as: UTF8.self)
            guard !cell.isEmpty else {
                let isIndex = index == 0 && record.count > 1
                let hint = isIndex ? "it may be an index that pandas wrote, which to_csv(…, index=False) leaves out" : "write one into line \(record.line)"
                throw SomaError("\(path): column \(index + 1) has no name", hint: hint)
            }
            if let other = numbers.updateValue(index + 1, forKey: ExactText(name)) {
                throw SomaError(
                    "\(path): columns \(other) and \(index + 1) are both called '\(name)'",
                    hint: "give each a name of its own; if the first line is a row, write one of names above it")
            }
            return name
        }
    }
}

extension RandomAccessCollection<UInt8> {
    /// Without spaces and tabs at both ends.
    var trimmed: SubSequence {
        func isSpace(_ byte: UInt8) -> Bool { byte == 0x20 || byte == 0x09 }
        guard let first = firstIndex(where: { !isSpace($0) }) else { return self[endIndex...] }
        var end = endIndex
        while case let before = index(before: end), isSpace(self[before]) { end = before }
        return self[first..<end]
    }
}
