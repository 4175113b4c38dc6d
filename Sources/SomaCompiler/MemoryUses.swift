/// Who still reads what, while clusters are put in order.
struct MemoryUses {
    private let clustering: Clustering
    private let isRoot: Set<Int>
    /// The operations outside of a cluster that it reads, and the clusters that have yet to read an operation.
    private let reads: [Int: Set<Int>]
    private var readers: [Int: Set<Int>] = [:]
    /// Bytes that a cluster frees beyond those that it writes for others, and the clusters of which there are any.
    private var gains: [Int: Int]
    private var freeing: Set<Int> = []

    init(_ clustering: Clustering, _ roots: [Int]) {
        self.clustering = clustering
        isRoot = Set(roots)
        var reads: [Int: Set<Int>] = [:]
        for (key, cluster) in clustering.clusters {
            let bases = cluster.members.flatMap { clustering.operations[$0].operands.map(\.base) }
            reads[key] = Set(bases.filter { clustering.clusterOf[$0] >= 0 && clustering.clusterOf[$0] != key })
            for base in reads[key] ?? [] { readers[base, default: []].insert(key) }
        }
        self.reads = reads
        gains = clustering.clusters.mapValues { [readers] cluster in
            let stored = cluster.members.filter { readers[$0] != nil && clustering.operations[$0].isComputed }
            return stored.reduce(0) { $0 - clustering.operations[$1].byteCount }
        }
        for base in readers.keys { noteLastReader(base) }
    }

    /// Counts the bytes of an operation for the last cluster that reads it. Part of an assembly goes on as that.
    private mutating func noteLastReader(_ base: Int) {
        guard let readers = readers[base], readers.count == 1, let last = readers.first, !isRoot.contains(base),
            clustering.operations[base].placement == nil
        else { return }
        gains[last, default: 0] += clustering.operations[base].byteCount
        if gains[last, default: 0] > 0 { freeing.insert(last) }
    }

    /// Of some clusters the one that frees the most memory beyond what it takes, the first of equal ones; `nil` where none does.
    func mostFreeing(_ ready: Set<Int>) -> Int? {
        let freeing = freeing.intersection(ready).map { (key: $0, gain: gains[$0] ?? 0) }
        return freeing.min { ($1.gain, $0.key) < ($0.gain, $1.key) }?.key
    }

    mutating func run(_ key: Int) {
        freeing.remove(key)
        for base in reads[key] ?? [] {
            readers[base]?.remove(key)
            noteLastReader(base)
        }
    }
}
