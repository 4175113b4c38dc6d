import Soma

/// The directions along which data vary most, and how much: the eigenvectors of their covariance with the largest eigenvalues.
///
/// K. Pearson, *On Lines and Planes of Closest Fit to Systems of Points in Space*, 1901.
struct PrincipalComponents {
    /// The mean of the data.
    let mean: [Double]
    /// Of length 1 and at right angles, that of the largest variance first.
    let axes: [[Double]]
    /// The variance along each axis, with the count of the data as divisor.
    let variances: [Double]
    /// That along all axes there are.
    let totalVariance: Double

    /// Those of rows, in double precision on the host.
    /// - Parameter count: how many axes, of which there are no more than columns.
    /// - Throws: `SomaError` where a number is not finite; `BackendError`.
    init(of rows: [[Double]], count: Int) throws {
        let size = rows.first?.count ?? 0
        var mean = [Double](repeating: 0, count: size)
        for row in rows { for (place, value) in row.enumerated() { mean[place] += value / Double(rows.count) } }
        var covariance = [Double](repeating: 0, count: size * size)
        for row in rows {
            for left in 0..<size {
                let scaled = (row[left] - mean[left]) / Double(rows.count)
                for right in 0..<size { covariance[left * size + right] += scaled * (row[right] - mean[right]) }
            }
        }
        try self.init(mean: mean, covariance: covariance, count: count)
    }

    /// Those of the field `image` of a data set, whose samples are vectors; sums are computed on the current device.
    /// - Throws: what reading a sample throws; `SomaError` where a number is not finite; `BackendError`.
    init(of dataSet: any DataSet, count: Int) throws {
        func sum(_ part: (Tensor) -> Tensor) throws -> Tensor {
            let loader = try BatchLoader(dataSet, batchSize: min(1000, max(1, dataSet.count)), seed: nil, epochs: 1)
            var total: Tensor?
            while let batch = try loader.next() {
                let own = part(try Minibatch(batch)["image"])
                let next = total.map { $0 + own } ?? own
                try realizeAll([next])
                total = next
            }
            guard let total else { throw SomaError("there are no samples to find principal components of") }
            return total / Double(dataSet.count)
        }
        let mean = try sum { $0.sum(alongAxes: 0) }
        let covariance = try sum { pixels in
            let centred = pixels - mean
            return matmul(centred.transposed(), centred)
        }
        try self.init(mean: try mean.scalars(as: Double.self), covariance: try covariance.scalars(as: Double.self), count: count)
    }

    private init(mean: [Double], covariance: [Double], count: Int) throws {
        let (size, count) = (mean.count, min(count, mean.count))
        guard covariance.allSatisfy(\.isFinite) else { throw Self.notFinite }
        self.mean = mean
        totalVariance = (0..<size).reduce(0) { $0 + covariance[$1 * size + $1] }
        let found = size <= Self.mostForRotations ? try Self.rotated(covariance, size) : try Self.iterated(covariance, size, count)
        (axes, variances) = (Array(found.axes.prefix(count)), Array(found.variances.prefix(count)))
    }

    /// Beyond, Jacobi's rotations of all axes take longer than finding the first ones alone.
    private static let mostForRotations = 64

    private static let notFinite = SomaError("numbers that are not finite have no principal components")

    /// All axes, the one of the largest variance first.
    static func rotated(_ matrix: [Double], _ size: Int) throws -> (axes: [[Double]], variances: [Double]) {
        guard let eigen = SymmetricEigen(matrix, size: size) else { throw notFinite }
        let order = (0..<size).sorted { (eigen.values[$1], $0) < (eigen.values[$0], $1) }
        return (order.map { Array(eigen.vectors[$0 * size..<($0 + 1) * size]) }, order.map { eigen.values[$0] })
    }

    /// The first axes by orthogonal iteration: vectors are multiplied by the matrix and made orthogonal again until the variance along the first
    /// `count` of them grows no more (H. Rutishauser, *Simultaneous Iteration Method for Symmetric Matrices*, 1970). Some more vectors than are
    /// asked for make it quicker. Products are computed on the current device in single precision.
    static func iterated(_ matrix: [Double], _ size: Int, _ count: Int) throws -> (axes: [[Double]], variances: [Double]) {
        let width = min(size, count + 10)
        let covariance = Tensor(matrix.map(Float.init), shape: [size, size])
        func product(_ vectors: [[Double]]) throws -> [[Double]] {
            let flat = vectors.flatMap { $0.map(Float.init) }
            let values = try matmul(Tensor(flat, shape: [width, size]), covariance).scalars(as: Double.self)
            return (0..<width).map { Array(values[$0 * size..<($0 + 1) * size]) }
        }
        let start = NoiseSource(count: size, seed: 0)
        var vectors = orthogonal((0..<width).map { start.values($0).map(Double.init) })
        var captured = 0.0
        for _ in 0..<500 {
            let images = try product(vectors)
            let now = zip(vectors, images).prefix(count).reduce(0) { $0 + dot($1.0, $1.1) }
            vectors = orthogonal(images)
            if abs(now - captured) <= 1e-7 * now { break }
            captured = now
        }
        // Within what the vectors span the axes are found exactly.
        let images = try product(vectors)
        let small = try rotated(vectors.flatMap { left in images.map { dot(left, $0) } }, width)
        let axes = small.axes.map { shares in
            zip(shares, vectors).reduce(into: [Double](repeating: 0, count: size)) { sum, part in
                for place in 0..<size { sum[place] += part.0 * part.1[place] }
            }
        }
        return (axes, small.variances)
    }

    private static func dot(_ a: [Double], _ b: [Double]) -> Double {
        var sum = 0.0
        for place in a.indices { sum += a[place] * b[place] }
        return sum
    }

    /// Vectors at right angles that span the same, each less its shares of those before it, twice for the sake of rounding. What is nothing then is
    /// beyond the rank of the matrix, and left as zeros.
    private static func orthogonal(_ vectors: [[Double]]) -> [[Double]] {
        var result: [[Double]] = []
        for var vector in vectors {
            let whole = dot(vector, vector).squareRoot()
            for _ in 0..<2 {
                for other in result {
                    let share = dot(vector, other)
                    for place in vector.indices { vector[place] -= share * other[place] }
                }
            }
            let rest = dot(vector, vector).squareRoot()
            let scale = rest > 1e-10 * whole ? 1 / rest : 0
            result.append(vector.map { $0 * scale })
        }
        return result
    }

    // MARK: Use

    /// The coordinates of a row along the axes.
    func coordinates(of row: [Double]) -> [Double] {
        axes.map { axis in zip(axis, zip(row, mean)).reduce(0) { $0 + $1.0 * ($1.1.0 - $1.1.1) } }
    }

    /// From rows [N, size] to the nearest points [N, size] that the axes reach.
    var reconstruction: @Sendable (Tensor) -> Tensor {
        let centre = Tensor(mean.map(Float.init))
        let basis = Tensor(axes.flatMap { $0.map(Float.init) }, shape: [axes.count, mean.count])
        return { matmul(matmul($0 - centre, basis.transposed()), basis) + centre }
    }
}
