/// The layers whose graph is being built, told in messages about mistakes.
public enum LayerPath {
    private struct Place: Sendable {
        let type: any Any.Type
        /// Its number in a row of layers.
        let number: Int?
        /// Its path in a model, where one was asked for its parameters before.
        let name: (@Sendable () -> String?)?
    }

    @TaskLocal private static var places: [Place] = []

    /// Runs `body`, which builds the layer at `number` in a row of layers.
    public static func within<Result>(_ type: any Any.Type, number: Int, _ body: () throws -> Result) rethrows -> Result {
        try $places.withValue(places + [Place(type: type, number: number, name: nil)], operation: body)
    }

    /// Runs `body`, which builds the layer that `name` gives the path of.
    public static func within<Result>(
        _ type: any Any.Type, name: @escaping @Sendable () -> String?, _ body: () throws -> Result
    ) rethrows -> Result {
        try $places.withValue(places + [Place(type: type, number: nil, name: name)], operation: body)
    }

    static var description: String? {
        guard let last = places.last else { return nil }
        if let name = last.name?() { return "layer \(name), \(last.type)" }
        let numbers = places.compactMap { $0.number.map(String.init) }
        return numbers.isEmpty ? "a layer \(last.type)" : "layer \(numbers.joined(separator: ".")) of a Sequential, \(last.type)"
    }
}
