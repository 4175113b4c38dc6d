import SomaGraph

/// Samples that lie in memory, as tensors whose first axis counts them.
///
/// ```swift
/// let data = try TensorDataSet(["image": Tensor(pictures), "label": Tensor(labels)])
/// let (training, heldOut) = data.split(heldOut: 0.2, seed: 1)
/// ```
public struct TensorDataSet: DataSet {
    public let count: Int
    public let fields: [Field]
    /// The values of all samples, for each field.
    private let values: [[UInt8]]

    /// Computes the tensors and copies their values.
    /// - Parameter columns: what a sample consists of, by the names of the fields; all have the same first extent.
    /// - Throws: `BackendError`.
    public init(_ columns: KeyValuePairs<String, Tensor>, file: StaticString = #fileID, line: UInt = #line) throws {
        let count = columns.first.flatMap { $0.value.shape.dimensions.first } ?? 0
        for (name, tensor) in columns where tensor.rank == 0 || tensor.shape[0] != count {
            programError("TensorDataSet", "'\(name)' \(tensor.shape) does not hold \(count) samples along its first axis", file: file, line: line)
        }
        guard Set(columns.map(\.key)).count == columns.count, !columns.isEmpty else {
            programError("TensorDataSet", "\(columns.map(\.key)) are no names of fields, each once", file: file, line: line)
        }
        self.count = count
        fields = columns.map { Field($0.key, $0.value.dtype, Array($0.value.shape.dimensions.dropFirst())) }
        values = try columns.map { _, tensor in
            var bytes = [UInt8](repeating: 0, count: tensor.count * tensor.dtype.byteCount)
            try bytes.withUnsafeMutableBytes { try tensor.copyBytes(to: $0) }
            return bytes
        }
    }

    public func read(_ indices: [Int], into batch: BatchMemory) {
        for (field, values) in zip(fields, values) {
            let (size, target) = (field.byteCount, batch.bytes(of: field.name))
            values.withUnsafeBytes { values in
                for (row, index) in indices.enumerated() {
                    UnsafeMutableRawBufferPointer(rebasing: target[row * size..<(row + 1) * size])
                        .copyMemory(from: UnsafeRawBufferPointer(rebasing: values[index * size..<(index + 1) * size]))
                }
            }
        }
    }
}
