import CEstimators
import Soma
import SomaGraph

/// A tree as it was grown, with what pruning and importances are reckoned from. Nodes are in preorder: the left child of a node follows it.
struct GrownTree: Sendable {
    /// The column that decides; -1: a leaf.
    var feature: [Int32]
    /// A row whose number is at most this goes left.
    var threshold: [Float]
    /// The right child; 0 for a leaf.
    var right: [Int32]
    /// Rows of each node.
    var samples: [Int32]
    var impurity, weight: [Double]
    /// [nodes, outputs]
    var values: [Float]
    var outputs: Int
    var count: Int { feature.count }

    init(_ tree: soma_tree, outputs: Int) {
        func array<Element>(_ start: UnsafeMutablePointer<Element>?, _ each: Int = 1) -> [Element] {
            Array(UnsafeBufferPointer(start: start, count: tree.count * each))
        }
        (feature, threshold, right, samples) = (array(tree.feature), array(tree.threshold), array(tree.right), array(tree.samples))
        (impurity, weight, values, self.outputs) = (array(tree.impurity), array(tree.weight), array(tree.values, outputs), outputs)
    }

    /// By how much each column lowers the impurity, as shares of all that is lowered: L. Breiman et al., *Classification and Regression Trees*, 1984.
    /// All 0 where nothing is split.
    func importances(columns: Int) -> [Double] {
        var sums = [Double](repeating: 0, count: columns)
        for node in 0..<count where feature[node] >= 0 {
            let (left, right) = (node + 1, Int(right[node]))
            sums[Int(feature[node])] += weight[node] * impurity[node] - weight[left] * impurity[left] - weight[right] * impurity[right]
        }
        let total = sums.reduce(0, +)
        return total > 0 ? sums.map { $0 / total } : sums
    }
}

/// Everything trees are grown from.
struct TreeData {
    let rows: Matrix
    /// Classes or numbers, one of them.
    let classes: [Int32]?
    let targets: [Double]?
    let weights: [Double]?
    let classCount: Int

    /// Trees for the given seeds, and which rows were drawn for each: [trees, (rows + 7) / 8] bits.
    func grow(_ options: TreeOptions, seeds: [UInt], bootstrap: Bool, randomThresholds: Bool) throws -> (trees: [GrownTree], drawn: [UInt8]) {
        guard let columns = soma_columns_make(rows.values, rows.rows, rows.columns) else {
            throw FitChecks.noMemory("to sort \(rows.columns) columns")
        }
        defer { soma_columns_free(columns) }
        var drawn = [UInt8](repeating: 0, count: bootstrap ? seeds.count * ((rows.rows + 7) / 8) : 0)
        var settings = soma_tree_options(
            classes: Int32(classCount), max_depth: options.maxDepth ?? .max, min_split: max(options.minRowsToSplit, 2),
            min_leaf: max(options.minRowsInLeaf, 1), max_features: options.features.count(of: rows.columns),
            min_decrease: options.minImpurityDecrease, random_thresholds: randomThresholds, bootstrap: bootstrap)
        var trees = [soma_tree](repeating: soma_tree(), count: seeds.count)
        defer { for index in trees.indices { soma_tree_free(&trees[index]) } }
        let succeeded = withOptionalPointer(classes) { classes in
            withOptionalPointer(targets) { targets in
                withOptionalPointer(weights) { weights in
                    var data = soma_tree_data(columns: columns, classes: classes, targets: targets, weights: weights)
                    return drawn.withUnsafeMutableBufferPointer { drawn in
                        soma_trees_grow(&data, &settings, seeds, seeds.count, &trees, bootstrap ? drawn.baseAddress : nil)
                    }
                }
            }
        }
        guard succeeded else { throw FitChecks.noMemory("to grow \(seeds.count) trees") }
        return (trees.map { GrownTree($0, outputs: max(classCount, 1)) }, drawn)
    }

    /// A seed for each tree.
    static func seeds(_ count: Int, seed: UInt64) -> [UInt] {
        var generator = Philox(seed: seed)
        return (0..<count).map { _ in UInt(generator.next()) }
    }
}
