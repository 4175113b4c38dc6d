import Glibc
import SomaGraph

/// Adds to each element of a sequence [..., T, size] what tells its place t: sin(t / 10000^(k / size)) at even k and
/// cos(t / 10000^((k − 1) / size)) at odd ones.
///
/// A. Vaswani et al., *Attention Is All You Need*, NeurIPS 2017.
public struct SinusoidalPositions: Layer {
    /// What is added: [most, size].
    public let table: Tensor

    /// Traps where a number is not positive.
    /// - Parameters:
    ///   - size: the features of an element.
    ///   - most: the elements of the longest sequence.
    public init(size: Int, atMost most: Int, device: Device = .current, file: StaticString = #fileID, line: UInt = #line) {
        guard size > 0, most > 0 else {
            programError("SinusoidalPositions", "\(most) places of \(size) features", file: file, line: line)
        }
        let rates = (0..<size).map { pow(10_000, -Double($0 / 2 * 2) / Double(size)) }
        let rows = (0..<most).flatMap { place in
            rates.enumerated().map { Float($0 % 2 == 0 ? sin(Double(place) * $1) : cos(Double(place) * $1)) }
        }
        table = Tensor(rows, shape: [most, size], device: device)
    }

    /// x with its places, of the shape of x. Traps where x has more elements than there are places.
    public func callAsFunction(_ x: Tensor) -> Tensor {
        guard x.rank >= 2, x.shape[x.rank - 1] == table.shape[1], x.shape[x.rank - 2] <= table.shape[0] else {
            programError("SinusoidalPositions", "an input of \(x.shape) is not […, at most \(table.shape[0]), \(table.shape[1])]")
        }
        return x + table[..<x.shape[x.rank - 2]]
    }
}
