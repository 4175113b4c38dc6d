import SomaGraph

/// Stretches of a text as samples by themselves, to be shuffled: `tokens`, and `targets`, which are the tokens that follow each.
///
/// Sample i is the T tokens from i · `stride` on; both fields are int32 [T]. The order of the samples is the loader's, so the same seed
/// gives the same batches, and a run that was interrupted goes on within an epoch.
public struct TextWindows: DataSet {
    public let count: Int
    public let fields: [Field]
    private let tokens: TokenSequence
    private let length: Int
    private let stride: Int
    private let seed: UInt64?
    private let mostShift: Int

    /// Samples of `length` tokens.
    /// - Parameters:
    ///   - stride: tokens from the start of one sample to that of the next; nil: `length`, so that no token is predicted twice.
    ///   - seed: where there is one, the samples of each epoch begin at other places, by a shift that depends on the seed and the epoch: to train on.
    /// - Throws: `SomaError` where the text is shorter than a sample and the token behind it.
    public init(
        _ tokens: TokenSequence, length: Int, stride: Int? = nil, shiftedBy seed: UInt64? = nil, file: StaticString = #fileID, line: UInt = #line
    ) throws {
        let stride = stride ?? length
        try TextSample.requireLength(length, of: tokens, streams: 1, file, line)
        guard stride > 0 else { programError("TextWindows", "a stride of \(stride)", file: file, line: line) }
        let room = tokens.count - 1 - length
        mostShift = seed == nil ? 0 : min(stride - 1, room)
        count = (room - mostShift) / stride + 1
        (self.tokens, self.length, self.stride, self.seed) = (tokens, length, stride, seed)
        fields = TextSample.fields(length)
    }

    public func read(_ indices: [Int], into batch: BatchMemory) throws {
        let shift = shift(ofEpoch: batch.epoch)
        for (row, index) in indices.enumerated() { try TextSample.read(tokens, from: index * stride + shift, into: batch, row: row) }
    }

    private func shift(ofEpoch epoch: Int) -> Int {
        guard let seed, mostShift > 0 else { return 0 }
        var generator = Philox(seed: seed, stream: TextSample.stream | UInt64(epoch))
        return generator.integer(below: mostShift + 1)
    }
}

/// What samples of text have in common.
enum TextSample {
    /// Streams of random numbers that no other use of a seed has.
    static let stream: UInt64 = 1 << 61

    static func fields(_ length: Int) -> [Field] { [Field("tokens", .int32, [length]), Field("targets", .int32, [length])] }

    /// - Throws: `SomaError` where one of the streams has no room for a sample.
    static func requireLength(_ length: Int, of tokens: TokenSequence, streams: Int, _ file: StaticString, _ line: UInt) throws {
        guard length > 0, streams > 0 else { programError("text", "\(streams) streams of samples of \(length) tokens", file: file, line: line) }
        guard tokens.count > 0 else { throw SomaError("\(tokens.name) is empty: there are no tokens") }
        guard length < tokens.count / streams else {
            let part = streams == 1 ? "" : ", a part of which each of \(streams) streams has,"
            throw SomaError(
                "\(tokens.name) has \(Quantity.counted(tokens.count, "token"))\(part) and a sample takes \(length) and the one behind them",
                hint: streams == 1 ? "take shorter samples, or more text" : "take fewer streams, shorter samples, or more text")
        }
    }

    /// Writes the tokens from `start` on, and those that follow each, into a row.
    static func read(_ tokens: TokenSequence, from start: Int, into batch: BatchMemory, row: Int) throws {
        try tokens.read(from: start, into: batch.row(row, of: "tokens", as: Int32.self))
        try tokens.read(from: start + 1, into: batch.row(row, of: "targets", as: Int32.self))
    }
}
