import Glibc

/// How wide help is written: the parser of arguments asks the variable COLUMNS, or else the terminal.
enum HelpWidth {
    /// Names of options take 26 columns, and words beside them need some: a narrower terminal breaks lines by itself.
    static let least = 40

    /// Columns of the terminal, or those that COLUMNS names, where it names any.
    static let columns = columns(named: Environment.text("COLUMNS"), terminal: Console.width)

    static func columns(named text: String, terminal: Int) -> Int {
        let named = Int(text).flatMap { $0 > 0 ? $0 : nil }
        return max(least, named ?? terminal)
    }

    /// Gives the parser a width that it can write in: it makes no text at all in fewer columns than its indents take, and takes COLUMNS at its word.
    static func settle() { setenv("COLUMNS", "\(columns)", 1) }

    /// The columns of lists, which the parser breaks without an indent where a line takes all there are.
    static var ofLists: Int { min(Prose.width, columns - 1) }
}
