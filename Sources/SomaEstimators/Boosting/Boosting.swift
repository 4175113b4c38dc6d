import CEstimators
import Soma
import SomaGraph

/// Grows trees round by round.
struct Boosting {
    let options: BoostingOptions
    let loss: soma_boost_loss
    let outputs: Int

    /// Rows with what is to be learnt of them.
    struct Data {
        let rows: Matrix
        let targets: [Double]
        let weights: [Double]?

        func selecting(_ indices: [Int]) -> Data {
            Data(rows: rows.selecting(indices), targets: indices.map { targets[$0] }, weights: weights.map { all in indices.map { all[$0] } })
        }
    }

    func fit(_ data: Data) throws -> BoostedTrees {
        try check()
        guard let stopping = options.earlyStopping else { return try grow(data, heldOut: nil) }
        let order = shuffled(data.rows.rows)
        let held = Int((Double(order.count) * stopping.share).rounded())
        guard held > 0, held < order.count else {
            throw SomaError("a share of \(stopping.share) of \(order.count) rows leaves none to learn from or to stop by", hint: "take another share")
        }
        let parts = (held: data.selecting(order.prefix(held).sorted()), kept: data.selecting(order.dropFirst(held).sorted()))
        for part in [parts.held, parts.kept] where part.weights?.contains(where: { $0 > 0 }) == false {
            throw SomaError("the weights of all rows that are learnt or held out are 0")
        }
        return try grow(parts.kept, heldOut: parts.held)
    }

    private func shuffled(_ count: Int) -> [Int] {
        var generator = Philox(seed: options.seed)
        return generator.permutation(of: count)
    }

    private func check() throws {
        guard options.rounds > 0, 2...32768 ~= options.maxLeaves, 2...255 ~= options.maxBins, options.l2 >= 0, options.learningRate > 0 else {
            programError("boosting", "rounds, leaves, bins, l2 or the learning rate are out of range: \(options)")
        }
    }

    /// What sums begin with: the mean, or the logarithms of the shares of classes.
    private func base(_ data: Data) -> [Float] {
        func weight(_ row: Int) -> Double { data.weights?[row] ?? 1 }
        var total = 0.0, sum = 0.0
        var shares = [Double](repeating: 0, count: outputs)
        for (row, target) in data.targets.enumerated() {
            total += weight(row)
            sum += weight(row) * target
            if outputs > 1 { shares[Int(target)] += weight(row) }
        }
        // Of a class that is held out or weighs nothing a little is left, so that its logarithm exists.
        func logarithm(_ share: Double) -> Double { logarithmOf(min(max(share, 1e-7), 1 - 1e-7)) }
        switch loss {
        case SOMA_SQUARED_ERROR: return [Float(sum / total)]
        case SOMA_LOGISTIC: return [Float(logarithm(sum / total) - logarithm(1 - sum / total))]
        default:
            let logarithms = shares.map { logarithm($0 / total) }
            let mean = logarithms.reduce(0, +) / Double(outputs)
            return logarithms.map { Float($0 - mean) }
        }
    }

    private func grow(_ data: Data, heldOut: Data?) throws -> BoostedTrees {
        guard let bins = soma_bins_make(data.rows.values, data.rows.rows, data.rows.columns, Int32(options.maxBins)) else {
            throw FitChecks.noMemory("to cut \(data.rows.columns) columns into bins")
        }
        defer { soma_bins_free(bins) }
        let leaves = min(options.maxLeaves, data.rows.rows)
        var settings = soma_boost_options(
            max_leaves: max(leaves, 2), max_depth: options.maxDepth ?? .max, min_leaf: max(options.minRowsInLeaf, 1), l2: options.l2,
            learning_rate: options.learningRate)
        guard let booster = soma_booster_make(bins, &settings, Int32(outputs)) else { throw FitChecks.noMemory("for histograms of \(leaves) leaves") }
        defer { soma_booster_free(booster) }
        var trees = BoostedTrees(base: base(data), columns: data.rows.columns)
        var watch = heldOut.map { LossWatch(self, $0, trees) }
        var raw = trees.bases(rows: data.rows.rows)
        let tree = TreeMemory(leaves: max(leaves, 2))
        for _ in 0..<options.rounds {
            withOptionalPointer(data.weights) { soma_booster_differentiate(booster, loss, raw, data.targets, $0) }
            for output in 0..<outputs {
                soma_booster_grow(booster, Int32(output), &raw, &tree.tree)
                trees.append(tree.tree)
            }
            if watch?.isOver(after: trees) == true { break }
        }
        if let watch { trees.keep(rounds: watch.bestRounds) }
        trees.finish()
        return trees
    }

    /// The loss of rows that are held out, round by round.
    private struct LossWatch {
        let boosting: Boosting
        let data: Data
        let stopping: BoostingOptions.EarlyStopping
        var sums: [Double]
        var best: Double
        var bestRounds = 0

        init(_ boosting: Boosting, _ data: Data, _ trees: BoostedTrees) {
            (self.boosting, self.data, sums) = (boosting, data, trees.bases(rows: data.rows.rows))
            stopping = boosting.options.earlyStopping ?? .init()
            best = .infinity
            best = loss
        }

        private var loss: Double {
            withOptionalPointer(data.weights) { soma_boost_loss_of(boosting.loss, Int32(boosting.outputs), sums, data.targets, $0, data.rows.rows) }
        }

        /// Takes the last round of `trees` in.
        mutating func isOver(after trees: BoostedTrees) -> Bool {
            trees.add(to: &sums, data.rows, from: trees.starts.count - boosting.outputs)
            let now = loss
            if now < best - stopping.tolerance { (best, bestRounds) = (now, trees.rounds) }
            return trees.rounds - bestRounds >= stopping.patience
        }
    }

    /// Memory for one tree, filled by each round.
    private final class TreeMemory {
        var tree = soma_boost_tree()

        init(leaves: Int) {
            let nodes = 2 * leaves - 1
            tree.feature = .allocate(capacity: nodes)
            tree.right = .allocate(capacity: nodes)
            tree.threshold = .allocate(capacity: nodes)
            tree.missing_left = .allocate(capacity: nodes)
            tree.value = .allocate(capacity: nodes)
            tree.gain = .allocate(capacity: nodes)
        }

        deinit {
            tree.feature.deallocate()
            tree.right.deallocate()
            tree.threshold.deallocate()
            tree.missing_left.deallocate()
            tree.value.deallocate()
            tree.gain.deallocate()
        }
    }
}
