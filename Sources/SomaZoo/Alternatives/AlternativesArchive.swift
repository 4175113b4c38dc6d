import Soma

/// The trials that are done, as a file from which a run goes on: each is a vector of numbers under the key of its unit.
struct AlternativesArchive {
    private let file: SafetensorsFile

    /// - Throws: `SomaError` where the checkpoint is of a run with other epochs: trials could not be compared.
    init(_ checkpoint: Checkpoint, epochs: Int) throws {
        let saved = try SavedRun(checkpoint).epochs
        guard saved == epochs else {
            throw SomaError("\(checkpoint.path) holds networks trained for \(saved) epochs, with which others of \(epochs) do not compare")
        }
        file = try SafetensorsFile(path: checkpoint.path)
    }

    /// The trial of a unit; nil where it is still to be made.
    /// - Throws: `SomaError` where the file has something else under its name.
    func trial(_ unit: AlternativeTrial.Unit) throws -> AlternativeTrial? {
        guard let tensor = file[unit.key] else { return nil }
        let broken = SomaError("\(file.path): '\(unit.key)' is no trial of a model")
        guard tensor.elementType == .float64, tensor.shape == [AlternativeTrial.valueCount] else { throw broken }
        let values = try file.withBytes(of: unit.key) { bytes in
            (0..<AlternativeTrial.valueCount).map { bytes.loadUnaligned(fromByteOffset: 8 * $0, as: Double.self) }
        }
        guard let trial = AlternativeTrial(unit, values: values) else { throw broken }
        return trial
    }

    /// - Throws: `SomaError` naming the file; an older one is then as it was.
    static func write(_ trials: [AlternativeTrial], metadata: [String: String], to path: String) throws {
        let tensors = trials.map { trial in
            let tensor = SafetensorsFile.Tensor(name: trial.unit.key, elementType: .float64, shape: [AlternativeTrial.valueCount])
            return (tensor: tensor, bytes: trial.values.withUnsafeBytes { Array($0) })
        }
        try SafetensorsFile.write(tensors, metadata: metadata, to: path)
    }
}
