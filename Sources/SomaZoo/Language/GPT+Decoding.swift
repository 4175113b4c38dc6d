import Soma

/// A GPT goes on with a text token by token: its state is the keys and values of the tokens so far, so that none is computed twice.
extension GPT: LanguageModel {
    public var vocabularyCount: Int { configuration.vocabulary }
    public var contextLength: Int? { configuration.context }

    /// Of each block room for keys and for values, [heads, N, context, d], and last how many tokens are in it, int32 [1, N], as many in all texts.
    public func initialState(count: Int) -> [Tensor] {
        let (heads, width) = (configuration.heads, configuration.width)
        let room = (0..<2 * configuration.layers).map { _ in Tensor.zeros([heads, count, configuration.context, width / heads]) }
        return room + [Tensor.zeros([1, count], dtype: .int32)]
    }

    /// The logits [N, T, vocabulary] of tokens [N, T] that follow those of the state, and the state behind them; without a state, of whole texts, and
    /// no state.
    ///
    /// No more tokens fit into a state than the context has places: where they do not, all logits and the state are NaN. A call of more tokens
    /// than the context has places traps.
    public func callAsFunction(_ tokens: Tensor, from state: [Tensor]?) -> (logits: Tensor, state: [Tensor]) {
        guard let state else { return (self(tokens), []) }
        requireTokens(tokens, "GPT")
        let known = state[state.count - 1], first = known[0, 0]
        let positions = Tensor.range(tokens.shape[1]) + first
        // Query i stands at the position first + i and sees the keys up to it.
        let isSeen = Tensor.range(configuration.context).expandingDims(at: 0) .<= positions.expandingDims(at: 1)
        let mask = AttentionMask(bias: .select(isSeen, 0, Tensor.zeros(isSeen.shape) - .infinity))
        let starts = Tensor(stacking: [first * 0, first * 0, first, first * 0])
        var (x, next) = (self.tokens(tokens) + places(positions), [Tensor]())
        for (index, block) in blocks.enumerated() {
            let (query, key, value) = block.attention.projected(block.norm1(x))
            let keys = state[2 * index].updatingSlice(at: starts, with: key.transposed(0, 1))
            let values = state[2 * index + 1].updatingSlice(at: starts, with: value.transposed(0, 1))
            x = x + block.attention.attended(query: query, key: keys.transposed(0, 1), value: values.transposed(0, 1), mask: mask)
            x = x + block.feedForward(block.norm2(x))
            next += [keys, values]
        }
        return (logits(of: norm(x)), next + [known + tokens.shape[1]])
    }
}
