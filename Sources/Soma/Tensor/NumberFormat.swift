import Glibc
import SomaGraph

/// Numbers of one tensor as text, all in the same form: with at most four decimals, or with exponents where some would show none of their
/// digits otherwise.
struct NumberFormat {
    let texts: [String]

    private static let mostDecimals = 4

    init(_ numbers: [ExactNumber], _ dtype: DType) {
        let sizes = numbers.compactMap { number -> Double? in
            if case .real(let value) = number, value.isFinite, value != 0 { return value.magnitude }
            return nil
        }
        let hasExponents = sizes.contains { $0 >= 1e8 || $0 < 1e-4 }
        let decimals = sizes.reduce(1) { max($0, Self.decimals(of: $1)) }
        texts = numbers.map { number in
            switch number {
            case .whole(let value): dtype == .bool ? "\(value != 0)" : "\(value)"
            case .real(let value) where value.isNaN: "nan"
            case .real(let value) where value.isInfinite: "\(value)"
            case .real(let value): hasExponents ? Self.scientific(value) : Self.fixed(value, decimals)
            }
        }
    }

    /// How many decimals the shortest text has that is this float32 and no other.
    private static func decimals(of value: Double) -> Int {
        if value == value.rounded() { return 1 }
        let text = "\(Float(value))"
        guard let point = text.firstIndex(of: "."), !text.contains("e") else { return mostDecimals }
        return min(mostDecimals, text.distance(from: point, to: text.endIndex) - 1)
    }

    private static func sign(_ value: Double) -> String { value.sign == .minus ? "-" : "" }

    private static func fixed(_ value: Double, _ decimals: Int) -> String {
        let scale = Glibc.pow(10, Double(decimals))
        let digits = String(Int((value.magnitude * scale).rounded()))
        let filled = String(repeating: "0", count: max(0, decimals + 1 - digits.count)) + digits
        return "\(sign(value))\(filled.dropLast(decimals)).\(filled.suffix(decimals))"
    }

    private static func scientific(_ value: Double) -> String {
        guard value != 0 else { return "\(sign(value))0.0000e+00" }
        var exponent = Int(Glibc.log10(value.magnitude).rounded(.down))
        var mantissa = value.magnitude / Glibc.pow(10, Double(exponent))
        if mantissa < 1 { (mantissa, exponent) = (mantissa * 10, exponent - 1) }
        if mantissa >= 9.99995 { (mantissa, exponent) = (mantissa / 10, exponent + 1) }
        let digits = exponent.magnitude < 10 ? "0\(exponent.magnitude)" : "\(exponent.magnitude)"
        return "\(sign(value))\(fixed(mantissa, mostDecimals))e\(exponent < 0 ? "-" : "+")\(digits)"
    }
}
