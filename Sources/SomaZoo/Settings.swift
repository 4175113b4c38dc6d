import Soma

/// The values of a recipe's settings.
public struct Settings: Hashable, Sendable {
    private let keys: [String]
    private var values: [String: String]
    /// Those that somebody has chosen; the others may be fitted to the data.
    private var chosen: Set<String> = []

    /// Each at its default.
    public init(_ recipe: any Recipe) {
        keys = recipe.settings.map(\.key)
        values = Dictionary(uniqueKeysWithValues: recipe.settings.map { ($0.key, $0.defaultText) })
    }

    /// Those that `arguments` (`key=value`) name, the others at their defaults.
    /// - Throws: `UsageError` for an unknown key, with the nearest, one given twice, or a value that cannot be.
    public init(_ recipe: any Recipe, arguments: [String]) throws {
        self.init(recipe)
        try set(arguments, of: recipe)
    }

    /// Changes those that `arguments` name.
    /// - Throws: `UsageError`; nothing is changed then.
    public mutating func set(_ arguments: [String], of recipe: any Recipe) throws {
        var changed: [String: String] = [:]
        for argument in arguments {
            guard let (key, text) = argument.parts(atFirst: "=") else { throw UsageError("'\(argument)' is no key=value") }
            guard let setting = recipe.settings.first(where: { $0.key == key }) else {
                throw UsageError(unknown: "setting of \(recipe.name)", key, among: keys)
            }
            guard changed.updateValue(try setting.normalized(text), forKey: key) == nil else { throw UsageError("\(key) is set twice") }
        }
        values.merge(changed) { _, new in new }
        chosen.formUnion(changed.keys)
    }

    /// Whether somebody has chosen the value of a setting, if only its default.
    func isChosen<Value>(_ setting: Setting<Value>) -> Bool { chosen.contains(setting.key) }

    /// Whether somebody has chosen the value of the setting of that key, if only its default.
    func isChosen(key: String) -> Bool { chosen.contains(key) }

    /// Whether there is such a setting, which may have been left out.
    func has<Value>(_ setting: Setting<Value>) -> Bool { values[setting.key] != nil }

    /// Leaves settings out that have no effect: they are not told, and asking for their values is a mistake.
    mutating func leaveOut(_ keys: Set<String>) {
        for key in keys { values[key] = nil }
        chosen.subtract(keys)
    }

    /// Gives settings that nobody has chosen other values than their defaults.
    mutating func assume(_ texts: [String: String]) {
        for (key, text) in texts where !chosen.contains(key) { values[key] = text }
    }

    /// Chooses the value of a setting.
    mutating func choose<Value>(_ setting: Setting<Value>, _ value: Value) {
        values[setting.key] = value.settingText
        chosen.insert(setting.key)
    }

    /// Whether the values are the same, whoever has chosen them.
    public static func == (a: Settings, b: Settings) -> Bool { a.keys == b.keys && a.values == b.values }

    public func hash(into hasher: inout Hasher) { hasher.combine(values) }

    /// Keys and values in the recipe's order, of those that take effect.
    public var texts: [(key: String, value: String)] { keys.compactMap { key in values[key].map { (key, $0) } } }

    /// The value of a setting of the recipe. Traps where the recipe has no such setting.
    public subscript<Value>(_ setting: Setting<Value>) -> Value {
        guard let text = values[setting.key], let value = Value(settingText: text) else {
            fatalError("settings: \(setting.key) is none of \(keys)")
        }
        return value
    }
}
