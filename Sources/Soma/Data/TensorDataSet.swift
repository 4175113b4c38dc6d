import SomaGraph

/// Samples that lie in memory: tensors whose first axis counts them, and arrays of which each sample has as many items as it has.
///
/// ```swift
/// let data = try TensorDataSet(["image": Tensor(pictures), "label": Tensor(labels)])
/// let (training, heldOut) = data.split(heldOut: 0.2, seed: 1)
/// let reviews = try TensorDataSet(["stars": Tensor(stars)], ragged: ["tokens": RaggedArray(tokens)])   // [[Int32]]
/// ```
public struct TensorDataSet: DataSet {
    public let count: Int
    public let fields: [Field]
    /// The values of all samples, for each field that is not ragged.
    private let values: [[UInt8]]
    /// The ragged fields, which come behind the others.
    private let ragged: [RaggedArray]

    /// Computes the tensors and copies their values.
    /// - Parameters:
    ///   - columns: what a sample consists of, by the names of the fields; all have the same first extent.
    ///   - ragged: what else it consists of, in numbers of its own; as many samples.
    /// - Throws: `BackendError`.
    public init(
        _ columns: KeyValuePairs<String, Tensor> = [:], ragged: KeyValuePairs<String, RaggedArray> = [:], file: StaticString = #fileID,
        line: UInt = #line
    ) throws {
        let count = columns.first.map { $0.value.shape.dimensions.first ?? 0 } ?? ragged.first?.value.count ?? 0
        for (name, tensor) in columns where tensor.rank == 0 || tensor.shape[0] != count {
            programError("TensorDataSet", "'\(name)' \(tensor.shape) does not hold \(count) samples along its first axis", file: file, line: line)
        }
        for (name, array) in ragged where array.count != count {
            programError("TensorDataSet", "'\(name)' holds \(array.count) samples and not \(count)", file: file, line: line)
        }
        let names = columns.map(\.key) + ragged.map(\.key)
        guard Set(names).count == names.count, !names.isEmpty else {
            programError("TensorDataSet", "\(names) are no names of fields, each once", file: file, line: line)
        }
        self.count = count
        fields =
            columns.map { Field($0.key, $0.value.dtype, Array($0.value.shape.dimensions.dropFirst())) }
            + ragged.map { Field($0.key, $0.value.dtype, $0.value.itemShape, atMost: $0.value.mostItems) }
        values = try columns.map { _, tensor in
            var bytes = [UInt8](repeating: 0, count: tensor.count * tensor.dtype.byteCount)
            try bytes.withUnsafeMutableBytes { try tensor.copyBytes(to: $0) }
            return bytes
        }
        self.ragged = ragged.map(\.value)
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
        for (field, array) in zip(fields[values.count...], ragged) { read(array, field, indices, into: batch) }
    }

    private func read(_ array: RaggedArray, _ field: Field, _ indices: [Int], into batch: BatchMemory) {
        let (size, target, counts) = (field.byteCount, batch.bytes(of: field.name), batch.counts(of: field.name))
        for (row, index) in indices.enumerated() {
            array.withBytes(ofSample: index) { UnsafeMutableRawBufferPointer(rebasing: target[(row * size)...]).copyMemory(from: $0) }
            counts[row] = Int32(array.itemCount(ofSample: index))
        }
    }
}
