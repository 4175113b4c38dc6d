import Glibc
import SomaGraph

// Of many normal numbers nearly all have a length near the root of their count, and a straight line between two such vectors leads through shorter ones,
// which a generator has hardly seen. So directions and lengths are mixed apart.

extension NoiseSource {
    /// A vector on the arc from one vector of random numbers to another: its direction is so far along the great circle through both, its length
    /// so far from one length to the other (K. Shoemake, *Animating Rotation with Quaternion Curves*, 1985).
    ///
    /// Where the two have the same direction or opposite ones, as single numbers always do, there is no one arc: it is the straight line then.
    /// - Parameters:
    ///   - share: 0: the first, 1: the second, with the very numbers of these.
    public static func between(_ first: [Float], _ second: [Float], share: Double, file: StaticString = #fileID, line: UInt = #line) -> [Float] {
        guard first.count == second.count, (0...1).contains(share) else {
            programError("NoiseSource", "a share of \(share) from \(first.count) numbers to \(second.count)", file: file, line: line)
        }
        if share == 0 { return first }
        if share == 1 { return second }
        let (start, end) = (length(first), length(second))
        let cosine = start == 0 || end == 0 ? 1 : zip(first, second).reduce(0.0) { $0 + Double($1.0) * Double($1.1) } / (start * end)
        let angle = acos(min(max(cosine, -1), 1))
        let sine = sin(angle)
        if sine < 1e-6 { return zip(first, second).map { Float(Double($0) * (1 - share) + Double($1) * share) } }
        let size = start * (1 - share) + end * share
        let (left, right) = (size * sin((1 - share) * angle) / (sine * start), size * sin(share * angle) / (sine * end))
        return zip(first, second).map { Float(Double($0) * left + Double($1) * right) }
    }

    /// The mean direction of several vectors of random numbers, with the mean of their lengths; each direction counts the same.
    /// - Returns: nil where the directions cancel each other.
    public static func mean(of vectors: [[Float]], file: StaticString = #fileID, line: UInt = #line) -> [Float]? {
        guard let first = vectors.first, vectors.allSatisfy({ $0.count == first.count }) else {
            programError("NoiseSource", "the mean of vectors of \(vectors.map(\.count)) numbers", file: file, line: line)
        }
        let lengths = vectors.map(length)
        var direction = [Double](repeating: 0, count: first.count)
        for (vector, length) in zip(vectors, lengths) where length > 0 { for (place, value) in vector.enumerated() { direction[place] += Double(value) / length } }
        let size = direction.reduce(0) { $0 + $1 * $1 }.squareRoot()
        guard size > 1e-6 else { return nil }
        let scale = lengths.reduce(0, +) / Double(lengths.count) / size
        return direction.map { Float($0 * scale) }
    }

    private static func length(_ vector: [Float]) -> Double { vector.reduce(0.0) { $0 + Double($1) * Double($1) }.squareRoot() }
}
