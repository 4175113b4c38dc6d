import SomaGraph

/// Samples in memory that differ in how many items they have: sentences of tokens, pictures with boxes. A column of a `TensorDataSet`.
public struct RaggedArray: Sendable {
    /// The type of the values.
    public let dtype: DType
    /// The shape of an item; empty for single numbers.
    public let itemShape: [Int]
    /// How many items a sample may have.
    public let mostItems: Int
    /// The first item of each sample, and behind these the number of all items.
    let starts: [Int]
    /// The values of all items.
    let bytes: [UInt8]

    /// Copies samples, each an array of items: numbers, or arrays nested alike.
    /// - Parameters:
    ///   - dtype: the type that the values take; nil: as a `Tensor` of such elements has it.
    ///   - most: how many items batches have room for; nil: as many as the longest sample has, at least 1.
    /// - Throws: `SomaError` naming the first sample that has more than `most`. Items of different shapes trap, and so do samples that have none but
    ///   whose items are arrays: what shape these have is not known.
    public init<Item: TensorElement>(
        _ samples: [[Item]], dtype: DType? = nil, atMost most: Int? = nil, file: StaticString = #fileID, line: UInt = #line
    ) throws {
        let rows = TensorRows(Array(samples.joined()), dtype, file, line)
        let shape = Array(rows.shape.dimensions.dropFirst())
        guard shape.allSatisfy({ $0 > 0 }), most ?? 1 > 0 else {
            programError("RaggedArray", "items of the shape \(shape), at most \(most ?? 1) a sample", file: file, line: line)
        }
        if let most, let long = samples.firstIndex(where: { $0.count > most }) {
            throw SomaError("sample \(long) has \(samples[long].count) items, and batches hold \(most)")
        }
        starts = samples.reduce(into: [0]) { $0.append(($0.last ?? 0) + $1.count) }
        mostItems = most ?? max(1, samples.map(\.count).max() ?? 1)
        (self.dtype, itemShape, bytes) = (rows.dtype, shape, rows.bytes)
    }

    /// The number of samples.
    public var count: Int { starts.count - 1 }

    /// How many items a sample has.
    public func itemCount(ofSample sample: Int) -> Int { starts[sample + 1] - starts[sample] }

    /// Calls `body` with the values of a sample's items.
    func withBytes(ofSample sample: Int, _ body: (UnsafeRawBufferPointer) -> Void) {
        let size = itemShape.reduce(dtype.byteCount, *)
        bytes.withUnsafeBytes { body(UnsafeRawBufferPointer(rebasing: $0[starts[sample] * size..<starts[sample + 1] * size])) }
    }
}
