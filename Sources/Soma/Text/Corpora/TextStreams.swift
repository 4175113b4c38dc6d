import SomaGraph

/// A text as several streams that are read side by side, for models that carry a state from batch to batch.
///
/// The text is cut into B stretches of equal length. Row b of every batch is of stretch b, and goes on where row b of the batch before has
/// ended. Fields are `tokens` and `targets`, int32 [T], and `starts`, bool []: whether the row is the first of its stretch, so that nothing is to
/// be carried into it. This is so in the first batch of each epoch alone. Batches of another size than B are refused, and no seed changes their
/// order.
public struct TextStreams: DataSet {
    public let count: Int
    public let fields: [Field]
    private let tokens: TokenSequence
    private let length: Int
    private let streams: Int

    /// `streams` stretches of a text, read side by side.
    /// - Parameters:
    ///   - length: T, the tokens of a row.
    ///   - streams: B, the size of the batches.
    /// - Throws: `SomaError` where a stretch is shorter than a row and the token behind it.
    public init(_ tokens: TokenSequence, length: Int, streams: Int, file: StaticString = #fileID, line: UInt = #line) throws {
        try TextSample.requireLength(length, of: tokens, streams: streams, file, line)
        (self.tokens, self.length, self.streams) = (tokens, length, streams)
        count = (tokens.count / streams - 1) / length * streams
        fields = TextSample.fields(length) + [Field("starts", .bool, [])]
    }

    public var batching: Batching { .inOrder(size: streams) }

    public func read(_ indices: [Int], into batch: BatchMemory) throws {
        let starts = batch.values(of: "starts", as: Bool.self)
        let stretch = tokens.count / streams
        for (row, index) in indices.enumerated() {
            let (window, stream) = index.quotientAndRemainder(dividingBy: streams)
            starts[row] = window == 0
            try TextSample.read(tokens, from: stream * stretch + window * length, into: batch, row: row)
        }
    }
}
