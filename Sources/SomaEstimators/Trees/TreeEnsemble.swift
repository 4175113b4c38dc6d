import CEstimators
import Soma
import SomaGraph

/// Trees one behind the other, as they predict. Nodes of a tree are in preorder: the left child of a node follows it.
struct TreeEnsemble: Hashable, Sendable {
    /// Where the nodes of each tree begin.
    private(set) var starts: [Int] = []
    /// The column that decides; -1: a leaf.
    private(set) var feature: [Int32] = []
    private(set) var threshold: [Float] = []
    /// The right child, counted from the tree's first node; 0 for a leaf.
    private(set) var right: [Int32] = []
    /// Rows of each node.
    private(set) var samples: [Int32] = []
    private(set) var impurity: [Float] = []
    /// [nodes, outputs]
    private(set) var values: [Float] = []
    let outputs: Int

    init(_ trees: [GrownTree], outputs: Int) {
        self.outputs = outputs
        for tree in trees {
            starts.append(feature.count)
            feature += tree.feature
            threshold += tree.threshold
            right += tree.right
            samples += tree.samples
            impurity += tree.impurity.map { Float(min($0, Double(Float.greatestFiniteMagnitude))) }
            values += tree.values
        }
    }

    var treeCount: Int { starts.count }

    /// The nodes of one tree.
    func nodes(of tree: Int) -> Range<Int> { starts[tree]..<(tree + 1 < starts.count ? starts[tree + 1] : feature.count) }

    /// [rows, outputs]: the mean of what the trees say.
    func means(for rows: Matrix) -> [Double] {
        var sums = [Double](repeating: 0, count: rows.rows * outputs)
        withNodes { soma_forest_add(&$0, rows.values, rows.rows, rows.columns, &sums, nil, nil) }
        guard treeCount > 1 else { return sums }
        let count = Double(treeCount)
        sums.withUnsafeMutableBufferPointer { sums in for index in sums.indices { sums[index] /= count } }
        return sums
    }

    /// As `means`, of the trees that were grown without a row; and how many these are.
    func meansOutOfBag(for rows: Matrix, drawn: [UInt8]) -> (means: [Double], counts: [Int32]) {
        var sums = [Double](repeating: 0, count: rows.rows * outputs)
        var counts = [Int32](repeating: 0, count: rows.rows)
        withNodes { soma_forest_add(&$0, rows.values, rows.rows, rows.columns, &sums, drawn, &counts) }
        for index in sums.indices where counts[index / outputs] > 0 { sums[index] /= Double(counts[index / outputs]) }
        return (sums, counts)
    }

    private func withNodes(_ body: (inout soma_forest) -> Void) {
        withForest(starts: starts, feature: feature, right: right, threshold: threshold, values: values, outputs: outputs, body)
    }
}

// MARK: - Named arrays

extension TreeEnsemble {
    var namedArrays: [String: NamedArray] {
        [
            "starts": NamedArray(starts.map { Int32($0) }), "feature": NamedArray(feature), "threshold": NamedArray(threshold),
            "right": NamedArray(right), "samples": NamedArray(samples), "impurity": NamedArray(impurity), "values": NamedArray(shape: [feature.count, outputs], values),
        ]
    }

    init(_ reader: NamedArrayReader, columns: Int) throws {
        feature = try reader.integers("feature", in: -1...Int32(clamping: columns - 1))
        let nodes = feature.count
        threshold = try reader.floats("threshold", shape: [nodes])
        right = try reader.integers("right", in: 0...Int32.max)
        samples = try reader.integers("samples", in: 0...Int32.max)
        impurity = try reader.floats("impurity", shape: [nodes])
        let (values, shape) = try reader.floats("values", axes: 2)
        guard right.count == nodes, samples.count == nodes, shape[0] == nodes, shape[1] > 0 else {
            throw reader.refusal("its arrays differ in length")
        }
        (self.values, outputs) = (values, shape[1])
        starts = try TreeStructure.starts(reader, nodes: nodes)
        for tree in 0..<treeCount { try TreeStructure.check(self.nodes(of: tree), feature: feature, right: right, reader) }
    }
}

/// What arrays of nodes must be to be trees.
enum TreeStructure {
    static func starts(_ reader: NamedArrayReader, nodes: Int) throws -> [Int] {
        let starts = try reader.integers("starts", in: 0...Int32.max).map { Int($0) }
        guard starts.first == 0, zip(starts, starts.dropFirst() + [nodes]).allSatisfy({ $0 < $1 }) else {
            throw reader.refusal("'starts' is no ascending list of first nodes")
        }
        return starts
    }

    /// Refuses nodes that are no tree in preorder: every node but the root must be the child of one node before it.
    static func check(_ nodes: Range<Int>, feature: [Int32], right: [Int32], _ reader: NamedArrayReader) throws {
        // Right children that are still to come, the next one last.
        var expected: [Int] = []
        for node in nodes {
            let place = node - nodes.lowerBound
            if place > 0, feature[node - 1] < 0 {
                guard expected.popLast() == place else { throw reader.refusal("node \(place) of a tree is no child of one before it") }
            }
            guard feature[node] >= 0 else { continue }
            let child = Int(right[node])
            guard child > place + 1, child < nodes.count else { throw reader.refusal("a right child of node \(place) is node \(child)") }
            expected.append(child)
        }
        guard expected.isEmpty, feature[nodes.upperBound - 1] < 0 else { throw reader.refusal("a tree ends before its last leaf") }
    }
}
