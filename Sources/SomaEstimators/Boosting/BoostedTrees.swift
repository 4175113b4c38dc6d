import CEstimators
import Soma
import SomaGraph

/// Trees whose leaves are added up. Nodes of a tree are in preorder: the left child of a node follows it.
struct BoostedTrees: Hashable, Sendable {
    private(set) var starts: [Int] = []
    /// The column that decides; -1: a leaf.
    private(set) var feature: [Int32] = []
    private(set) var threshold: [Float] = []
    /// The right child, counted from the tree's first node; 0 for a leaf.
    private(set) var right: [Int32] = []
    /// 1 where a missing number goes left.
    private(set) var missingLeft: [UInt8] = []
    /// Of leaves, the learning rate included.
    private(set) var values: [Float] = []
    /// What sums begin with, for each output. Tree t is for output t mod outputs.
    let base: [Float]
    let columns: Int
    /// What splits by each column have gained, as shares of the whole.
    private(set) var importances: [Float] = []
    /// Of each node, until the last tree is there.
    private var gains: [Double] = []

    init(base: [Float], columns: Int) {
        (self.base, self.columns) = (base, columns)
    }

    var outputs: Int { base.count }
    var rounds: Int { starts.count / outputs }

    mutating func append(_ tree: soma_boost_tree) {
        func array<Element>(_ start: UnsafeMutablePointer<Element>?) -> UnsafeBufferPointer<Element> {
            UnsafeBufferPointer(start: start, count: tree.count)
        }
        starts.append(feature.count)
        feature += array(tree.feature)
        threshold += array(tree.threshold)
        right += array(tree.right)
        missingLeft += array(tree.missing_left)
        values += array(tree.value)
        gains += array(tree.gain)
    }

    /// Drops the trees after so many rounds.
    mutating func keep(rounds: Int) {
        guard rounds < self.rounds else { return }
        let end = starts[rounds * outputs]
        starts.removeLast(starts.count - rounds * outputs)
        feature.removeLast(feature.count - end)
        threshold.removeLast(threshold.count - end)
        right.removeLast(right.count - end)
        missingLeft.removeLast(missingLeft.count - end)
        values.removeLast(values.count - end)
        gains.removeLast(gains.count - end)
    }

    /// No more trees come: gains become importances.
    mutating func finish() {
        var sums = [Double](repeating: 0, count: columns)
        for (node, gain) in gains.enumerated() where feature[node] >= 0 { sums[Int(feature[node])] += gain }
        let total = sums.reduce(0, +)
        importances = sums.map { Float(total > 0 ? $0 / total : 0) }
        gains = []
    }

    /// [rows, outputs]: what sums begin with.
    func bases(rows: Int) -> [Double] {
        [Double](unsafeUninitializedCapacity: rows * outputs) { buffer, count in
            for index in 0..<rows * outputs { buffer[index] = Double(base[index % outputs]) }
            count = rows * outputs
        }
    }

    /// Adds the leaves of the trees from `first` on to `sums`, [rows, outputs].
    func add(to sums: inout [Double], _ rows: Matrix, from first: Int = 0) {
        guard first < starts.count else { return }
        withForest(
            starts: starts, from: first, feature: feature, right: right, threshold: threshold, missingLeft: missingLeft, values: values, outputs: outputs
        ) { soma_forest_add(&$0, rows.values, rows.rows, rows.columns, &sums, nil, nil) }
    }

    func sums(for rows: Matrix) -> [Double] {
        var sums = bases(rows: rows.rows)
        add(to: &sums, rows)
        return sums
    }
}

// MARK: - Named arrays

extension BoostedTrees {
    var namedArrays: [String: NamedArray] {
        [
            "starts": NamedArray(starts.map { Int32($0) }), "feature": NamedArray(feature), "threshold": NamedArray(threshold),
            "right": NamedArray(right), "missingLeft": NamedArray(missingLeft.map { Int32($0) }), "values": NamedArray(values), "base": NamedArray(base),
            "importances": NamedArray(importances),
        ]
    }

    init(_ reader: NamedArrayReader) throws {
        base = try reader.floats("base").values
        importances = try reader.floats("importances").values
        columns = importances.count
        feature = try reader.integers("feature", in: -1...Int32(clamping: columns - 1))
        let nodes = feature.count
        threshold = try reader.floats("threshold", shape: [nodes])
        values = try reader.floats("values", shape: [nodes])
        right = try reader.integers("right", in: 0...Int32.max)
        missingLeft = try reader.integers("missingLeft", in: 0...1).map { UInt8($0) }
        guard right.count == nodes, missingLeft.count == nodes else { throw reader.refusal("its arrays differ in length") }
        starts = nodes == 0 ? [] : try TreeStructure.starts(reader, nodes: nodes)
        guard !base.isEmpty, starts.count % base.count == 0 else { throw reader.refusal("\(starts.count) trees are not for \(base.count) outputs") }
        for (tree, start) in starts.enumerated() {
            try TreeStructure.check(start..<(tree + 1 < starts.count ? starts[tree + 1] : nodes), feature: feature, right: right, reader)
        }
    }
}
