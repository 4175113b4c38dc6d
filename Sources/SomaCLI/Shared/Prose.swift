/// Text for people.
enum Prose {
    /// The columns of a terminal that nobody has widened.
    static let width = 80

    /// The words of `text` in lines of at most `width` columns, of which the first begins with as many spaces as
    /// `indents` says first, and the others with as many as it says second.
    static func wrapped(_ text: String, indents: (Int, Int) = (0, 0), width: Int = width) -> String {
        var lines: [String] = []
        var line = String(repeating: " ", count: indents.0)
        var isEmpty = true
        for word in text.split(separator: " ") {
            if !isEmpty && line.count + 1 + word.count > width {
                lines.append(line)
                (line, isEmpty) = (String(repeating: " ", count: indents.1), true)
            }
            line += isEmpty ? String(word) : " \(word)"
            isEmpty = false
        }
        return (lines + [line]).joined(separator: "\n")
    }

    /// Paragraphs wrapped, and lines that begin with a space as they are.
    static func page(_ text: String) -> String {
        text.split(separator: "\n", omittingEmptySubsequences: false)
            .map { $0.hasPrefix(" ") ? String($0) : wrapped(String($0)) }.joined(separator: "\n")
    }

    /// The beginning of a text that has more than `width` code points, with a sign that something is missing.
    static func clipped(_ text: String, to width: Int) -> String {
        // Each has a byte at least.
        guard text.utf8.count > width, text.unicodeScalars.count > width else { return text }
        return String(String.UnicodeScalarView(text.unicodeScalars.prefix(width - 1))) + "…"
    }

    /// Text that anybody may have written, in a file or as a name: what would move the cursor or turn the direction of writing is shown as a
    /// space.
    static func printable(_ text: String) -> String {
        replaced(text) { $0.properties.generalCategory == .control || $0.properties.isBidiControl }
    }

    /// Lines of such text: line breaks and tabulators stay.
    static func harmless(_ text: String) -> String {
        replaced(text) { ($0.properties.generalCategory == .control && $0 != "\n" && $0 != "\t") || $0.properties.isBidiControl }
    }

    private static func replaced(_ text: String, where isControl: (Unicode.Scalar) -> Bool) -> String {
        guard text.unicodeScalars.contains(where: isControl) else { return text }
        return String(String.UnicodeScalarView(text.unicodeScalars.map { isControl($0) ? " " : $0 }))
    }
}
