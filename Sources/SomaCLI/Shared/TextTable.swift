/// Rows of text in columns that line up.
struct TextTable {
    enum Alignment { case left, right }

    private let alignments: [Alignment]
    private var rows: [[String]] = []

    init(_ header: [String], _ alignments: [Alignment]) {
        self.alignments = alignments
        rows = [header.map(Prose.printable)]
    }

    /// Cells may be names that anybody has given.
    mutating func add(_ row: [String]) { rows.append(row.map(Prose.printable)) }

    /// The lines, the header first; columns are two spaces apart.
    var lines: [String] {
        let widths = alignments.indices.map { column in rows.map { $0[column].count }.max() ?? 0 }
        return rows.map { row in
            let cells = row.indices.map { Self.padded(row[$0], to: widths[$0], alignments[$0]) }
            var line = cells.joined(separator: "  ")
            while line.last == " " { line.removeLast() }
            return line
        }
    }

    static func padded(_ text: String, to width: Int, _ alignment: Alignment) -> String {
        let space = String(repeating: " ", count: max(0, width - text.count))
        return alignment == .left ? text + space : space + text
    }
}
