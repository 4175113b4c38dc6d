import SomaGraph

/// What a checkpoint and a model have of one another.
public struct RestoreReport: Hashable, Sendable {
    /// What both have and what fits, by the model's names: this is restored.
    public internal(set) var restored: [String] = []
    /// Parameters and states of the model that the file lacks. A count of batches beside running statistics is none of these: files may lack it.
    public internal(set) var missing: [String] = []
    /// Tensors of the file, by its own names, that the model does not have.
    public internal(set) var unused: [String] = []
    /// What both have and what does not fit.
    public internal(set) var unfit: [Misfit] = []

    /// Whether the file has all of the model and nothing else.
    public var isComplete: Bool { missing.isEmpty && unused.isEmpty && unfit.isEmpty }

    /// Something of the model that the file has in another way.
    public struct Misfit: Hashable, Sendable {
        /// The model's name for it.
        public let name: String
        /// As the file has it: `F32 [1000, 512]`; where only its numbers are wrong, `F64 [3] with 2 numbers beyond float32`.
        public let found: String
        /// As the model wants it: `F32 [3, 512]`.
        public let wanted: String
    }

    /// What does not fit, in a sentence; nil where all does. Of each kind the first names are given, and the number of the others.
    func difference(of path: String) -> String? {
        var parts: [String] = []
        /// The file is named once.
        var file: String { parts.isEmpty ? path : "it" }
        if !missing.isEmpty { parts.append("\(file) lacks \(Self.listed(missing.map { "'\($0)'" }, "tensors")) of the model") }
        if !unused.isEmpty { parts.append("\(file) has \(Self.listed(unused.map { "'\($0)'" }, "tensors")), which the model does not") }
        if !unfit.isEmpty {
            let misfits = unfit.map { "'\($0.name)' is \($0.found) in \(file), the model wants \($0.wanted)" }
            parts.append(Self.listed(misfits, "tensors that do not fit", separator: "; "))
        }
        return parts.isEmpty ? nil : parts.joined(separator: "; ")
    }

    private static func listed(_ texts: [String], _ what: String, separator: String = ", ") -> String {
        let limit = 8
        let shown = texts.prefix(limit).joined(separator: separator)
        return texts.count > limit ? "\(shown) and \(texts.count - limit) more \(what)" : shown
    }
}

extension RestoreReport: CustomStringConvertible {
    /// A line with the numbers, and one for everything that was not restored.
    public var description: String {
        var lines = ["\(restored.count) tensors restored, \(missing.count) missing, \(unused.count) unused, \(unfit.count) that do not fit"]
        lines += missing.map { "missing: \($0)" }
        lines += unused.map { "unused: \($0)" }
        lines += unfit.map { "does not fit: \($0.name) is \($0.found), the model wants \($0.wanted)" }
        return lines.joined(separator: "\n")
    }
}
