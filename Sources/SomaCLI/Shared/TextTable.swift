/// Rows of text in columns that line up.
struct TextTable {
    enum Alignment { case left, right }

    private let alignments: [Alignment]
    private var rows: [[String]] = []

    /// What a cell has more than this of is not shown: one long name would else make every line as long.
    static let widestCell = 120

    init(_ header: [String], _ alignments: [Alignment]) {
        self.alignments = alignments
        add(header)
    }

    /// Cells may be names that anybody has given.
    mutating func add(_ row: [String]) { rows.append(row.map { Prose.printable(Prose.clipped($0, to: Self.widestCell)) }) }

    /// The lines, the header first; columns are two spaces apart.
    var lines: [String] {
        var lines: [String] = []
        lines.reserveCapacity(rows.count)
        forEachLine { lines.append($0) }
        return lines
    }

    /// Calls `body` with one line after the other, so that a long table takes no memory but for its cells.
    func forEachLine(_ body: (String) throws -> Void) rethrows {
        let widths = alignments.indices.map { column in rows.map { $0[column].count }.max() ?? 0 }
        for row in rows {
            let cells = row.indices.map { Self.padded(row[$0], to: widths[$0], alignments[$0]) }
            var line = cells.joined(separator: "  ")
            while line.last == " " { line.removeLast() }
            try body(line)
        }
    }

    /// The same in at most `width` columns: where that is not enough for all cells, each row as prose, its first cell first.
    func lines(width: Int?) -> [String] {
        let lines = lines
        guard let width, lines.contains(where: { $0.count > width }), let header = rows.first else { return lines }
        return rows.dropFirst().map { row in
            let cells = zip(header, row).dropFirst().map { "\($0) \($1)" }.joined(separator: ", ")
            return Prose.wrapped("\(header[0]) \(row[0]): \(cells)", indents: (0, 2), width: width)
        }
    }

    static func padded(_ text: String, to width: Int, _ alignment: Alignment) -> String {
        let space = String(repeating: " ", count: max(0, width - text.count))
        return alignment == .left ? text + space : space + text
    }
}
