import Glibc

/// Numbers as people read them.
package enum Quantity {
    /// With `digits` digits after the point.
    package static func fixed(_ value: Double, _ digits: Int) -> String {
        guard value.isFinite else { return "\(value)" }
        var scale = 1.0
        for _ in 0..<digits { scale *= 10 }
        let scaled = (value.magnitude * scale).rounded()
        guard scaled < 1e15 else { return "\(value)" }
        let whole = Int(scaled) / Int(scale)
        let sign = value < 0 && scaled > 0 ? "-" : ""
        if digits == 0 { return "\(sign)\(whole)" }
        let fraction = String(Int(scaled) % Int(scale))
        return "\(sign)\(whole)." + String(repeating: "0", count: digits - fraction.count) + fraction
    }

    /// With about `digits` significant digits, without an exponent where that is readable.
    package static func significant(_ value: Double, _ digits: Int = 4) -> String {
        guard value.isFinite, value != 0 else { return value == 0 ? "0" : "\(value)" }
        let exponent = Int(log10(value.magnitude).rounded(.down))
        guard (-5...8).contains(exponent) else { return "\(value)" }
        return fixed(value, max(0, digits - 1 - exponent))
    }

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
