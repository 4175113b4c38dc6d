/// What the patterns that split text into words tell code points apart by.
///
/// Letters are the general categories L, numbers N, white space is the property White_Space, as of Unicode 16: code points that came later are
/// `other`, so that ids do not change with the Unicode version of Swift's library.
enum CharacterClass {
    static let other: UInt8 = 0
    static let letter: UInt8 = 1
    static let number: UInt8 = 2
    /// White space but for line feed and carriage return.
    static let space: UInt8 = 3
    /// Line feed and carriage return.
    static let lineEnd: UInt8 = 4

    private static let latestUnicode = 16

    static func isKnown(_ scalar: Unicode.Scalar) -> Bool { scalar.properties.age.map { $0.major <= latestUnicode } ?? false }

    /// The class of a code point, by its properties.
    static func computed(_ value: UInt32) -> UInt8 {
        if value == 0x0A || value == 0x0D { return lineEnd }
        guard let scalar = Unicode.Scalar(value), isKnown(scalar), case let properties = scalar.properties else { return other }
        if properties.isWhitespace { return space }
        return switch properties.generalCategory {
        case .uppercaseLetter, .lowercaseLetter, .titlecaseLetter, .modifierLetter, .otherLetter: letter
        case .decimalNumber, .letterNumber, .otherNumber: number
        default: other
        }
    }

    /// The classes of the basic plane, computed when they are first asked for.
    ///
    /// Immutable once it is made, and never given back.
    nonisolated(unsafe) static let basicPlane: UnsafePointer<UInt8> = {
        let table = UnsafeMutablePointer<UInt8>.allocate(capacity: 1 << 16)
        for value in 0..<(1 << 16) { (table + value).initialize(to: computed(UInt32(value))) }
        return UnsafePointer(table)
    }()
}
