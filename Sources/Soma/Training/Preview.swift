import Glibc

/// Something that a task shows of itself after an epoch.
public struct Preview: Sendable {
    /// What is shown, which decides the kind of file.
    public enum Content: Sendable {
        /// A PNG file.
        case picture(Picture)
        /// A text file in UTF-8.
        case text(String)
    }

    /// The folder within the run folder: `samples`.
    public let name: String
    /// What is shown.
    public let content: Content

    /// A content that goes into the folder `name` of the run folder, a file for each epoch.
    public init(_ name: String, _ content: Content) { (self.name, self.content) = (name, content) }

    /// The file of the preview `name` of an epoch, from 1, without its extension.
    public static func path(of name: String, in folder: String, epoch: Int) -> String {
        let digits = String(epoch)
        return "\(folder)/\(name)/epoch-\(String(repeating: "0", count: max(0, 4 - digits.count)))\(digits)"
    }

    /// Writes it as `NAME/epoch-0005.png` or `.txt`.
    /// - Returns: the path.
    /// - Throws: `SomaError` where that cannot be written.
    func write(to folder: String, epoch: Int) throws -> String {
        let place = "\(folder)/\(name)"
        guard mkdir(place, 0o777) == 0 || errno == EEXIST else {
            throw SomaError("cannot make the folder \(place): \(String(cString: strerror(errno)))")
        }
        let file = Self.path(of: name, in: folder, epoch: epoch)
        switch content {
        case .picture(let picture):
            try picture.write(to: file + ".png", links: .replaced)
            return file + ".png"
        case .text(let text):
            try AtomicFile.write(text, to: file + ".txt", links: .replaced)
            return file + ".txt"
        }
    }
}
