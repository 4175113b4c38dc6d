import SomaGraph

/// Where samples come from: files, a table, folders of pictures. They are known again by a fingerprint.
///
/// A run keeps the fingerprint of its data in its checkpoints, under `DataFingerprint.key`. So who goes on with other data is told, and what was held
/// out can be told as long as the data are the same:
///
/// ```swift
/// options.metadata[DataFingerprint.key] = try table.fingerprint().description
/// …
/// if let change = try checkpoint.dataFingerprint()?.change(to: table.fingerprint()) { print("other data: \(change)") }
/// ```
public protocol DataSource: Sendable {
    /// The file or folder, for messages.
    var path: String { get }
    /// By which other data are told from these.
    /// - Throws: `SomaError` naming the file that cannot be read.
    func fingerprint() throws -> DataFingerprint
}

/// By which other data are told from those that a model was trained on: for each part, such as a class of pictures, a hash.
public struct DataFingerprint: Hashable, Sendable, LosslessStringConvertible {
    /// What the data are. Whoever switches over the kinds does so without a default.
    public enum Kind: String, Hashable, Sendable {
        /// The rows of a table.
        case table
        /// The arrays of MNIST, or of a data set in the same form.
        case digits
        /// Pictures in a folder for each class.
        case pictures
        /// A text, in one file or several.
        case text
    }

    /// A part of the data.
    public struct Part: Hashable, Sendable {
        /// The class; empty of data that are one part.
        public let name: String
        /// How many samples it has; nil where that was not kept.
        public let count: Int?
        /// Of what its samples are, in hexadecimal digits.
        public let hash: String

        /// A part `name` of `count` samples.
        public init(name: String = "", count: Int?, hash: String) { (self.name, self.count, self.hash) = (name, count, hash) }
    }

    /// The metadata of checkpoints under which `description` stands.
    public static let key = "data.fingerprint"

    /// What the data are.
    public let kind: Kind
    /// The order does not count.
    public let parts: [Part]

    /// The fingerprint of data of some parts, whose names are different.
    public init(_ kind: Kind, parts: [Part]) { (self.kind, self.parts) = (kind, parts) }

    // MARK: Text

    /// Reads `description`.
    public init?(_ description: String) {
        guard let json = try? JSON(parsing: description), let kind = json["kind"]?.string.flatMap(Kind.init),
            let list = json["parts"]?.array
        else { return nil }
        let parts = list.compactMap { part -> Part? in
            guard let name = part["name"]?.string, let hash = part["hash"]?.string, let count = part["count"] else { return nil }
            return count == .null ? Part(name: name, count: nil, hash: hash) : count.integer.map { Part(name: name, count: $0, hash: hash) }
        }
        guard parts.count == list.count, Set(parts.map { ExactText($0.name) }).count == parts.count,
            parts.allSatisfy({ $0.count ?? 0 >= 0 })
        else { return nil }
        self.init(kind, parts: parts)
    }

    public var description: String {
        let list = parts.map { part -> JSON in
            ["name": .string(part.name), "count": part.count.map { JSON($0) } ?? .null, "hash": .string(part.hash)]
        }
        return (["kind": .string(kind.rawValue), "parts": .array(list)] as JSON).description
    }

    // MARK: Comparison

    /// What is different in other data, in half a sentence; nil where nothing is.
    public func change(to other: DataFingerprint) -> String? {
        if kind != other.kind { return "it is \(other.kind.title), and that was \(kind.title)" }
        func byName(_ parts: [Part]) -> [ExactText: Part] { Dictionary(parts.map { (ExactText($0.name), $0) }) { first, _ in first } }
        let (before, now) = (byName(parts), byName(other.parts))
        if let added = other.parts.first(where: { before[ExactText($0.name)] == nil }) { return "\(kind.part(added.name)) is new" }
        if let gone = parts.first(where: { now[ExactText($0.name)] == nil }) { return "\(kind.part(gone.name)) is gone" }
        for part in parts {
            guard let same = now[ExactText(part.name)] else { continue }
            if let (old, new) = part.count.flatMap({ old in same.count.map { (old, $0) } }), old != new {
                return "\(kind.part(part.name)) has \(Quantity.grouped(new)) \(kind.samples) and had \(Quantity.grouped(old))"
            }
            if !part.hash.isExactly(same.hash) { return kind.difference(part.name) }
        }
        return nil
    }
}

extension DataFingerprint.Kind {
    /// What such data are, as in "trained on".
    public var title: String {
        switch self {
        case .table: "a table"
        case .digits: "the four files of a data set in the form of MNIST"
        case .pictures: "folders of pictures"
        case .text: "a text"
        }
    }

    fileprivate var samples: String {
        switch self {
        case .table: "rows"
        case .digits, .pictures: "pictures"
        case .text: "bytes"
        }
    }

    fileprivate func part(_ name: String) -> String { name.isEmpty ? "it" : "the class '\(name)'" }

    fileprivate func difference(_ name: String) -> String {
        switch self {
        case .table: "its rows are others"
        case .digits: "its pictures are others"
        case .pictures: "pictures of \(part(name)) have other names or sizes"
        case .text: "it has other words"
        }
    }
}

extension Checkpoint {
    /// The data that its run was trained on; nil where it does not say, as of data that the program holds.
    /// - Throws: `SomaError` where what it says is broken.
    public func dataFingerprint() throws -> DataFingerprint? {
        guard let text = metadata[DataFingerprint.key] else { return try earlierDataFingerprint() }
        if let fingerprint = DataFingerprint(text) { return fingerprint }
        throw SomaError("\(path) is broken: its '\(DataFingerprint.key)' is no fingerprint of data")
    }

    /// As checkpoints said it before all kinds of data had one key.
    private func earlierDataFingerprint() throws -> DataFingerprint? {
        if let hash = metadata["table.fingerprint"] { return DataFingerprint(.table, parts: [.init(count: nil, hash: hash)]) }
        if let hash = metadata["digits"] { return DataFingerprint(.digits, parts: [.init(count: nil, hash: hash)]) }
        guard let contents = metadata["pictures"] else { return nil }
        func texts(_ text: String?) -> [String] { text.flatMap { try? JSON(parsing: $0) }?.array?.compactMap(\.string) ?? [] }
        let (names, sums) = (texts(metadata["classes"]), texts(contents))
        let parts = zip(names, sums).compactMap { name, sum -> DataFingerprint.Part? in
            guard let (count, hash) = sum.parts(atFirst: ":").map({ ($0.before, $0.behind) }), let count = Int(count), count >= 0 else { return nil }
            return .init(name: name, count: count, hash: hash)
        }
        guard parts.count == names.count, parts.count == sums.count else {
            throw SomaError("\(path) is broken: it does not say its classes and their pictures")
        }
        return DataFingerprint(.pictures, parts: parts)
    }
}
