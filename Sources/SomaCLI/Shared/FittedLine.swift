/// A line of figures, of which those that are needed least are left out where there is no room for all.
struct FittedLine {
    private var parts: [(text: String, rank: Int)] = []

    /// Adds a figure, or nothing where there is none.
    /// - Parameter rank: those of the highest rank go first, and rank 0 stays.
    mutating func add(_ text: String?, rank: Int) {
        if let text, !text.isEmpty { parts.append((text, rank)) }
    }

    /// The figures two spaces apart, in at most `width` columns; nil: all of them.
    func text(width: Int?) -> String {
        var shown = parts
        func line() -> String { shown.map(\.text).joined(separator: "  ") }
        guard let width else { return line() }
        while line().count > width, let last = shown.map(\.rank).max(), last > 0 { shown.removeAll { $0.rank == last } }
        return Self.shortened(line(), to: width)
    }

    /// At most `width` columns of `text`, with an ellipsis where some are left out.
    static func shortened(_ text: String, to width: Int) -> String {
        text.count <= width ? text : width < 1 ? "" : text.prefix(width - 1) + "…"
    }
}
