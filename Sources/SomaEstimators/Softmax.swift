import Glibc

/// Probabilities from scores.
enum Softmax {
    /// exp sₖ / Σ exp s of each row of `scores`, [rows, outputs].
    static func of(_ scores: [Double], outputs: Int) -> Matrix {
        var values = [Float](repeating: 0, count: scores.count)
        for begin in stride(from: 0, to: scores.count, by: outputs) {
            let greatest = scores[begin..<begin + outputs].max() ?? 0
            let powers = scores[begin..<begin + outputs].map { exp($0 - greatest) }
            let sum = powers.reduce(0, +)
            for (output, power) in powers.enumerated() { values[begin + output] = Float(power / sum) }
        }
        return Matrix(rows: scores.count / outputs, columns: outputs, values: values)
    }

    /// Of two classes by the score of class 1, that of class 0 being 0.
    static func ofOne(_ scores: [Double]) -> Matrix {
        var values = [Float](repeating: 0, count: 2 * scores.count)
        for (row, score) in scores.enumerated() {
            values[2 * row] = Float(1 / (1 + exp(score)))
            values[2 * row + 1] = Float(1 / (1 + exp(-score)))
        }
        return Matrix(rows: scores.count, columns: 2, values: values)
    }
}

/// ln x, in code that has no room for the name.
func logarithmOf(_ x: Double) -> Double { log(x) }
