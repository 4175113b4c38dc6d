import SomaBackend
import SomaGraph

/// A CSV file in memory: the cells of each column as the file has them.
public struct DataTable: Sendable {
    /// The file's name, for messages.
    public let path: String
    /// What the columns are called, in the order of the file.
    public let names: [String]
    /// What stood between the cells of a line; with a semicolon numbers may have a decimal comma.
    public let separator: CSVSeparator
    /// How many rows there are: one at least.
    public var rowCount: Int { lines.count }

    let columns: [TableColumn]
    /// The line of the file that each row begins in.
    private let lines: [Int]
    private let numbersByName: [ExactText: Int]

    /// Reads a file.
    /// - Throws: `SomaError` as `CSVFile`, and where the file has a header but no rows, or there is no memory for it.
    public init(path: String, separator: CSVSeparator? = nil, header: CSVFile.Header = .told) throws {
        try self.init(CSVFile(path: path, separator: separator, header: header))
    }

    /// Reads the text of a CSV file, such as a row to predict that is in the program: `"area,rooms\n75,3"`.
    /// - Parameter name: what messages call it.
    /// - Throws: `SomaError` as for a file.
    public init(text: String, name: String = "the table", separator: CSVSeparator? = nil, header: CSVFile.Header = .told) throws {
        let bytes = Array(text.utf8)
        let region = try ByteRegion(count: bytes.count) { $0.copyBytes(from: bytes) }
        try self.init(CSVFile(region: region, path: name, separator: separator, header: header))
    }

    /// Reads all rows of a file into memory.
    /// - Throws: `SomaError` as `init(path:separator:header:)`.
    public init(_ file: CSVFile) throws {
        // A cell of one byte and its separator become a byte and an end, in arrays that may be half empty.
        let (wanted, overflow) = file.byteCount.multipliedReportingOverflow(by: 6)
        guard !overflow && wanted <= max(HostMemory.available, 1 << 24) else {
            throw SomaError("no memory for the table \(file.path): its \(file.byteCount) bytes take up to six times as many", hint: HostMemory.limitInForce)
        }
        var columns = [TableColumn](repeating: TableColumn(), count: file.names.count)
        var lines: [Int] = []
        try file.forEachRow { record in
            for index in 0..<record.count {
                guard columns[index].append(record[index]) else { throw SomaError("\(file.path): column '\(file.names[index])' has more than 4 GiB") }
            }
            lines.append(record.line)
        }
        guard !lines.isEmpty else {
            throw SomaError("\(file.path) has a header but no rows", hint: "if its first line is a row, write one of names above it")
        }
        (path, names, separator, self.columns, self.lines) = (file.path, file.names, file.separator, columns, lines)
        numbersByName = Dictionary(uniqueKeysWithValues: file.names.enumerated().map { (ExactText($1), $0) })
    }

    /// The cells of a row as the file has them.
    public func row(_ index: Int) -> [String] { columns.map { String(decoding: $0[index], as: UTF8.self) } }

    /// The line of the file that a row begins in, from 1.
    public func line(ofRow row: Int) -> Int { lines[row] }

    /// The number of a column; nil where none is called so. Names are compared by their bytes.
    public func column(named name: String) -> Int? { numbersByName[ExactText(name)] }

    /// The number of a column that must be there.
    /// - Throws: `SomaError` that names the file, and columns that are called much the same.
    func requiredColumn(_ name: String) throws -> Int {
        if let index = column(named: name) { return index }
        let alike = NearName.alike(name, among: names)
        let hint = alike.isEmpty ? "its columns are \(NearName.list(names))" : "did you mean \(alike.map { "'\($0)'" }.joined(separator: " or "))?"
        throw SomaError("\(path) has no column '\(name)'", hint: hint)
    }

    /// By which other rows are told from these: of the names and the cells of some columns, in the order of the file.
    /// - Throws: `SomaError` where there is no such column.
    public func fingerprint(ofColumns names: [String]) throws -> DataFingerprint {
        var hash = SHA256()
        for index in try names.map(requiredColumn).sorted() {
            Array("\(self.names[index].utf8.count) \(self.names[index]) \(rowCount)\n".utf8).withUnsafeBytes { hash.update($0) }
            columns[index].update(&hash)
        }
        return DataFingerprint(.table, parts: [.init(count: rowCount, hash: hash.digest())])
    }
}

extension DataTable: DataSource {
    /// Of all columns.
    public func fingerprint() throws -> DataFingerprint { try fingerprint(ofColumns: names) }
}

/// Some columns of a table as a source of data: what the others hold does not count.
public struct ColumnsOfTable: DataSource {
    private let table: DataTable
    private let names: [String]

    /// The columns `names` of `table`.
    public init(_ table: DataTable, _ names: [String]) { (self.table, self.names) = (table, names) }

    public var path: String { table.path }
    public func fingerprint() throws -> DataFingerprint { try table.fingerprint(ofColumns: names) }
}

/// The cells of a column, packed.
struct TableColumn: Sendable {
    private var bytes: [UInt8] = []
    private var ends: [UInt32] = []

    /// Appends a cell; false where there is no counting so many bytes.
    mutating func append(_ cell: ArraySlice<UInt8>) -> Bool {
        guard let end = UInt32(exactly: bytes.count + cell.count) else { return false }
        bytes += cell
        ends.append(end)
        return true
    }

    /// The cell of a row as it is in the file.
    subscript(row: Int) -> ArraySlice<UInt8> { bytes[(row == 0 ? 0 : Int(ends[row - 1]))..<Int(ends[row])] }

    /// The cell of a row as its meaning is told: without spaces at its ends.
    func value(_ row: Int) -> ArraySlice<UInt8> { self[row].trimmed }

    func update(_ hash: inout SHA256) {
        // Where cells end tells "ab", "c" from "a", "bc".
        ends.map(\.littleEndian).withUnsafeBytes { hash.update($0) }
        bytes.withUnsafeBytes { hash.update($0) }
    }
}
