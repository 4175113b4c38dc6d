import SomaGraph

/// The weights of a model in a folder, as `transformers` writes them: `model.safetensors`, or several files and `model.safetensors.index.json`, which
/// tells the file of each tensor.
public struct WeightFolder: Sendable {
    /// The folder, for messages.
    public let path: String
    private let files: [SafetensorsFile]

    static let (fileName, indexName) = ("model.safetensors", "model.safetensors.index.json")
    /// Larger indices are refused: one of a thousand layers takes 2 MB.
    static let mostBytes = 1 << 26

    /// Opens the files and checks their headers; tensors are read when they are asked for.
    /// - Throws: `SomaError` naming the file that is missing or broken, or the tensor that is not where the index has it.
    public init(path: String) throws {
        let folder = PathText.withoutLastSlash(path)
        func isThere(_ name: String) -> Bool { FolderEntry.status(Array("\(folder)/\(name)".utf8)) != nil }
        if isThere(Self.indexName) {
            files = try Self.files(of: folder)
        } else if isThere(Self.fileName) {
            files = [try SafetensorsFile(path: "\(folder)/\(Self.fileName)")]
        } else {
            let hint = isThere("pytorch_model.bin") ? "pytorch_model.bin is not read here: save the model as safetensors" : nil
            throw SomaError("the folder \(folder) has no weights, neither \(Self.fileName) nor \(Self.indexName)", hint: hint)
        }
        self.path = path
    }

    /// What the headers say of the tensors, file by file in the order of their bytes.
    public var tensors: [SafetensorsFile.Tensor] { files.flatMap(\.tensors) }

    private static func files(of folder: String) throws -> [SafetensorsFile] {
        let index = "\(folder)/\(indexName)"
        let places = try places(of: index, SmallFile.read(index, limit: mostBytes))
        var files: [SafetensorsFile] = []
        for name in places.values.sorted() where files.last?.path.isExactly("\(folder)/\(name.text)") != true {
            let path = "\(folder)/\(name.text)"
            guard FolderEntry.status(Array(path.utf8)) != nil else {
                throw SomaError("\(path) is missing, which \(indexName) names", hint: "the model is whole with all of its files")
            }
            files.append(try SafetensorsFile(path: path))
        }
        var owners: [ExactText: String] = [:]
        for file in files {
            for tensor in file.tensors {
                if let other = owners.updateValue(file.path, forKey: ExactText(tensor.name)) {
                    throw SomaError("'\(tensor.name)' is in \(other) and in \(file.path)")
                }
            }
        }
        for (tensor, name) in places.sorted(by: { $0.key < $1.key }) where owners[tensor]?.isExactly("\(folder)/\(name.text)") != true {
            throw SomaError("\(folder)/\(name.text) has no tensor '\(tensor.text)', which \(indexName) has there")
        }
        return files
    }

    /// The name of the file for each tensor.
    private static func places(of path: String, _ bytes: [UInt8]) throws -> [ExactText: ExactText] {
        let json: JSON
        do { json = try JSON(edited: bytes) } catch let error as SomaError { throw SomaError("\(path) is no index of weights: \(error.message)") }
        guard let map = json["weight_map"]?.members, !map.isEmpty else { throw SomaError("\(path) is no index of weights: it has no weight_map") }
        return try map.reduce(into: [:]) { places, member in
            guard let name = member.value.string, !name.isEmpty, !name.hasByte("/"), !name.hasByte("\0"), !name.beginsExactly(with: ".") else {
                throw SomaError("\(path) has no name of a file beside it for '\(member.name)'")
            }
            places[ExactText(member.name)] = ExactText(name)
        }
    }

    /// What `restore` would find for `model`; nothing is read and nothing changed.
    /// - Throws: `SomaError` where `renaming` gives two tensors one name.
    public func comparison(
        with model: some Module, renaming: (String) -> String? = { $0 }, transposing: (String) -> Bool = { _ in false }
    ) throws -> RestoreReport {
        try RestorePlan(files, of: path, ModelContents(of: model).slots, renaming, transposing: transposing).report
    }

    /// Sets parameters and states of `model`, as `Checkpoint.restore` does from a file.
    /// - Parameters:
    ///   - matching: by default the files must have each of the model's, with its shape, and no others.
    ///   - renaming: the model's name for a tensor of the files; nil leaves it out.
    ///   - transposing: whether a matrix, by the files' name for it, is the transpose of the model's.
    /// - Returns: what was restored and what not.
    /// - Throws: `SomaError` that names what does not fit, before anything is changed; `BackendError`.
    @discardableResult
    public func restore(
        _ model: some Module, matching: Checkpoint.Matching = .all, renaming: (String) -> String? = { $0 },
        transposing: (String) -> Bool = { _ in false }
    ) throws -> RestoreReport {
        try RestorePlan(files, of: path, ModelContents(of: model).slots, renaming, transposing: transposing).restore(matching)
    }
}
