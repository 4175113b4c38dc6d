import Soma

/// Columns of figures that can be written in several ways.
struct FigureTable {
    struct Column {
        var name: String
        var isRight = true
    }

    let columns: [Column]
    var rows: [[String]] = []

    init(_ columns: [Column]) { self.columns = columns }

    /// For people: columns that line up.
    var text: [String] {
        var table = TextTable(columns.map(\.name), columns.map { $0.isRight ? .right : .left })
        rows.forEach { table.add($0) }
        return table.lines
    }

    var markdown: [String] { Self.markdown(head: columns) + rows.map(Self.markdown) }

    var csv: [String] { ([columns.map(\.name)] + rows).map(Self.csv) }

    /// The first two lines of a table.
    static func markdown(head columns: [Column]) -> [String] {
        [markdown(columns.map(\.name)), "|" + columns.map { $0.isRight ? "---:|" : "---|" }.joined()]
    }

    static func markdown(_ cells: [String]) -> String {
        "| " + cells.map { $0.split(atEach: "|").joined(separator: "\\|") }.joined(separator: " | ") + " |"
    }

    /// Fields with commas, quotes or line breaks stand in quotes (RFC 4180).
    static func csv(_ fields: [String]) -> String {
        fields.map { field in
            // By code points: to whoever reads the file, a comma with an accent behind it is a comma.
            guard field.unicodeScalars.contains(where: { $0 == "," || $0 == "\"" || Character($0).isNewline }) else { return field }
            return "\"" + field.split(atEach: "\"").joined(separator: "\"\"") + "\""
        }.joined(separator: ",")
    }
}
