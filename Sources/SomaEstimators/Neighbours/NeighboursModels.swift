import Soma
import SomaGraph

/// The rows of `NeighboursClassifier` with their classes.
public struct NeighboursClassifierModel: FittedClassifier {
    public static let kind = "nearest neighbours of classes"

    let search: NeighbourSearch
    let classes: [Int32]
    /// How many classes the rows have.
    public let classCount: Int
    public var columnCount: Int { search.rows.columns }

    init(_ search: NeighbourSearch, _ classes: [Int32], classCount: Int) {
        (self.search, self.classes, self.classCount) = (search, classes, classCount)
    }

    /// [rows, k]: which training rows are nearest, the nearest first, and how far they are.
    public func neighbours(of rows: Matrix) throws -> (indices: [Int32], distances: [Double]) { try search.nearest(to: rows) }

    /// The shares of the classes among the nearest rows.
    public func probabilities(for rows: Matrix) throws -> Matrix {
        let shares = try search.mean(for: rows, outputs: classCount) { row, share, sums in sums[Int(classes[row])] += share }
        return Matrix(rows: rows.rows, columns: classCount, values: floats(shares))
    }

    public var namedArrays: [String: NamedArray] { search.namedArrays.merging(["classes": NamedArray(classes)]) { own, _ in own } }

    public init(namedArrays: [String: NamedArray]) throws {
        let reader = NamedArrayReader(arrays: namedArrays, kind: Self.kind)
        search = try NeighbourSearch(reader)
        classes = try reader.integers("classes", in: 0...Int32(clamping: search.rows.rows))
        classCount = Int(classes.max() ?? 0) + 1
        guard classes.count == search.rows.rows else { throw reader.refusal("it has \(classes.count) classes of \(search.rows.rows) rows") }
        guard classCount > 1 else { throw reader.refusal("it has one class") }
    }
}

/// The rows of `NeighboursRegressor` with their targets.
public struct NeighboursRegressorModel: FittedRegressor {
    public static let kind = "nearest neighbours of numbers"

    let search: NeighbourSearch
    let targets: [Float]
    public var columnCount: Int { search.rows.columns }

    init(_ search: NeighbourSearch, _ targets: [Float]) { (self.search, self.targets) = (search, targets) }

    /// [rows, k]: which training rows are nearest, the nearest first, and how far they are.
    public func neighbours(of rows: Matrix) throws -> (indices: [Int32], distances: [Double]) { try search.nearest(to: rows) }

    public func predictions(for rows: Matrix) throws -> [Float] {
        floats(try search.mean(for: rows, outputs: 1) { row, share, sums in sums[0] += share * Double(targets[row]) })
    }

    public var namedArrays: [String: NamedArray] { search.namedArrays.merging(["targets": NamedArray(targets)]) { own, _ in own } }

    public init(namedArrays: [String: NamedArray]) throws {
        let reader = NamedArrayReader(arrays: namedArrays, kind: Self.kind)
        search = try NeighbourSearch(reader)
        targets = try reader.floats("targets", shape: [search.rows.rows])
    }
}
