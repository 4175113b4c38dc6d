import SomaGraph

/// Deals samples at random so that each part has its share of each class. The same seed gives the same parts everywhere.
enum Stratification {
    /// Deals the members of each class, so that `fraction` of all, rounded, is held out and no class gets more than one sample away from its share.
    /// - Parameters:
    ///   - keepsOne: whether a class keeps one sample to train on at least, unless all are held out.
    /// - Returns: the numbers of the samples, ascending.
    static func split(
        _ labels: [Int32], heldOut fraction: Double, keepsOne: Bool = false, _ random: inout Philox
    ) -> (training: [Int], heldOut: [Int]) {
        guard (0...1).contains(fraction) else { programError("split", "\(fraction) is not a fraction") }
        var (kept, heldOut) = ([Int](), [Int]())
        for order in shuffledClasses(labels, &random) {
            let done = kept.count + heldOut.count
            let wanted = Int((Double(done + order.count) * fraction).rounded()) - heldOut.count
            let boundary = min(max(wanted, 0), keepsOne && fraction < 1 ? order.count - 1 : order.count)
            heldOut += order[..<boundary]
            kept += order[boundary...]
        }
        return (kept.sorted(), heldOut.sorted())
    }

    /// Deals the members of each class in turn to `count` folds, whose sizes differ by one at most, in all and in each class.
    /// - Returns: the numbers of each fold's samples, ascending.
    static func folds(_ labels: [Int32], _ count: Int, _ random: inout Philox) -> [[Int]] {
        var folds = [[Int]](repeating: [], count: count)
        for (place, sample) in shuffledClasses(labels, &random).joined().enumerated() { folds[place % count].append(sample) }
        return folds.map { $0.sorted() }
    }

    private static func shuffledClasses(_ labels: [Int32], _ random: inout Philox) -> [[Int]] {
        let classes = Dictionary(grouping: labels.indices) { labels[$0] }
        return classes.sorted { $0.key < $1.key }.map { _, members in random.permutation(of: members.count).map { members[$0] } }
    }
}

extension TableSchema {
    /// Streams of their own, so that no other use of the seed meets the same numbers.
    fileprivate static let (splitting, folding): (UInt64, UInt64) = ((1 << 62) - 2, (1 << 62) - 3)

    /// Deals the rows at random into a part to train on and one that holds `fraction` of them, rounded. With classes each part has its share of each,
    /// and a class has one row to train on at least.
    /// - Parameter some: the rows to deal, such as a part of an earlier split, to get a third part; nil: all.
    /// - Returns: rows of the table, ascending.
    public func split(
        heldOut fraction: Double, of some: [Int]? = nil, seed: UInt64, file: StaticString = #fileID, line: UInt = #line
    ) -> (training: [Int], heldOut: [Int]) {
        var random = Philox(seed: seed, stream: Self.splitting)
        let (rows, labels) = some.map { own($0, file, line) } ?? (rows, labels)
        let parts = Stratification.split(labels, heldOut: fraction, keepsOne: true, &random)
        return (parts.training.map { rows[$0] }, parts.heldOut.map { rows[$0] })
    }

    /// Some of the rows, ascending, and the class of each.
    private func own(_ some: [Int], _ file: StaticString, _ line: UInt) -> (rows: [Int], labels: [Int32]) {
        let wanted = Set(some)
        let members = zip(rows, labels).filter { wanted.contains($0.0) }
        guard members.count == some.count else {
            programError("split", "of \(some.count) rows \(members.count) are rows with a target, each once", file: file, line: line)
        }
        return (members.map(\.0), members.map(\.1))
    }

    /// Deals the rows at random into `count` parts of the same size, each with its share of each class: each is held out once, and trained on otherwise.
    /// - Returns: rows of the table, ascending.
    /// - Throws: `SomaError` where there are fewer rows than parts, or fewer than two parts.
    public func folds(_ count: Int, seed: UInt64) throws -> [(training: [Int], heldOut: [Int])] {
        guard count >= 2 && count <= rows.count else {
            throw SomaError("\(counted(rows.count, "row")) cannot be dealt to \(counted(count, "fold"))", hint: "ask for 2 ... \(rows.count)")
        }
        var random = Philox(seed: seed, stream: Self.folding)
        return Stratification.folds(labels, count, &random).map { heldOut in
            let own = Set(heldOut)
            return (rows.indices.filter { !own.contains($0) }.map { rows[$0] }, heldOut.map { rows[$0] })
        }
    }

    /// The class of each row; the same for all where the target is a number.
    private var labels: [Int32] {
        switch target.values {
        case .classes(let labels, _): labels
        case .numbers(let values): [Int32](repeating: 0, count: values.count)
        }
    }
}

extension TableDataSet {
    /// Deals the samples at random into two sets, of which the second holds the given fraction, rounded; with classes each has its share of each.
    ///
    /// Both are prepared as this one is. What the preparation must not see is split off before it is fitted, by `TableSchema.split`.
    public func split(heldOut fraction: Double, seed: UInt64) -> (training: Subset, heldOut: Subset) {
        var random = Philox(seed: seed, stream: TableSchema.splitting)
        let labels = labels.isEmpty ? [Int32](repeating: 0, count: count) : labels
        let parts = Stratification.split(labels, heldOut: fraction, keepsOne: true, &random)
        return (Subset(self, indices: parts.training), Subset(self, indices: parts.heldOut))
    }
}
