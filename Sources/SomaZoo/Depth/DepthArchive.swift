import Soma

/// The trials that are done, as a file from which a run goes on. Each is a vector of its accuracy, its loss, whether it
/// diverged (0 or 1), and its gradient's norms.
struct DepthArchive {
    private let file: SafetensorsFile

    /// - Throws: `SomaError` where the checkpoint is of a run that trained for other epochs: it could not be compared.
    init(_ checkpoint: Checkpoint, epochs: Int) throws {
        let saved = try SavedRun(checkpoint).epochs
        guard saved == epochs else {
            throw SomaError(
                "\(checkpoint.path) holds networks trained for \(saved) epochs, with which others of \(epochs) "
                    + "do not compare")
        }
        file = try SafetensorsFile(path: checkpoint.path)
    }

    /// The trial of a variant at a depth; nil where it is still to be made.
    /// - Throws: `SomaError` where the file has something else under its name.
    func trial(_ variant: DeepVariant, depth: Int) throws -> DepthTrial? {
        let name = Self.name(variant, depth)
        guard let tensor = file[name] else { return nil }
        guard tensor.elementType == .float64, tensor.shape == [3 + depth] else {
            throw SomaError("\(file.path): '\(name)' is no trial of \(depth) layers")
        }
        let values = try file.withBytes(of: name) { bytes in
            (0..<3 + depth).map { bytes.loadUnaligned(fromByteOffset: 8 * $0, as: Double.self) }
        }
        return DepthTrial(
            variant, depth: depth, gradientNorms: Array(values[3...]), accuracy: values[0], loss: values[1],
            hasDiverged: values[2] != 0)
    }

    /// - Throws: `SomaError` naming the file; an older one is then as it was.
    static func write(_ trials: [DepthTrial], metadata: [String: String], to path: String) throws {
        let tensors = trials.map { trial in
            let values = [trial.accuracy, trial.loss, trial.hasDiverged ? 1 : 0] + trial.gradientNorms
            let tensor = SafetensorsFile.Tensor(
                name: name(trial.variant, trial.depth), elementType: .float64, shape: [values.count])
            return (tensor: tensor, bytes: values.withUnsafeBytes { Array($0) })
        }
        try SafetensorsFile.write(tensors, metadata: metadata, to: path)
    }

    private static func name(_ variant: DeepVariant, _ depth: Int) -> String { "\(variant.key)_\(depth)" }
}
