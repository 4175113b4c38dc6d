import SomaGraph

/// What owns parameters, states and further modules. How it is called is its own business: by several tensors, with a mask, with a state.
///
/// A module is a plain struct (or a final class) whose stored properties are its parameters and the modules it is made of. One that is
/// called with a tensor and answers with a tensor is a `Layer`.
///
/// ```swift
/// struct Adversaries: Module {
///     let generator: Generator
///     let discriminator: Discriminator
/// }
/// ```
///
/// Parameters and states are found by reflection and named by the path of properties that leads to them, as PyTorch's
/// state_dict does: `generator.project.weight`. The search goes through structs, classes, enumerations, tuples, optionals, arrays, sets and
/// dictionaries, and not through closures: a parameter that only a closure holds is not trained. To give other names, or to show what
/// reflection cannot read, a module conforms to `CustomReflectable`; the labels of its `customMirror` are the names.
public protocol Module: Sendable {}

extension Module {
    /// The module's parameters, each once, in the order of its properties.
    public var parameters: [Parameter] { namedParameters.map(\.parameter) }

    /// The module's parameters with their names; one that is shared goes by the name that comes first.
    public var namedParameters: [NamedParameter] {
        let parameters = ModelContents(of: self).parameters
        ExplanationCollector.current?.note(parameters)
        return parameters
    }

    /// What the module remembers besides its parameters, such as running statistics, with names.
    public var namedStates: [NamedState] { ModelContents(of: self).states }
}

extension Module {
    /// Runs `body`, which builds this module; a mistake in it names the module by the path of `parameter`.
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
