import Glibc
import Soma

/// Environment variables that take one of a few words or a number. A misspelt one would be passed over without a sign.
enum Environment {
    /// - `isList`: whether several may stand with commas between them.
    private static let variables: [(name: String, words: [String], isList: Bool)] = [
        ("SOMA_MATMUL", ["own", "openblas", "onednn"], false),
        ("SOMA_WITHOUT", ["opencl", "clblast", "openblas", "onednn", "openmp", "libcurl", "winograd"], true),
        ("SOMA_MEMORY", ["isolated"], false),
        ("SOMA_KERNELS", ["gpu", "cpu"], false),
    ]

    /// Those that take a whole number, and what of.
    private static let numbers: [(name: String, range: ClosedRange<Int>, unit: String)] = [("SOMA_DRIVER_WAIT", 1...600, "seconds")]

    /// A line for each word that means nothing, and for each number out of its range.
    static var complaints: [String] { misspelt + outOfRange }

    private static var outOfRange: [String] {
        numbers.compactMap { name, range, unit in
            let value = text(name)
            if value.isEmpty || Int(value).map(range.contains) == true { return nil }
            return "soma: \(name): '\(value)' is no whole number of \(unit) from \(range.lowerBound) to \(range.upperBound)"
        }
    }

    private static var misspelt: [String] {
        variables.flatMap { variable -> [String] in
            let value = text(variable.name)
            let words = variable.isList ? value.split(separator: ",").map(String.init) : [value]
            return words.filter { !$0.isEmpty && !variable.words.contains($0.lowercased()) }.map {
                "soma: \(variable.name): '\($0)' is none of \(variable.words.joined(separator: ", "))"
            }
        }
    }

    /// The name of one of Soma's variables whose value is no UTF-8.
    static var illegible: String? {
        var place = environ
        while let variable = place.pointee {
            let text = String(cString: variable)
            if text.beginsExactly(with: "SOMA_"), String(validatingCString: variable) == nil { return text.parts(atFirst: "=")?.before }
            place += 1
        }
        return nil
    }

    /// The value of a variable; empty where it is not set.
    static func text(_ name: String) -> String { getenv(name).map { String(cString: $0) } ?? "" }
}
