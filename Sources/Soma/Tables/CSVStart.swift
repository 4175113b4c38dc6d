/// The beginning of a CSV file: what stands before its records, and what separates their cells.
struct CSVStart: Sendable {
    /// Where the first record begins.
    let offset: Int
    /// The line that this is in.
    let line: Int
    /// What a first line such as `sep=;`, as Excel writes it, says.
    let separator: CSVSeparator?
    private let sample: [UInt8]
    private let isWhole: Bool

    private static let sampleSize = 1 << 16

    /// - Throws: `SomaError` naming the file where it is empty or of another kind.
    init(_ source: ByteSource, path: String) throws {
        guard source.count > 0 else { throw SomaError("\(path) is empty") }
        let bytes = try source.withBytes(0..<min(source.count, Self.sampleSize)) { start in
            if let encoding = Self.wideEncoding(start) {
                throw SomaError("\(path) is text in \(encoding)", hint: "convert it: iconv -f \(encoding) -t UTF-8 \(PathText.split(path).name)")
            }
            if let kind = FileKind(start, otherThan: FileKind.table) { throw kind.error(path, "is not a table (CSV)") }
            return Array(start)
        }
        let mark = bytes.starts(with: [0xEF, 0xBB, 0xBF]) ? 3 : 0
        (separator, offset, line) = Self.separatorLine(bytes, mark) ?? (nil, mark, 1)
        (sample, isWhole) = (Array(bytes[offset...]), bytes.count == source.count)
    }

    /// Text of 16 or 32 bits a letter, by its mark of byte order.
    private static func wideEncoding(_ bytes: UnsafeRawBufferPointer) -> String? {
        if bytes.starts(with: [0xFF, 0xFE, 0, 0]) || bytes.starts(with: [0, 0, 0xFE, 0xFF]) { return "UTF-32" }
        return bytes.starts(with: [0xFF, 0xFE]) || bytes.starts(with: [0xFE, 0xFF]) ? "UTF-16" : nil
    }

    private static func separatorLine(_ bytes: [UInt8], _ mark: Int) -> (CSVSeparator?, Int, Int)? {
        let (line, rest) = (bytes[mark...].prefix(5), bytes[mark...].dropFirst(5))
        guard line.count == 5, line.starts(with: Array("sep=".utf8)), let last = line.last, let separator = CSVSeparator(rawValue: last) else { return nil }
        if rest.starts(with: [0x0D, 0x0A]) { return (separator, mark + 7, 2) }
        return rest.first == 0x0A || rest.first == 0x0D ? (separator, mark + 6, 2) : nil
    }

    // MARK: Telling the separator

    /// The first records under one separator.
    private struct Trial {
        let separator: CSVSeparator
        var counts: [Int] = []
        /// Whether each cell with a comma in it is a number.
        var hasOnlyDecimalCommas = true

        /// As many cells in each, and more than one.
        var isConsistent: Bool { counts.first.map { first in first > 1 && counts.allSatisfy { $0 == first } } ?? false }
    }

    private static let mostRecords = 50

    /// The separator that cuts all of the first lines into the same number of cells, the most; else the one that the first line has most of.
    func toldSeparator(path: String) throws -> CSVSeparator {
        let region = try ByteRegion(count: sample.count) { $0.copyBytes(from: sample) }
        let trials = CSVSeparator.allCases.map { tried($0, ByteSource(region), path) }
        let consistent = trials.filter(\.isConsistent)
        func most(_ trials: [Trial]) -> Trial? { trials.reduce(nil) { best, next in (next.counts.first ?? 0) > (best?.counts.first ?? 0) ? next : best } }
        // 1,5;2,5 is two numbers with decimal commas, and not three cells.
        if let other = most(consistent.filter { $0.separator != .comma }), other.hasOnlyDecimalCommas { return other.separator }
        return (most(consistent) ?? most(trials))?.separator ?? .comma
    }

    private func tried(_ separator: CSVSeparator, _ source: ByteSource, _ path: String) -> Trial {
        var (trial, record) = (Trial(separator: separator), CSVRecord())
        let reader = CSVReader(source, path: path, separator: separator, offset: 0, line: 1)
        do {
            while trial.counts.count < Self.mostRecords, try reader.next(into: &record) {
                trial.counts.append(record.count)
                for index in 0..<record.count where record[index].contains(UInt8(ascii: ",")) {
                    trial.hasOnlyDecimalCommas = trial.hasOnlyDecimalCommas && NumberText(record[index].trimmed, allowingComma: true) != nil
                }
            }
        } catch {
            // What is wrong with the file its reader will say, in the line where it is.
        }
        // The last may be cut off.
        if !isWhole && trial.counts.count > 1 && trial.counts.count < Self.mostRecords { trial.counts.removeLast() }
        return trial
    }
}
