import SomaGraph

/// The parameters and states of a model, found by reflection.
///
/// The search goes through structs, classes and what they inherit, enumerations, tuples, optionals, arrays, sets and
/// dictionaries. Pointers and managed buffers trap, since training without what they hold would go unnoticed. Closures, which activations
/// and the like are often made of, are not searched; `closures` tells where they were met.
struct ModelContents {
    private(set) var parameters: [NamedParameter] = []
    private(set) var states: [NamedState] = []
    /// The model itself and the modules that it is made of, each before those within it, by the paths that lead to them.
    private(set) var modules: [FoundModule] = []
    /// The affine maps, by the paths that lead to them; one that several paths lead to is there once for each.
    private(set) var linears: [(path: String, layer: Linear)] = []
    /// Paths of properties that are closures.
    private(set) var closures: [String] = []
    private var placeOfParameter: [ObjectIdentifier: Int] = [:]
    private var placeOfState: [ObjectIdentifier: Int] = [:]
    /// The objects on the way to the current one, so that a circle ends.
    private var ancestors: Set<ObjectIdentifier> = []

    /// A module and the properties that lead to it.
    struct FoundModule {
        let path: [String]
        let type: any Any.Type
    }

    init(of model: Any) { search(model, []) }

    private mutating func search(_ value: Any, _ path: [String]) {
        switch value {
        case let parameter as Parameter: return add(parameter, path)
        case let state as State: return add(state, path)
        case is Tensor, is RandomGenerator, is any BinaryInteger, is any BinaryFloatingPoint, is any StringProtocol:
            return
        default: break
        }
        if value is any Module { modules.append(FoundModule(path: path, type: type(of: value))) }
        if let linear = value as? Linear { linears.append((path.joined(separator: "."), linear)) }
        let mirror = Mirror(reflecting: value)
        requireReadable(value, path)
        if mirror.displayStyle == nil && "\(type(of: value))".contains("->") { closures.append(path.joined(separator: ".")) }
        guard mirror.displayStyle == .class else { return searchChildren(of: mirror, path) }
        let identity = ObjectIdentifier(value as AnyObject)
        guard ancestors.insert(identity).inserted else { return }
        searchChildren(of: mirror, path)
        ancestors.remove(identity)
    }

    private mutating func searchChildren(of mirror: Mirror, _ path: [String]) {
        if let inherited = mirror.superclassMirror { searchChildren(of: inherited, path) }
        switch mirror.displayStyle {
        case .optional, .enum:
            // The name of the case is no part of the path.
            for child in mirror.children { search(child.value, path) }
        case .dictionary: searchDictionary(mirror, path)
        default:
            for (number, child) in mirror.children.enumerated() {
                let name = child.label.map(Self.propertyName) ?? String(number)
                if child.value is Void { Self.trap("a property that cannot be copied", path + [name]) }
                search(child.value, path + [name])
            }
        }
    }

    /// The values of a dictionary in the order of their keys, which is the same in every run.
    private mutating func searchDictionary(_ mirror: Mirror, _ path: [String]) {
        let entries = mirror.children.compactMap { child in
            let pair = Array(Mirror(reflecting: child.value).children)
            return pair.count == 2 ? (key: "\(pair[0].value)", value: pair[1].value) : nil
        }
        for entry in entries.sorted(by: { $0.key < $1.key }) { search(entry.value, path + [entry.key]) }
    }

    private static func propertyName(_ label: String) -> String {
        // Tuples call their members `.0`, lazy properties hide behind a prefix.
        let lazyPrefix = "$__lazy_storage_$_"
        if label.hasPrefix(lazyPrefix) { return String(label.dropFirst(lazyPrefix.count)) }
        return label.hasPrefix(".") ? String(label.dropFirst()) : label
    }

    private func requireReadable(_ value: Any, _ path: [String]) {
        let type = String(reflecting: Swift.type(of: value))
        for opaque in ["Swift.Unsafe", "Swift.ManagedBuffer<", "Swift.Unmanaged<"] where type.hasPrefix(opaque) {
            Self.trap(type, path)
        }
    }

    private static func trap(_ what: String, _ path: [String]) -> Never {
        programError(
            "parameters",
            "'\(path.joined(separator: "."))' is \(what), where parameters cannot be found; "
                + "list what the layer holds in a customMirror")
    }

    /// Traps where nothing was found to train.
    static func requireParameters(of model: some Module) {
        let contents = ModelContents(of: model)
        guard contents.parameters.isEmpty else { return }
        let closures = contents.closures.map { "'\($0)'" }.joined(separator: ", ")
        programError(
            "Optimizer",
            "\(type(of: model)) has no parameters to train: stored properties were searched, not closures"
                + (closures.isEmpty ? "" : ", which \(closures) \(contents.closures.count == 1 ? "is" : "are")")
                + "; keep parameters in properties or list them in a customMirror")
    }

    // MARK: What was found

    private mutating func add(_ parameter: Parameter, _ path: [String]) {
        let name = path.joined(separator: ".")
        parameter.note(name: name)
        if let known = placeOfParameter[ObjectIdentifier(parameter)] { return parameters[known].aliases.append(name) }
        placeOfParameter[ObjectIdentifier(parameter)] = parameters.count
        requireNew(name)
        parameters.append(NamedParameter(name: name, parameter: parameter))
    }

    private mutating func add(_ state: State, _ path: [String]) {
        let name = path.joined(separator: ".")
        if let known = placeOfState[ObjectIdentifier(state)] { return states[known].aliases.append(name) }
        placeOfState[ObjectIdentifier(state)] = states.count
        requireNew(name)
        states.append(NamedState(name: name, state: state))
    }

    private func requireNew(_ name: String) {
        if parameters.contains(where: { $0.name == name }) || states.contains(where: { $0.name == name }) {
            programError("parameters", "two different parameters are called '\(name)'")
        }
    }
}
