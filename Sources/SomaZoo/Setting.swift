/// A value that can be written on the command line behind `key=`.
public protocol SettingValue: Hashable, Sendable {
    /// What is expected, as a noun: "a whole number".
    static var form: String { get }
    /// Nil where the text is no such value.
    init?(settingText: String)
    /// The value as it is written.
    var settingText: String { get }
}

extension Int: SettingValue {
    public static var form: String { "a whole number" }
    public init?(settingText: String) { self.init(settingText) }
    public var settingText: String { String(self) }
}

extension Double: SettingValue {
    public static var form: String { "a number" }
    public init?(settingText: String) {
        guard let value = Double(settingText), value.isFinite else { return nil }
        self = value
    }
    public var settingText: String { self == rounded() && magnitude < 1e15 ? String(Int(self)) : String(self) }
}

extension String: SettingValue {
    public static var form: String { "a name" }
    public init?(settingText: String) {
        if settingText.isEmpty { return nil }
        self = settingText
    }
    public var settingText: String { self }
}

extension Bool: SettingValue {
    public static var form: String { "yes or no" }
    public init?(settingText: String) {
        switch settingText.lowercased() {
        case "yes", "true", "on", "1": self = true
        case "no", "false", "off", "0": self = false
        default: return nil
        }
    }
    public var settingText: String { self ? "yes" : "no" }
}

extension Array: SettingValue where Element: SettingValue {
    public static var form: String { "\(Element.form) or several separated by commas, or none" }
    /// An empty text is an empty list, too.
    public init?(settingText: String) {
        let parts = settingText.isEmpty || settingText.lowercased() == "none" ? [] : settingText.split(separator: ",", omittingEmptySubsequences: false)
        let values = parts.compactMap { Element(settingText: Self.trimmed($0)) }
        guard values.count == parts.count else { return nil }
        self = values
    }
    public var settingText: String { isEmpty ? "none" : map(\.settingText).joined(separator: ",") }

    /// Spaces around a value say nothing; those within a name do.
    private static func trimmed(_ text: Substring) -> String {
        let start = text.drop { $0 == " " }
        return String(start.prefix(start.count - start.reversed().prefix { $0 == " " }.count))
    }
}

/// A setting's value that is one of a few names: an enumeration of strings conforms by saying so.
public protocol SettingChoice: SettingValue, CaseIterable, RawRepresentable where RawValue == String {}

extension SettingChoice {
    public static var form: String { "one of \(allCases.map(\.rawValue).joined(separator: ", "))" }
    public init?(settingText: String) { self.init(rawValue: settingText.lowercased()) }
    public var settingText: String { rawValue }
}

/// Something about a recipe that can be set by `key=value`.
public struct Setting<Value: SettingValue>: Sendable {
    /// What stands before the `=`.
    public let key: String
    /// The value where nobody has set one.
    public let defaultValue: Value
    public let help: String
    private let limits: String?
    private let isAllowed: @Sendable (Value) -> Bool

    /// A setting whose values are checked by `isAllowed`.
    /// - Parameters:
    ///   - help: half a sentence.
    ///   - limits: what `isAllowed` asks for, as it reads behind "must be".
    public init(
        _ key: String, _ defaultValue: Value, _ help: String, limits: String? = nil,
        isAllowed: @escaping @Sendable (Value) -> Bool = { _ in true }
    ) {
        (self.key, self.defaultValue, self.help, self.limits, self.isAllowed) = (key, defaultValue, help, limits, isAllowed)
    }

    /// A number within bounds.
    public init(_ key: String, _ defaultValue: Value, _ help: String, in range: ClosedRange<Value>) where Value: Comparable {
        self.init(key, defaultValue, help, limits: Self.text(range)) { range.contains($0) }
    }

    /// Numbers within bounds.
    public init<Element>(_ key: String, _ defaultValue: [Element], _ help: String, eachIn range: ClosedRange<Element>, count: ClosedRange<Int>)
    where Value == [Element], Element: Comparable & SettingValue {
        let limits = "\(count.lowerBound) to \(count.upperBound) numbers, each \(Setting<Element>.text(range))"
        self.init(key, defaultValue, help, limits: limits) { count.contains($0.count) && $0.allSatisfy(range.contains) }
    }

    private static func text(_ range: ClosedRange<Value>) -> String where Value: Comparable {
        "from \(range.lowerBound.settingText) to \(range.upperBound.settingText)"
    }

    /// - Throws: `UsageError` that says what is expected.
    func parse(_ text: String) throws -> Value {
        guard let value = Value(settingText: text) else { throw UsageError("\(key)=\(text): \(key) is \(Value.form)") }
        guard isAllowed(value) else { throw UsageError("\(key)=\(text): \(key) must be \(limits ?? Value.form)") }
        return value
    }
}

/// A setting of whatever type.
public protocol AnySetting: Sendable {
    /// What stands before the `=`.
    var key: String { get }
    /// Half a sentence.
    var help: String { get }
    /// The value it has unless told otherwise, as it is written.
    var defaultText: String { get }
    /// What may be written.
    var form: String { get }
    /// A text that means the same, written as the engine writes it.
    /// - Throws: `UsageError`.
    func normalized(_ text: String) throws -> String
}

extension Setting: AnySetting {
    public var defaultText: String { defaultValue.settingText }
    public var form: String { [Value.form, limits].compactMap { $0 }.joined(separator: ", ") }
    public func normalized(_ text: String) throws -> String { try parse(text).settingText }
}
