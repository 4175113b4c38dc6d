import SomaGraph

/// The state of a language model that is carried from batch to batch, one for each stream of text.
struct CarriedState: Sendable {
    private let model: any LanguageModel
    /// Of `count` texts, as `LanguageModel.initialState` has them.
    let states: [State]
    let count: Int

    init(_ model: any LanguageModel, count: Int) {
        (self.model, self.count) = (model, count)
        states = model.initialState(count: count).map { State($0) }
    }

    /// The logits of a batch of `TextStreams`, whose state is kept for the next.
    /// - Parameter starts: bool [N], the texts that begin anew.
    func logits(_ tokens: Tensor, starts: Tensor) -> Tensor {
        let initial = model.initialState(count: count)
        let carried = zip(states, initial).map { state, initial in
            let isFirst = starts.reshaped(to: Shape([1, count] + Array(repeating: 1, count: initial.rank - 2)))
            return Tensor.select(isFirst, initial, state.tensor)
        }
        let (logits, next) = model(tokens, from: carried)
        // Gradients end where the batch begins.
        for (state, value) in zip(states, next) { state.assign(value.withoutGradient()) }
        return logits
    }
}

/// A language model and the state that its training carries from batch to batch, which a checkpoint keeps too. The names of parameters are the
/// model's; the states are called `carried.0` and so on.
public struct CarriedLanguageModel: Module, CustomReflectable {
    /// What is trained.
    public let model: any LanguageModel
    let carried: CarriedState?

    /// The model with a state for each stream of text.
    /// - Parameter count: the streams of text that it is trained on side by side; of no effect where the model has a `contextLength`.
    public init(_ model: any LanguageModel, streams count: Int) {
        self.model = model
        carried = model.contextLength == nil ? CarriedState(model, count: count) : nil
    }

    public var customMirror: Mirror {
        let own = Mirror(reflecting: model).children
        return Mirror(self, children: own + (carried.map { [(label: "carried" as String?, value: $0.states as Any)] } ?? []))
    }
}
