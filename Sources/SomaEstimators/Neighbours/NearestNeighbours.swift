import CEstimators
import Soma
import SomaGraph

/// How much the nearest rows count.
public enum NeighbourWeighting: Int32, Hashable, Sendable {
    /// All the same (`uniform`).
    case uniform
    /// By the inverse of their distance; where some are at distance 0 these alone (`distance`).
    case inverseDistance
}

/// The class of most of the nearest rows: E. Fix, J. L. Hodges, *Discriminatory Analysis: Nonparametric Discrimination*, 1951.
///
/// Distances are Euclid's, of all pairs of rows, in blocks of bounded memory, and exact: in double precision for rows that may be among the nearest.
/// Of equal distances the row that comes first is nearer; of equally many classes the lowest is predicted.
public struct NeighboursClassifier: Estimator {
    /// k, how many rows are asked (`n_neighbors`).
    public var count: Int
    /// How much each of them counts.
    public var weighting: NeighbourWeighting

    /// A vote of `count` rows. That there are as many is checked when it is fitted.
    public init(count: Int = 5, weighting: NeighbourWeighting = .uniform) { (self.count, self.weighting) = (count, weighting) }

    /// Keeps the rows. It takes no weights.
    public func fit(_ rows: Matrix, _ targets: [Int], weights: [Float]?) throws -> NeighboursClassifierModel {
        let search = try NeighbourSearch(rows, targets: targets.count, weights, count, weighting)
        return NeighboursClassifierModel(search, targets.map { Int32($0) }, classCount: try FitChecks.classes(targets))
    }
}

/// The mean of the targets of the nearest rows; otherwise as `NeighboursClassifier`.
public struct NeighboursRegressor: Estimator {
    /// k, how many rows are asked (`n_neighbors`).
    public var count: Int
    /// How much each of them counts.
    public var weighting: NeighbourWeighting

    /// A mean over `count` rows. That there are as many is checked when it is fitted.
    public init(count: Int = 5, weighting: NeighbourWeighting = .uniform) { (self.count, self.weighting) = (count, weighting) }

    /// Keeps the rows. It takes no weights.
    public func fit(_ rows: Matrix, _ targets: [Float], weights: [Float]?) throws -> NeighboursRegressorModel {
        let search = try NeighbourSearch(rows, targets: targets.count, weights, count, weighting)
        try FitChecks.targets(targets)
        return NeighboursRegressorModel(search, targets)
    }
}

/// Rows to look for neighbours in.
struct NeighbourSearch: Hashable, Sendable {
    let rows: Matrix
    let count: Int
    let weighting: NeighbourWeighting
    /// For products of rows, at once.
    private static let blockBytes = 64 << 20

    init(_ rows: Matrix, targets: Int, _ weights: [Float]?, _ count: Int, _ weighting: NeighbourWeighting) throws {
        _ = try FitChecks.rows(rows, targets: targets, weights: nil)
        guard weights == nil else { throw SomaError("nearest neighbours take no weights of rows", hint: "leave them out") }
        guard count > 0 else { programError("nearest neighbours", "\(count) neighbours were asked for") }
        guard count <= rows.rows else { throw SomaError("\(count) neighbours were asked for of \(rows.rows) rows", hint: "ask for fewer") }
        (self.rows, self.count, self.weighting) = (rows, count, weighting)
    }

    /// [rows, count]: indices of the nearest rows, the nearest first, and their distances.
    func nearest(to others: Matrix) throws -> (indices: [Int32], distances: [Double]) {
        try FitChecks.prediction(others, columns: rows.columns)
        var indices = [Int32](repeating: 0, count: others.rows * count)
        var distances = [Double](repeating: 0, count: others.rows * count)
        guard others.rows > 0 else { return ([], []) }
        let succeeded = soma_nearest(
            others.values, others.rows, rows.values, rows.rows, rows.columns, count, Self.blockBytes, &indices, &distances)
        guard succeeded else { throw FitChecks.noMemory("for distances to \(rows.rows) rows") }
        return (indices, distances)
    }

    /// [rows, outputs]: Σ of what `add` gives for each neighbour, by the shares that neighbours have.
    func mean(for others: Matrix, outputs: Int, _ add: (_ row: Int, _ share: Double, _ sums: inout ArraySlice<Double>) -> Void) throws -> [Double] {
        let (indices, distances) = try nearest(to: others)
        var result: [Double] = []
        result.reserveCapacity(others.rows * outputs)
        for row in 0..<others.rows {
            let range = row * count..<(row + 1) * count
            let shares = shares(distances[range])
            var sums = ArraySlice(repeating: 0.0, count: outputs)
            for (index, share) in zip(indices[range], shares) { add(Int(index), share, &sums) }
            result += sums
        }
        return result
    }

    private func shares(_ distances: ArraySlice<Double>) -> [Double] {
        var shares = [Double](repeating: 1, count: distances.count)
        if weighting == .inverseDistance {
            shares = distances.first == 0 ? distances.map { $0 == 0 ? 1 : 0 } : distances.map { 1 / $0 }
        }
        let sum = shares.reduce(0, +)
        return shares.map { $0 / sum }
    }

    var namedArrays: [String: NamedArray] {
        [
            "rows": NamedArray(shape: [rows.rows, rows.columns], rows.values), "count": NamedArray([Int32(count)]),
            "weighting": NamedArray([weighting.rawValue]),
        ]
    }

    init(_ reader: NamedArrayReader) throws {
        let (values, shape) = try reader.floats("rows", axes: 2)
        guard shape[0] > 0, shape[1] > 0, shape[0] <= Int(Int32.max) else { throw reader.refusal("its rows have the shape \(shape)") }
        rows = Matrix(rows: shape[0], columns: shape[1], values: values)
        count = try reader.integer("count", in: 1...shape[0])
        guard let weighting = NeighbourWeighting(rawValue: Int32(try reader.integer("weighting", in: 0...1))) else {
            throw reader.refusal("its weighting is unknown")
        }
        self.weighting = weighting
    }
}
