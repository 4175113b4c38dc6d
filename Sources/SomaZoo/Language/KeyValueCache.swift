import Soma
import SomaGraph

/// The keys and values of the tokens that a transformer has read, with room for as many as it looks back at.
///
/// It is what a `TransformerModel` has as the state of a `LanguageModel`: of each block room for keys and for values, [heads, N, context, d], and
/// last how many tokens are in it, int32 [1, N], as many in all texts. A step that assigns the next state to the `State`s that it read writes the new
/// tokens into their memory and copies nothing else; attention reads what was written so far, and the program is the same for each token.
public struct KeyValueCache: Sendable {
    /// What a block keeps of each token.
    public struct Shape: Hashable, Sendable {
        /// How many blocks there are.
        public var blocks: Int
        /// Of keys and values.
        public var heads: Int
        /// The features of a head.
        public var headSize: Int

        /// So many blocks, heads and features.
        public init(blocks: Int, heads: Int, headSize: Int) { (self.blocks, self.heads, self.headSize) = (blocks, heads, headSize) }
    }

    /// The places of the tokens that are being read: int32 [T].
    public let places: Tensor
    /// Which keys these see: all up to their own.
    public let mask: AttentionMask
    private var rooms: [Tensor]
    private let count: Tensor
    /// Where keys and values of the tokens go: int32 [4].
    private let starts: Tensor

    /// An empty state.
    /// - Parameters:
    ///   - count: N, texts side by side.
    ///   - context: tokens that there is room for.
    static func emptyState(_ shape: Shape, count: Int, context: Int) -> [Tensor] {
        let rooms = (0..<2 * shape.blocks).map { _ in Tensor.zeros([shape.heads, count, context, shape.headSize]) }
        return rooms + [Tensor.zeros([1, count], dtype: .int32)]
    }

    /// A state, and `tokens` tokens that are about to be read.
    init(_ state: [Tensor], reading tokens: Int) {
        let known = state[state.count - 1], first = known[0, 0]
        (rooms, count, places) = (state.dropLast(), known + tokens, Tensor.range(tokens) + first)
        starts = Tensor(stacking: [first * 0, first * 0, first, first * 0])
        // What lies behind the last token is not even read.
        let lengths = (known + tokens).reshaped(to: [known.count])
        guard tokens > 1 else {
            mask = AttentionMask(lengths: lengths)
            return
        }
        let isSeen = Tensor.range(rooms[0].shape[2]).expandingDims(at: 0) .<= places.expandingDims(at: 1)
        mask = AttentionMask(lengths: lengths, bias: .select(isSeen, 0, Tensor.zeros(isSeen.shape) - .infinity))
    }

    /// Puts keys and values [N, heads, T, d] of the tokens behind those of a block.
    /// - Returns: all that there is room for, [N, heads, context, d], of which `mask` tells what counts.
    mutating func append(_ key: Tensor, _ value: Tensor, ofBlock block: Int) -> (keys: Tensor, values: Tensor) {
        for (place, tensor) in [(2 * block, key), (2 * block + 1, value)] {
            rooms[place] = rooms[place].updatingSlice(at: starts, with: tensor.transposed(0, 1))
        }
        return (rooms[2 * block].transposed(0, 1), rooms[2 * block + 1].transposed(0, 1))
    }

    /// What the next tokens follow.
    var state: [Tensor] { rooms + [count] }
}

extension TransformerModel {
    public var vocabularyCount: Int { vocabulary }
    public var contextLength: Int? { context }

    /// An empty `KeyValueCache`.
    public func initialState(count: Int) -> [Tensor] { KeyValueCache.emptyState(cacheShape, count: count, context: context) }

    /// The logits [N, T, vocabulary] of tokens [N, T] that follow those of the state, and the state behind them; without a state, of whole texts, and
    /// no state.
    ///
    /// No more tokens fit into a state than the context has places: where they do not, all logits and the state are NaN. A call of more tokens
    /// than the context has places traps.
    public func callAsFunction(_ tokens: Tensor, from state: [Tensor]?) -> (logits: Tensor, state: [Tensor]) {
        guard let state else { return (self(tokens), []) }
        var cache = KeyValueCache(state, reading: tokens.shape[1])
        let states = self.states(of: tokens, after: &cache)
        return (logits(of: states), cache.state)
    }
}
