import SomaGraph

/// The eigenvalues and eigenvectors of a symmetric matrix, in double precision: A = V diag(λ) Vᵀ.
///
/// Cyclic rotations, each of which makes two elements 0, until nothing is left beside the diagonal: C. G. J. Jacobi, *Über ein leichtes Verfahren,
/// die in der Theorie der Säcularstörungen vorkommenden Gleichungen numerisch aufzulösen*, 1846. Small eigenvalues come out about as well as
/// large ones, and n³ operations times some ten sweeps are milliseconds for 64 rows.
public struct SymmetricEigen: Sendable {
    /// λ, in no order.
    public let values: [Double]
    /// V transposed: row i is the vector of length 1 that belongs to λᵢ.
    public let vectors: [Double]
    private var size: Int { values.count }

    /// Decomposes a matrix by Jacobi's rotations. Traps where it has not size² elements.
    /// - Parameters:
    ///   - matrix: [size, size], row by row. What is below the diagonal is to be what is above it, up to rounding: of the two the mean is taken.
    ///   - size: rows and columns.
    /// - Returns: nil where an element is NaN or infinite.
    public init?(_ matrix: [Double], size: Int) {
        guard matrix.count == size * size else { programError("SymmetricEigen", "\(matrix.count) elements are not \(size)×\(size)") }
        guard matrix.allSatisfy(\.isFinite) else { return nil }
        var a = matrix
        for row in 0..<size { for column in 0..<size { a[row * size + column] = 0.5 * (matrix[row * size + column] + matrix[column * size + row]) } }
        var v = [Double](repeating: 0, count: size * size)
        for place in 0..<size { v[place * size + place] = 1 }
        a.withUnsafeMutableBufferPointer { a in
            v.withUnsafeMutableBufferPointer { v in
                guard let a = a.baseAddress, let v = v.baseAddress else { return }
                for _ in 0..<Self.mostSweeps where !Self.isDiagonal(a, size) { Self.sweep(a, v, size) }
            }
        }
        values = (0..<size).map { a[$0 * size + $0] }
        vectors = v
    }

    /// √A of a matrix without negative eigenvalues, [size, size] row by row; eigenvalues that rounding has made negative count as 0.
    public var squareRoot: [Double] {
        var result = [Double](repeating: 0, count: size * size)
        for index in 0..<size {
            let root = max(values[index], 0).squareRoot()
            let vector = vectors[index * size..<(index + 1) * size]
            for (row, left) in vector.enumerated() {
                for (column, right) in vector.enumerated() { result[row * size + column] += root * left * right }
            }
        }
        return result
    }

    /// Ten are usual; convergence is quadratic at the end.
    private static let mostSweeps = 60

    private typealias Matrix = UnsafeMutablePointer<Double>

    /// Whether what is beside the diagonal is no more than rounding.
    private static func isDiagonal(_ a: Matrix, _ size: Int) -> Bool {
        var (beside, all) = (0.0, 0.0)
        for row in 0..<size {
            for column in 0..<size {
                let square = a[row * size + column] * a[row * size + column]
                all += square
                if row != column { beside += square }
            }
        }
        return beside <= all * 1e-30
    }

    private static func sweep(_ a: Matrix, _ v: Matrix, _ size: Int) {
        for p in 0..<max(0, size - 1) {
            for q in p + 1..<size where a[p * size + q] != 0 { rotate(a, v, size, p, q) }
        }
    }

    /// Makes a[p, q] 0 by a rotation in the plane of p and q, by the smaller of the two angles that do.
    private static func rotate(_ a: Matrix, _ v: Matrix, _ size: Int, _ p: Int, _ q: Int) {
        let theta = (a[q * size + q] - a[p * size + p]) / (2 * a[p * size + q])
        let tangent = (theta < 0 ? -1 : 1) / (abs(theta) + (theta * theta + 1).squareRoot())
        let cosine = 1 / (tangent * tangent + 1).squareRoot()
        let sine = tangent * cosine
        for k in 0..<size {
            let (left, right) = (a[k * size + p], a[k * size + q])
            a[k * size + p] = cosine * left - sine * right
            a[k * size + q] = sine * left + cosine * right
        }
        for k in 0..<size {
            let (upper, lower) = (a[p * size + k], a[q * size + k])
            a[p * size + k] = cosine * upper - sine * lower
            a[q * size + k] = sine * upper + cosine * lower
            let (first, second) = (v[p * size + k], v[q * size + k])
            v[p * size + k] = cosine * first - sine * second
            v[q * size + k] = sine * first + cosine * second
        }
        (a[p * size + q], a[q * size + p]) = (0, 0)
    }
}
