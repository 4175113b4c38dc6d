import Glibc

/// Numbers as people read them.
package enum Quantity {
    /// With `digits` digits after the point; from 10¹⁵ of the last of these on with six significant digits and an exponent.
    package static func fixed(_ value: Double, _ digits: Int) -> String {
        guard value.isFinite else { return notFinite(value) }
        var scale = 1.0
        for _ in 0..<digits { scale *= 10 }
        let scaled = (value.magnitude * scale).rounded()
        guard scaled < 1e15 else { return scientific(value, 6) }
        let whole = Int(scaled) / Int(scale)
        let sign = value < 0 && scaled > 0 ? "-" : ""
        if digits == 0 { return "\(sign)\(whole)" }
        let fraction = String(Int(scaled) % Int(scale))
        return "\(sign)\(whole)." + String(repeating: "0", count: digits - fraction.count) + fraction
    }

    /// With about `digits` significant digits, without an exponent where that is readable.
    package static func significant(_ value: Double, _ digits: Int = 4) -> String {
        guard value.isFinite, value != 0 else { return value == 0 ? "0" : notFinite(value) }
        let exponent = Int(log10(value.magnitude).rounded(.down))
        guard (-5...8).contains(exponent) else { return scientific(value, digits) }
        return fixed(value, max(0, digits - 1 - exponent))
    }

    /// A loss or another measure: four digits after the point, and where it is large six significant ones.
    package static func measure(_ value: Double) -> String {
        value.magnitude < 100 || !value.isFinite ? fixed(value, 4) : value.magnitude < 1e6 ? significant(value, 6) : scientific(value, 6)
    }

    /// With `digits` significant digits and an exponent: `3.47521e+20`.
    private static func scientific(_ value: Double, _ digits: Int) -> String {
        // In two steps, since 10³²⁰ is no number.
        func shifted(by exponent: Int) -> Double { value / pow(10, Double(exponent / 2)) / pow(10, Double(exponent - exponent / 2)) }
        var exponent = Int(log10(value.magnitude).rounded(.down))
        var mantissa = fixed(shifted(by: exponent), digits - 1)
        // Rounded up to ten.
        if mantissa.utf8.count > digits + (digits > 1 ? 1 : 0) + (value < 0 ? 1 : 0) {
            exponent += 1
            mantissa = fixed(shifted(by: exponent), digits - 1)
        }
        let size = exponent.magnitude < 10 ? "0\(exponent.magnitude)" : "\(exponent.magnitude)"
        return "\(mantissa)e\(exponent < 0 ? "-" : "+")\(size)"
    }

    /// NaN has no sign to a reader.
    package static func notFinite(_ value: Double) -> String { value.isNaN ? "nan" : "\(value)" }

    /// Powers of 1024: `15.6 GiB`.
    package static func bytes(_ count: Int) -> String {
        var value = Double(count)
        for unit in ["B", "KiB", "MiB", "GiB", "TiB"] {
            if value < 1024 || unit == "TiB" { return (unit == "B" ? "\(count)" : fixed(value, value < 10 ? 2 : 1)) + " \(unit)" }
            value /= 1024
        }
        return "\(count) B"
    }

    /// `1:04:09`, `4:09`, `9.3 s`.
    package static func duration(_ seconds: Double) -> String {
        guard seconds.isFinite, seconds < 1e9 else { return "?" }
        if seconds < 60 { return fixed(seconds, 1) + " s" }
        let whole = Int(seconds.rounded())
        func two(_ number: Int) -> String { number < 10 ? "0\(number)" : "\(number)" }
        let minutes = "\(whole >= 3600 ? two(whole / 60 % 60) : "\(whole / 60)"):\(two(whole % 60))"
        return whole >= 3600 ? "\(whole / 3600):\(minutes)" : minutes
    }

    /// `1 tensor`, `2,000 tensors`.
    /// - Parameter plural: `nil`: with an s.
    package static func counted(_ count: Int, _ noun: String, _ plural: String? = nil) -> String {
        "\(grouped(count)) " + (count == 1 ? noun : plural ?? noun + "s")
    }

    /// Samples in a second: `3,210 samples/s`, `0.42 samples/s`.
    package static func rate(_ samples: Double) -> String {
        "\(samples < 10 ? significant(samples, 2) : samples < 1e15 ? grouped(Int(samples)) : "\(samples)") samples/s"
    }

    /// Thousands apart by commas.
    package static func grouped(_ count: Int) -> String {
        let digits = Array(String(count.magnitude))
        let groups = stride(from: digits.count % 3 == 0 ? 3 : digits.count % 3, through: digits.count, by: 3)
        var start = 0
        let parts = groups.map { end in
            defer { start = end }
            return String(digits[start..<end])
        }
        return (count < 0 ? "-" : "") + parts.joined(separator: ",")
    }
}
