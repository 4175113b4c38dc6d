import Soma

/// The classes that a network tells pictures apart by.
enum PictureClasses {
    private static let key = "classes"

    /// What a checkpoint says of them.
    static func metadata(_ classes: [String]) -> [String: String] { [key: JSON.array(classes.map { .string($0) }).description] }

    /// The classes in the order of the network's results; nil where it was trained on embedded data.
    /// - Throws: `SomaError` where the checkpoint is broken.
    static func read(_ checkpoint: Checkpoint) throws -> [String]? {
        guard let text = checkpoint.metadata[key] else { return nil }
        let classes = (try? JSON(parsing: text))?.array?.compactMap(\.string) ?? []
        guard classes.count > 1, Set(classes).count == classes.count, try checkpoint.dataFingerprint()?.kind == .pictures else {
            throw SomaError("\(checkpoint.path) is broken: it does not say its classes and their pictures")
        }
        return classes
    }
}
