import Soma

/// What a checkpoint says of the pictures that a network was trained on.
struct TrainedPictures {
    /// The names of the classes.
    let classes: [String]
    /// What each of them consists of, the pictures held out included.
    private let contents: [ClassContents]

    private static let (classesKey, contentsKey) = ("classes", "pictures")

    init(_ folder: ImageFolder) { (classes, contents) = (folder.classes, folder.contents()) }

    /// Nil where it was trained on embedded data.
    /// - Throws: `SomaError` where the checkpoint is broken.
    init?(_ checkpoint: Checkpoint) throws {
        guard let text = checkpoint.metadata[Self.classesKey] else { return nil }
        func texts(_ text: String?) -> [String] { text.flatMap { try? JSON(parsing: $0) }?.array?.compactMap(\.string) ?? [] }
        (classes, contents) = (texts(text), texts(checkpoint.metadata[Self.contentsKey]).compactMap { ClassContents($0) })
        guard classes.count > 1, Set(classes).count == classes.count, contents.count == classes.count else {
            throw SomaError("\(checkpoint.path) is broken: it does not say its classes and their pictures")
        }
    }

    var metadata: [String: String] {
        func text(_ texts: [String]) -> String { JSON.array(texts.map { .string($0) }).description }
        return [Self.classesKey: text(classes), Self.contentsKey: text(contents.map(\.description))]
    }

    /// What is different in other pictures, in half a sentence; nil where nothing is.
    func change(to other: TrainedPictures) -> String? {
        if let added = other.classes.first(where: { !classes.contains($0) }) { return "the class '\(added)' is new" }
        if let gone = classes.first(where: { !other.classes.contains($0) }) { return "the class '\(gone)' is gone" }
        let others = Dictionary(zip(other.classes, other.contents)) { first, _ in first }
        guard let label = classes.indices.first(where: { contents[$0] != others[classes[$0]] }) else { return nil }
        let (before, now) = (contents[label].count, others[classes[label]]?.count ?? 0)
        return before == now
            ? "pictures of the class '\(classes[label])' have other names or sizes"
            : "the class '\(classes[label])' has \(now) pictures and had \(before)"
    }

    /// - Throws: `SomaError` where a run would go on with other pictures than it began with.
    func require(_ other: TrainedPictures, in folder: ImageFolder, by checkpoint: Checkpoint) throws {
        guard let change = change(to: other) else { return }
        throw SomaError("\(folder.path) has changed since \(checkpoint.path) was written: \(change)", hint: "begin anew without --resume")
    }
}
