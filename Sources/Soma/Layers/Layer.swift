import SomaGraph

/// A function from tensor to tensor with parameters to be trained.
///
/// A layer is a plain struct (or a final class) whose stored properties are its parameters and the layers it is made
/// of:
///
/// ```swift
/// struct MLP: Layer {
///     let hidden = Linear(from: 784, to: 512)
///     let output = Linear(from: 512, to: 10)
///     func callAsFunction(_ x: Tensor) -> Tensor { output(relu(hidden(x))) }
/// }
/// ```
///
/// Parameters and states are found by reflection and named by the path of properties that leads to them, as PyTorch's
/// state_dict does: `hidden.weight`. The search goes through structs, classes, enumerations, tuples, optionals, arrays, sets and dictionaries, and
/// not through closures: a parameter that only a closure holds is not trained. To give other names, or to show what reflection cannot read, a layer conforms to
/// `CustomReflectable`; the labels of its `customMirror` are the names.
public protocol Layer: Sendable {
    func callAsFunction(_ x: Tensor) -> Tensor
}

extension Layer {
    /// The layer's parameters, each once, in the order of its properties.
    public var parameters: [Parameter] { namedParameters.map(\.parameter) }

    /// The layer's parameters with their names; one that is shared goes by the name that comes first.
    public var namedParameters: [NamedParameter] {
        let parameters = ModelContents(of: self).parameters
        ExplanationCollector.current?.note(parameters)
        return parameters
    }

    /// What the layer remembers besides its parameters, such as running statistics, with names.
    public var namedStates: [NamedState] { ModelContents(of: self).states }
}

extension Layer {
    /// Runs `body`, which builds this layer; a mistake in it names the layer by the path of `parameter`.
    func named<Result>(by parameter: Parameter?, _ body: () throws -> Result) rethrows -> Result {
        try LayerPath.within(Self.self, name: { [weak parameter] in parameter?.layerName }, body)
    }
}

/// A parameter and the path that leads to it in a model.
public struct NamedParameter: Sendable {
    /// As a state_dict names it: `hidden.weight`.
    public let name: String
    /// What is trained.
    public let parameter: Parameter
    /// Further paths that lead to the same parameter.
    public internal(set) var aliases: [String] = []
}

/// A state that is not trained and the path that leads to it in a model.
public struct NamedState: Sendable {
    /// As a state_dict names it: `norm.running_mean`.
    public let name: String
    /// What changes without being trained.
    public let state: State
    /// Further paths that lead to the same state.
    public internal(set) var aliases: [String] = []
}
