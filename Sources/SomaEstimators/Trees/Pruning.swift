import CEstimators
import Soma
import SomaGraph

/// How a tree shrinks as branches cost more: minimal cost-complexity pruning, L. Breiman et al., *Classification and Regression Trees*, 1984,
/// chapter 3.
public struct PruningPath: Hashable, Sendable {
    /// From which α on a leaf more is not worth what it takes from the impurity, ascending from 0, the whole tree.
    public let alphas: [Double]
    /// The impurity of the leaves at each α, weighted by their shares of the rows.
    public let impurities: [Double]
}

extension GrownTree {
    private var risks: [Double] { (0..<count).map { impurity[$0] * weight[$0] / weight[0] } }

    private func cuts() throws -> (nodes: [Int32], alphas: [Double], risks: [Double]) {
        var nodes = [Int32](repeating: 0, count: count)
        var (alphas, left) = ([Double](repeating: 0, count: count), [Double](repeating: 0, count: count))
        let cuts = soma_prune_path(feature, right, risks, count, &nodes, &alphas, &left)
        guard cuts >= 0 else { throw FitChecks.noMemory("to prune a tree of \(count) nodes") }
        return (Array(nodes.prefix(cuts)), Array(alphas.prefix(cuts)), Array(left.prefix(cuts)))
    }

    func pruningPath() throws -> PruningPath {
        let cuts = try cuts()
        let leaves = zip(risks, feature).reduce(0) { $1.1 < 0 ? $0 + $1.0 : $0 }
        return PruningPath(alphas: [0] + cuts.alphas, impurities: [leaves] + cuts.risks)
    }

    /// The tree without the branches whose α is at most the given one.
    func pruned(alpha: Double) throws -> GrownTree {
        let cuts = try cuts()
        // The greatest α so far decides: rounding may leave one a little below the one before.
        var reached = -Double.infinity
        let kept = cuts.alphas.prefix { alphaOfCut in
            reached = max(reached, alphaOfCut)
            return reached <= alpha
        }.count
        guard alpha > 0, kept > 0 else { return self }
        return withLeaves(Set(cuts.nodes.prefix(kept)))
    }

    /// The tree with these nodes as leaves.
    private func withLeaves(_ leaves: Set<Int32>) -> GrownTree {
        var kept: [Int] = []
        var parents: [Int] = []
        var pending = [(node: 0, parent: -1)]
        while let (node, parent) = pending.popLast() {
            let place = kept.count
            kept.append(node)
            parents.append(parent)
            guard feature[node] >= 0, !leaves.contains(Int32(node)) else { continue }
            pending.append((Int(right[node]), place))
            pending.append((node + 1, -1))
        }
        var result = self
        func pick<Element>(_ array: [Element], _ each: Int = 1) -> [Element] { kept.flatMap { array[$0 * each..<($0 + 1) * each] } }
        (result.threshold, result.samples, result.impurity, result.weight) = (pick(threshold), pick(samples), pick(impurity), pick(weight))
        result.values = pick(values, outputs)
        let isLeaf = kept.map { feature[$0] < 0 || leaves.contains(Int32($0)) }
        result.feature = zip(kept, isLeaf).map { $1 ? -1 : feature[$0] }
        for place in kept.indices where isLeaf[place] { result.threshold[place] = 0 }
        result.right = [Int32](repeating: 0, count: kept.count)
        for (place, parent) in parents.enumerated() where parent >= 0 { result.right[parent] = Int32(place) }
        return result
    }
}
