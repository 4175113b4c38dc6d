/// What goes wrong in a correct program: a file that is missing or broken, no memory, a device that fails.
///
/// It reads as one line: what happened and, where something can be done about it, what to do.
public struct SomaError: Error, Hashable, Sendable, CustomStringConvertible {
    /// What happened, naming the file, device or value concerned.
    public let message: String
    /// What the user can do about it, if anything.
    public let hint: String?

    /// Line breaks and other control characters, which may come from a file, become spaces, and of a text that is too long for a reader
    /// the middle is left out: an error is one line.
    public init(_ message: String, hint: String? = nil) {
        self.message = Self.oneLine(message)
        self.hint = hint.map(Self.oneLine)
    }

    /// The message and the hint as one line.
    public var description: String {
        guard let hint else { return message }
        return "\(message); \(hint)"
    }

    private static let (longestStart, longestEnd) = (4000, 1000)

    /// As `init` does it, for other errors of one line.
    package static func oneLine(_ text: String) -> String {
        var scalars = text.unicodeScalars[...]
        var end = scalars[scalars.endIndex...]
        // A path at the beginning and a reason at the end stay whole. Each code point has a byte at least.
        if text.utf8.count > longestStart + longestEnd, scalars.count > longestStart + longestEnd {
            (scalars, end) = (scalars.prefix(longestStart), scalars.suffix(longestEnd))
        }
        func printable(_ part: Substring.UnicodeScalarView) -> String {
            String(String.UnicodeScalarView(part.map { $0.properties.generalCategory == .control ? " " : $0 }))
        }
        return end.isEmpty ? printable(scalars) : "\(printable(scalars)) … \(printable(end))"
    }
}
