/// A number as a cell has it: 12, -0.5, .5, 1e-3, or inf; with a decimal comma where that is allowed.
struct NumberText {
    /// Infinite where the text says so, or stands for more than a double holds.
    let value: Double
    /// The decimal mark, if it has one.
    let mark: UInt8?

    /// A whole number that a double holds exactly.
    var isWhole: Bool { Self.isWhole(value) }

    static func isWhole(_ value: Double) -> Bool { value == value.rounded() && abs(value) < 0x1p53 }

    /// Nil for bytes that are no number.
    init?(_ bytes: ArraySlice<UInt8>, allowingComma: Bool) {
        var scanner = Scanner(bytes: bytes, at: bytes.startIndex, allowingComma: allowingComma)
        guard let number = scanner.number() else { return nil }
        (value, mark) = number
    }

    private struct Scanner {
        let bytes: ArraySlice<UInt8>
        var at: Int
        let allowingComma: Bool

        /// All digits as one whole number, as long as a double holds it, and how many of them are behind the mark.
        var digits: UInt64 = 0
        var digitCount = 0
        var fraction = 0

        init(bytes: ArraySlice<UInt8>, at: Int, allowingComma: Bool) { (self.bytes, self.at, self.allowingComma) = (bytes, at, allowingComma) }

        var next: UInt8? { at < bytes.endIndex ? bytes[at] : nil }

        mutating func take(_ a: Unicode.Scalar, _ b: Unicode.Scalar) -> UInt8? {
            guard let byte = next, byte == UInt8(ascii: a) || byte == UInt8(ascii: b) else { return nil }
            at += 1
            return byte
        }

        /// Takes digits and returns how many.
        mutating func takeDigits() -> Int {
            let start = at
            while let byte = next, byte >= 0x30 && byte <= 0x39 {
                if digits < 1 << 59 { digits = digits * 10 + UInt64(byte - 0x30) } else { digits = .max }
                at += 1
            }
            return at - start
        }

        mutating func number() -> (Double, UInt8?)? {
            let isNegative = take("+", "-") == UInt8(ascii: "-")
            if isInfinity(bytes[at...]) { return (isNegative ? -.infinity : .infinity, nil) }
            let whole = takeDigits()
            var mark: UInt8?
            if next == UInt8(ascii: ".") || (allowingComma && next == UInt8(ascii: ",")) {
                mark = next
                at += 1
                fraction = takeDigits()
            }
            guard whole + fraction > 0 else { return nil }
            let mantissa = digits
            var exponent = 0
            if take("e", "E") != nil {
                let sign = take("+", "-") == UInt8(ascii: "-") ? -1 : 1
                digits = 0
                guard takeDigits() > 0 else { return nil }
                exponent = sign * Int(min(digits, 1_000_000))
            }
            guard at == bytes.endIndex else { return nil }
            return (value(mantissa, exponent - fraction, isNegative) ?? slowValue, mark)
        }

        /// Both the digits and the power of ten are exact, so that their product or quotient is rounded once (Clinger 1990).
        func value(_ mantissa: UInt64, _ exponent: Int, _ isNegative: Bool) -> Double? {
            guard mantissa < 1 << 53, abs(exponent) <= 22 else { return nil }
            let size = Double(mantissa)
            let value = exponent < 0 ? size / Self.powers[-exponent] : size * Self.powers[exponent]
            return isNegative ? -value : value
        }

        static let powers: [Double] = (0...22).map { power in (0..<power).reduce(1.0) { value, _ in value * 10 } }

        var slowValue: Double {
            let text = String(decoding: bytes.map { $0 == UInt8(ascii: ",") ? UInt8(ascii: ".") : $0 }, as: UTF8.self)
            return Double(text) ?? .infinity
        }

        func isInfinity(_ rest: ArraySlice<UInt8>) -> Bool {
            guard rest.count == 3 || rest.count == 8 else { return false }
            let word = rest.map { $0 | 0x20 }
            return word.elementsEqual("inf".utf8) || word.elementsEqual("infinity".utf8)
        }
    }
}
