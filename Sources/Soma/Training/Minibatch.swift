import SomaGraph

/// Samples as tensors, by the names of the data set's fields: [count] + the field's shape each. Behind a ragged field stand its counts.
public struct Minibatch: Sendable {
    /// The fields, in the order of the tensors.
    public let names: [String]
    /// [count] + the field's shape each.
    public let tensors: [Tensor]

    /// A name for each tensor; the first axis of all counts the samples. Neither is checked here.
    public init(names: [String], tensors: [Tensor]) { (self.names, self.tensors) = (names, tensors) }

    /// The number of samples; 0 without fields.
    public var count: Int { tensors.first?.shape[0] ?? 0 }

    /// The tensor of a field. Traps where there is no field of that name.
    public subscript(name: String) -> Tensor {
        guard let index = names.firstIndex(where: { $0.isExactly(name) }) else {
            programError("minibatch", "there is no field '\(name)' among \(names)")
        }
        return tensors[index]
    }
}

extension Minibatch {
    /// `count` samples of zeros.
    init(zerosOf fields: [Field], count: Int, device: Device) {
        let fields = fields.withCounts
        self.init(
            names: fields.map(\.name), tensors: fields.map { .zeros(Shape([count] + $0.shape), dtype: $0.dtype, device: device) })
    }

    /// Reads samples of a data set and uploads them: some to look at, or all of a small one.
    /// - Parameter samples: their numbers; nil: all.
    /// - Throws: `SomaError` where the data set has no samples or leaves all of them out; what reading one throws; `BackendError`.
    public init(of dataSet: some DataSet, _ samples: Range<Int>? = nil, device: Device = .current) throws {
        let part = Subset(dataSet, indices: Array(samples ?? 0..<dataSet.count))
        guard part.count > 0, let batch = try BatchLoader(part, batchSize: part.count, seed: nil, epochs: 1).next() else {
            throw SomaError("none of \(part.count) samples can be read\(part.takeRemarks().first.map { ", the first for this reason: \($0)" } ?? "")")
        }
        try self.init(batch, device: device)
    }

    /// Uploads the fields of a batch.
    /// - Throws: `BackendError`.
    public init(_ batch: Batch, device: Device = .current) throws {
        try self.init(batch, rows: 0..<batch.count, device: device)
    }

    /// Uploads the fields of some samples of a batch.
    /// - Throws: `BackendError`.
    public init(_ batch: Batch, rows: Range<Int>, device: Device = .current) throws {
        let fields = batch.fields
        let tensors = try fields.map { field in
            try batch.withBytes(of: field.name) { bytes in
                let part = bytes[rows.lowerBound * field.byteCount..<rows.upperBound * field.byteCount]
                return try Tensor(
                    bytes: UnsafeRawBufferPointer(rebasing: part), shape: Shape([rows.count] + field.shape), dtype: field.dtype, device: device)
            }
        }
        self.init(names: fields.map(\.name), tensors: tensors)
    }
}
