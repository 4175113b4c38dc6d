import SomaGraph

/// One text that a language model reads and goes on with: its state, which steps change in place, and these steps.
///
/// A step is captured once for each number of tokens that are read at once; these are powers of two, so there are few, and drawing a token compiles
/// nothing.
final class TextReader: Sendable {
    private let model: any LanguageModel
    private let device: Device
    private let states: [State]
    private let reading, drawing: CompiledStep

    /// - Parameter choose: makes tokens [1] of logits [1, vocabulary].
    init(_ model: any LanguageModel, device: Device, choose: @escaping @Sendable (Tensor) -> Tensor) {
        let states = withDevice(device) { model.initialState(count: 1).map { State($0) } }
        /// The logits behind the tokens, whose state is kept.
        @Sendable func logits(_ tokens: Tensor) -> Tensor {
            let (logits, next) = model(tokens, from: states.map(\.tensor))
            for (state, value) in zip(states, next) { state.assign(value) }
            return logits
        }
        reading = compiled { inputs in
            withDevice(device) { _ = logits(inputs[0]) }
            return []
        }
        drawing = compiled { inputs in withDevice(device) { [choose(logits(inputs[0])[.all, -1])] } }
        (self.model, self.device, self.states) = (model, device, states)
    }

    /// Begins a text anew with all tokens but the last, which is for `next`.
    /// - Throws: `BackendError`.
    func restart(with tokens: [Int32]) throws {
        withDevice(device) { for (state, value) in zip(states, model.initialState(count: 1)) { state.assign(value) } }
        var rest = tokens.dropLast()
        while !rest.isEmpty {
            let count = 1 << (Int.bitWidth - 1 - rest.count.leadingZeroBitCount)
            let part = Tensor(Array(rest.prefix(count)), shape: [1, count], device: device)
            _ = try withInference { try reading([part]) }
            rest = rest.dropFirst(count)
        }
    }

    /// The token that is chosen behind `token`.
    /// - Throws: `BackendError`.
    func next(after token: Int32) throws -> Int32 {
        let input = Tensor([token], shape: [1, 1], device: device)
        return try withInference { try drawing([input]) }[0].scalars(as: Int32.self)[0]
    }
}
