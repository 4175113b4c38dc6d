import SomaGraph

/// What stands between the cells of a line.
public enum CSVSeparator: UInt8, Hashable, Sendable, CaseIterable {
    /// `,`; numbers have a decimal point.
    case comma = 0x2C
    /// `;`; numbers may have a decimal comma.
    case semicolon = 0x3B
    /// A tab; numbers have a decimal point.
    case tab = 0x09

    /// Its name for messages.
    public var words: String {
        switch self {
        case .comma: "a comma"
        case .semicolon: "a semicolon"
        case .tab: "a tab"
        }
    }
}

/// One record of a CSV file: the bytes of its cells, without the quotes around them.
public struct CSVRecord: Sendable {
    /// The line of the file that it begins in, from 1.
    public fileprivate(set) var line = 0
    fileprivate var bytes: [UInt8] = []
    fileprivate var ends: [Int] = []

    /// How many cells it has.
    public var count: Int { ends.count }

    /// The bytes of a cell, valid UTF-8.
    public subscript(index: Int) -> ArraySlice<UInt8> { bytes[(index == 0 ? 0 : ends[index - 1])..<ends[index]] }

    /// A cell as text.
    public func text(_ index: Int) -> String { String(decoding: self[index], as: UTF8.self) }
}

/// How large the parts of a CSV file may be, so that a broken one does not fill the memory.
enum CSVLimits {
    static let cellBytes = 1 << 20
    static let recordBytes = 1 << 26
    static let columns = 1 << 16
}

/// Cuts a CSV file into records (RFC 4180), holding one of them and a piece of the file.
///
/// A line ends with LF, CR LF or CR. A cell whose first byte is a quote goes on to the next single quote, with line ends and separators in it; two
/// quotes stand for one. A quote elsewhere is a quote. Lines without any byte are passed over.
final class CSVReader {
    private let source: ByteSource
    private let path: String
    private let separator: UInt8
    private let piece = UnsafeMutableRawBufferPointer.allocate(byteCount: 1 << 16, alignment: 16)
    /// What of `piece` is still to come.
    private var (at, end) = (0, 0)
    private var offset: Int
    private var line: Int
    /// The cell that is being read.
    private var cellStart = 0

    private static let (quote, lineFeed, carriageReturn) = (UInt8(ascii: "\""), UInt8(ascii: "\n"), UInt8(ascii: "\r"))

    /// - Parameters:
    ///   - offset: where the first record begins, behind a mark of byte order, say.
    ///   - line: the line that this is in.
    init(_ source: ByteSource, path: String, separator: CSVSeparator, offset: Int, line: Int) {
        (self.source, self.path, self.separator, self.offset, self.line) = (source, path, separator.rawValue, offset, line)
    }

    deinit { piece.deallocate() }

    /// Reads the next record.
    /// - Returns: false where there is none.
    /// - Throws: `SomaError` naming the file and the line where it is no CSV.
    func next(into record: inout CSVRecord) throws -> Bool {
        record.bytes.removeAll(keepingCapacity: true)
        record.ends.removeAll(keepingCapacity: true)
        while try takeLineEnd() {}
        guard try peek() != nil else { return false }
        record.line = line
        while true {
            cellStart = record.bytes.count
            if try peek() == Self.quote { try readQuoted(&record) } else { try readPlain(&record) }
            guard record.count < CSVLimits.columns else {
                throw fault(record.line, "has more than \(CSVLimits.columns) cells", hint: "so many columns are not read")
            }
            record.ends.append(record.bytes.count)
            if try peek() == separator {
                at += 1
                continue
            }
            let isAtEnd = try peek() == nil
            guard try isAtEnd || takeLineEnd() else {
                throw fault(line, "has text behind the closing quote of cell \(record.count)", hint: "a quote within a quoted cell is written twice")
            }
            try checkText(record)
            return true
        }
    }

    // MARK: Cells

    private func readPlain(_ record: inout CSVRecord) throws {
        while try peek() != nil {
            let start = at
            while at < end, case let byte = piece[at], byte != separator && byte != Self.lineFeed && byte != Self.carriageReturn && byte != 0 { at += 1 }
            try append(start..<at, to: &record)
            if at < end {
                if piece[at] == 0 { throw zero() }
                return
            }
        }
    }

    private func readQuoted(_ record: inout CSVRecord) throws {
        let first = line
        at += 1
        while let byte = try peek() {
            let start = at
            switch byte {
            case Self.quote:
                at += 1
                guard try peek() == Self.quote else { return }
                try append([Self.quote], to: &record)
                at += 1
            case Self.lineFeed, Self.carriageReturn:
                try append([byte], to: &record)
                at += 1
                if try byte == Self.carriageReturn && peek() == Self.lineFeed {
                    try append([Self.lineFeed], to: &record)
                    at += 1
                }
                line += 1
            case 0: throw zero()
            default:
                while at < end, case let byte = piece[at], byte != Self.quote && byte != Self.lineFeed && byte != Self.carriageReturn && byte != 0 { at += 1 }
                try append(start..<at, to: &record, quotedIn: first)
            }
        }
        throw fault(first, "has a quote that opens a cell and is never closed", hint: "a quote within a quoted cell is written twice")
    }

    private func append(_ range: Range<Int>, to record: inout CSVRecord, quotedIn first: Int? = nil) throws {
        try check(range.count, record, quotedIn: first)
        record.bytes.append(contentsOf: UnsafeRawBufferPointer(rebasing: piece[range]))
    }

    private func append(_ bytes: [UInt8], to record: inout CSVRecord) throws {
        try check(bytes.count, record)
        record.bytes += bytes
    }

    private func check(_ more: Int, _ record: CSVRecord, quotedIn first: Int? = nil) throws {
        if record.bytes.count - cellStart + more > CSVLimits.cellBytes {
            let hint = first.map { "the quote that opens it, in line \($0), may never be closed" } ?? "the file may be no table"
            throw fault(first ?? line, "has a cell of more than \(CSVLimits.cellBytes) bytes", hint: hint)
        }
        if record.bytes.count + more > CSVLimits.recordBytes {
            throw fault(record.line, "begins a row of more than \(CSVLimits.recordBytes) bytes", hint: "so long ones are not read")
        }
    }

    /// A byte that continues a letter must not be taken for one of the next cell: each is looked at by itself.
    private func checkText(_ record: CSVRecord) throws {
        if record.bytes.allSatisfy({ $0 < 0x80 }) { return }
        for index in 0..<record.count where String(validating: record[index], as: UTF8.self) == nil {
            throw fault(
                record.line, "is no UTF-8 in cell \(index + 1)",
                hint: "convert the file, for instance: iconv -f WINDOWS-1252 -t UTF-8 \(PathText.split(path).name)")
        }
    }

    // MARK: Bytes

    /// The next byte; nil at the end.
    private func peek() throws -> UInt8? {
        if at == end {
            (at, end) = (0, try source.read(into: piece, at: offset))
            offset += end
            if end == 0 { return nil }
        }
        return piece[at]
    }

    private func takeLineEnd() throws -> Bool {
        guard let byte = try peek(), byte == Self.lineFeed || byte == Self.carriageReturn else { return false }
        at += 1
        if try byte == Self.carriageReturn && peek() == Self.lineFeed { at += 1 }
        line += 1
        return true
    }

    private func fault(_ line: Int, _ what: String, hint: String) -> SomaError { SomaError("\(path): line \(line) \(what)", hint: hint) }

    private func zero() -> SomaError {
        fault(line, "has a byte that is zero", hint: "if it is text of 16 bits a letter, convert it: iconv -f UTF-16 -t UTF-8 \(PathText.split(path).name)")
    }
}
