/// Who still reads what, while clusters are put in order.
struct MemoryUses {
    private let clustering: Clustering
    private let isRoot: Set<Int>
    /// The operations outside of a cluster that it reads.
    private let reads: [Int: Set<Int>]
    /// Bytes that a cluster writes for others.
    private let written: [Int: Int]
    /// How many clusters have yet to read an operation.
    private var readers: [Int: Int] = [:]

    init(_ clustering: Clustering, _ roots: [Int]) {
        self.clustering = clustering
        isRoot = Set(roots)
        var reads: [Int: Set<Int>] = [:]
        var readers: [Int: Int] = [:]
        for (key, cluster) in clustering.clusters {
            let bases = cluster.members.flatMap { clustering.operations[$0].operands.map(\.base) }
            reads[key] = Set(bases.filter { clustering.clusterOf[$0] >= 0 && clustering.clusterOf[$0] != key })
            for base in reads[key] ?? [] { readers[base, default: 0] += 1 }
        }
        (self.reads, self.readers) = (reads, readers)
        written = clustering.clusters.mapValues { cluster in
            let stored = cluster.members.filter { readers[$0] != nil && clustering.operations[$0].isComputed }
            return stored.reduce(0) { $0 + clustering.operations[$1].byteCount }
        }
    }

    /// Bytes that nobody reads any more once a cluster has run. Part of an assembly goes on as that.
    private func freed(_ key: Int) -> Int {
        (reads[key] ?? []).reduce(0) { sum, base in
            let ends = readers[base] == 1 && !isRoot.contains(base) && clustering.operations[base].placement == nil
            return ends ? sum + clustering.operations[base].byteCount : sum
        }
    }

    /// Of some clusters the one that frees the most memory beyond what it takes, the first of equal ones; `nil` where none does.
    func mostFreeing(_ ready: Set<Int>) -> Int? {
        let gains = ready.map { (key: $0, gain: freed($0) - (written[$0] ?? 0)) }.filter { $0.gain > 0 }
        return gains.min { ($1.gain, $0.key) < ($0.gain, $1.key) }?.key
    }

    mutating func run(_ key: Int) {
        for base in reads[key] ?? [] { readers[base, default: 1] -= 1 }
    }
}
