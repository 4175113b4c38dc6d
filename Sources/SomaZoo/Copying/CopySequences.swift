import Soma

/// Sequences to be remembered: `symbols` symbols of an alphabet, `delay` blanks, of which the last is a sign to begin, and as many blanks as
/// symbols, at which these are to be told in their order. Fields are `tokens` int32 [2 · symbols + delay] and `targets` int32 [symbols].
///
/// The task is that of S. Hochreiter and J. Schmidhuber, 1997, with long time lags, in the form of M. Arjovsky, A. Shah and Y. Bengio, *Unitary
/// Evolution Recurrent Neural Networks*, ICML 2016. Whoever knows nothing is right about one symbol in `alphabet`, at a loss of ln `alphabet`.
struct CopySequences: DataSet {
    let count: Int
    let symbols: Int
    let delay: Int
    let alphabet: Int
    let fields: [Field]
    private let seed: UInt64
    private let stream: UInt64

    /// - Parameters:
    ///   - seed: decides the sequences, which are others in each epoch.
    ///   - isHeldOut: whether they are others than those of the same seed that are trained on.
    init(count: Int, symbols: Int, delay: Int, alphabet: Int, seed: UInt64, isHeldOut: Bool) {
        (self.count, self.symbols, self.delay, self.alphabet, self.seed) = (count, symbols, delay, alphabet, seed)
        // Numbers that no other use of the seed has.
        stream = 1 << 60 | (isHeldOut ? 1 << 59 : 0)
        fields = [Field("tokens", .int32, [2 * symbols + delay]), Field("targets", .int32, [symbols])]
    }

    /// The tokens: symbols, the blank, the sign.
    static func tokenCount(alphabet: Int) -> Int { alphabet + 2 }

    func read(_ indices: [Int], into batch: BatchMemory) {
        for (row, index) in indices.enumerated() {
            var numbers = Philox(seed: seed, stream: stream | UInt64(batch.epoch) << 30 | UInt64(index))
            let (tokens, targets) = (batch.row(row, of: "tokens", as: Int32.self), batch.row(row, of: "targets", as: Int32.self))
            tokens.update(repeating: Int32(alphabet))
            tokens[symbols + delay - 1] = Int32(alphabet + 1)
            for place in 0..<symbols {
                targets[place] = Int32(numbers.integer(below: alphabet))
                tokens[place] = targets[place]
            }
        }
    }
}
