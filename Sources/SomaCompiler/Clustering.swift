import SomaBackend
import SomaGraph

/// Operations that one step computes.
struct Cluster {
    enum Kind { case map, product, alone }

    var kind: Kind
    var members: [Int]
    var domain: Domain
    /// Operations outside whose results are read, or that must have run before.
    var predecessors: Set<Int> = []
    /// Whether an element needs a reduction of its own row, so that rows are walked more than once.
    var isRow = false
    /// Distinct views of memory outside that are read.
    var loads: Set<StridedView> = []

    /// Members are sorted.
    func contains(_ place: Int) -> Bool {
        let index = members.partitioningIndex { $0 >= place }
        return index < members.count && members[index] == place
    }
}

/// Cuts the operations into steps: each joins the steps of its operands as long as one walk over a common domain computes both
/// and no step comes to wait for itself.
struct Clustering {
    let operations: [Operation]
    let capabilities: Capabilities
    private(set) var clusters: [Int: Cluster] = [:]
    /// The cluster of each operation; -1 for what no step computes.
    private(set) var clusterOf: [Int]
    /// Whether an operation has one value for each outer position of its cluster.
    private(set) var isOuter: [Bool]
    private let isLive: [Bool]
    /// Whether nothing but reductions reads an operation. Such a one does not ride on a product: it would have to be stored, while the
    /// reduction computes it from what is stored anyway.
    private let isForReductions: [Bool]
    private let topology: ClusterOrder
    /// The operations that read each operation's result.
    let readers: [[Int]]

    init(_ lowering: Lowering, _ capabilities: Capabilities) {
        operations = lowering.operations
        self.capabilities = capabilities
        clusterOf = [Int](repeating: -1, count: operations.count)
        isOuter = [Bool](repeating: false, count: operations.count)
        isLive = Self.live(lowering)
        isForReductions = Self.forReductions(lowering, isLive)
        readers = Self.readers(lowering, isLive)
        // Copies into assemblies come last in the list; every other operation comes after its operands.
        let isPart = { (operation: Operation) in operation.placement != nil }
        let order = Self.clustered(lowering, isLive)
        topology = ClusterOrder(Self.topological(operations, order), count: operations.count)
        for place in order { clusterOf[place] = place }
        for place in order { open(place) }
        for place in order where !isPart(operations[place]) { join(place) }
        for place in order where isPart(operations[place]) { join(place) }
        while mergeNeighbours() {}
        mergeNumbers()
    }

    private static func live(_ lowering: Lowering) -> [Bool] {
        var isLive = [Bool](repeating: false, count: lowering.operations.count)
        var pending = lowering.roots
        while let place = pending.popLast() {
            if isLive[place] { continue }
            isLive[place] = true
            pending += lowering.operations[place].operands.map(\.base) + lowering.operations[place].after
        }
        return isLive
    }

    private static func readers(_ lowering: Lowering, _ isLive: [Bool]) -> [[Int]] {
        var readers = [[Int]](repeating: [], count: isLive.count)
        for (place, operation) in lowering.operations.enumerated() where isLive[place] {
            for base in Set(operation.operands.map(\.base)) { readers[base].append(place) }
        }
        return readers
    }

    /// What steps compute, each a cluster at first.
    private static func clustered(_ lowering: Lowering, _ isLive: [Bool]) -> [Int] {
        lowering.operations.indices.filter { isLive[$0] && (lowering.operations[$0].isComputed || lowering.operations[$0].isWritten) }
    }

    private static func forReductions(_ lowering: Lowering, _ isLive: [Bool]) -> [Bool] {
        var (isReduced, isReadElsewhere) = ([Bool](repeating: false, count: isLive.count), [Bool](repeating: false, count: isLive.count))
        for (place, operation) in lowering.operations.enumerated() where isLive[place] {
            for operand in operation.operands {
                if operation.isReduction { isReduced[operand.base] = true } else { isReadElsewhere[operand.base] = true }
            }
        }
        for root in lowering.roots { isReadElsewhere[root] = true }
        return zip(isReduced, isReadElsewhere).map { $0 && !$1 }
    }

    /// The computed operations that `place` waits for.
    private func dependencies(_ place: Int) -> [Int] {
        var result: [Int] = []
        for operand in operations[place].operands {
            if clusterOf[operand.base] >= 0 {
                result.append(operand.base)
            } else if operations[operand.base].kind == .random {
                result += dependencies(operand.base)
            }
        }
        return result + operations[place].after
    }

    /// The operations, each after those that it waits for: copies into an assembly before those who read it.
    private static func topological(_ operations: [Operation], _ order: [Int]) -> [Int] {
        var isPlaced = [Bool](repeating: false, count: operations.count)
        var result: [Int] = []
        for root in order where !isPlaced[root] {
            var stack = [(place: root, isExpanded: false)]
            while let (place, isExpanded) = stack.popLast() {
                if isPlaced[place] { continue }
                if isExpanded {
                    isPlaced[place] = true
                    result.append(place)
                } else {
                    stack.append((place, true))
                    let waited = operations[place].operands.map(\.base) + operations[place].after
                    for other in waited where !isPlaced[other] { stack.append((other, false)) }
                }
            }
        }
        let isCluster = Set(order)
        return result.filter(isCluster.contains)
    }

    private mutating func open(_ place: Int) {
        let operation = operations[place]
        var kind = Cluster.Kind.alone
        var domain = Domain(operation.shape)
        switch operation.kind {
        case .elementwise: kind = .map
        case .reduce(_, let axes):
            kind = .map
            domain = Domain(operation.operands[0].shape, inner: axes)
            isOuter[place] = true
        case .matmul, .convolution: kind = .product
        default: break
        }
        var cluster = Cluster(kind: domain.count == 0 ? .alone : kind, members: [place], domain: domain)
        cluster.predecessors = Set(dependencies(place))
        cluster.loads = Set(operation.operands.filter { !operations[$0.base].isGenerator })
        clusters[place] = cluster
    }

    /// Merges the cluster of an operation with those of its operands, the latest first, and a reduction with a sibling over the same data.
    private mutating func join(_ place: Int) {
        guard clusters[clusterOf[place]]?.kind == .map else { return }
        for producer in Set(operations[place].operands.map { clusterOf[$0.base] }).sorted(by: >) where producer >= 0 {
            if isForReductions[place] && clusters[producer]?.kind == .product { continue }
            merge(producer, clusterOf[place])
        }
        guard case .reduce = operations[place].kind, let base = operations[place].operands.first?.base else { return }
        var candidates = siblings(place, base).sorted()[...]
        while let sibling = candidates.popFirst() {
            guard let own = clusters[clusterOf[place]], let other = clusters[sibling], other.kind == .map, other.domain.hasInner,
                other.loads.contains(where: { $0.base == base || $0.shape.count == own.domain.count && own.loads.contains($0) })
            else { continue }
            if merge(sibling, clusterOf[place]) { candidates = siblings(place, base).filter { $0 > sibling }.sorted()[...] }
        }
    }

    /// The clusters that may read what the cluster of a reduction reads.
    private func siblings(_ place: Int, _ base: Int) -> Set<Int> {
        let own = clusterOf[place]
        var result = Set(readers[base].map { clusterOf[$0] })
        for view in clusters[own]?.loads ?? [] where view.base != base { for reader in readers[view.base] { result.insert(clusterOf[reader]) } }
        result.remove(own)
        return result
    }

    /// One pass over all neighbours; tells whether any merged.
    private mutating func mergeNeighbours() -> Bool {
        var changed = false
        for consumer in clusters.keys.sorted() {
            for producer in predecessors(consumer).sorted(by: >) where clusters[consumer] != nil && clusters[producer] != nil {
                if merge(producer, consumer) { changed = true }
            }
        }
        return changed
    }

    /// Single numbers that do not wait for each other, such as the counts that many layers keep, are one step and not many.
    private mutating func mergeNumbers() {
        let numbers = clusters.keys.sorted().filter { clusters[$0]?.kind == .map && clusters[$0]?.domain.count == 1 }
        guard var collected = numbers.first else { return }
        for number in numbers.dropFirst() {
            // Where the step is full, or would wait for itself, another begins.
            if !merge(collected, number) { collected = number } else { collected = clusters[collected] == nil ? number : collected }
        }
    }

    /// Whether an operation of `b` overwrites part of what one of `a` writes: in one step the order would be lost.
    private func overwrites(_ a: Cluster, _ b: Cluster) -> Bool {
        b.members.contains { place in operations[place].after.contains { clusterOf[$0] == clusterOf[a.members[0]] } }
    }

    @discardableResult
    private mutating func merge(_ a: Int, _ b: Int) -> Bool {
        guard a != b, let first = clusters[a], let second = clusters[b] else { return false }
        let (merged, outers): (Cluster, [Int])
        let path: (earlier: Int, later: Int, between: [Int])
        do { (merged, outers, path) = try fitted(a, first, b, second) } catch { return false }
        let (survivor, removed) = first.members.count > second.members.count ? (a, b) : (b, a)
        topology.merge(path.earlier, path.later, into: survivor, between: path.between)
        clusters[removed] = nil
        clusters[survivor] = merged
        for place in outers { isOuter[place] = true }
        for member in (survivor == a ? second : first).members { clusterOf[member] = survivor }
        return true
    }

    /// The two clusters as one, the operations that thereby come to have one value for each outer position, and what lies between the two.
    private func fitted(
        _ a: Int, _ first: Cluster, _ b: Int, _ second: Cluster
    ) throws(Refusal) -> (Cluster, outers: [Int], path: (earlier: Int, later: Int, between: [Int])) {
        if overwrites(first, second) || overwrites(second, first) { throw .overwrites }
        let (result, outers) = try merged(first, second)
        guard let path = between(a, b) else { throw .circle }
        return (result, outers, path)
    }

    /// Why two of the clusters that are left are not one; `nil` where nobody tried.
    func refusal(between a: Int, and b: Int) -> Refusal? {
        guard a != b, let first = clusters[a], let second = clusters[b] else { return nil }
        do {
            _ = try fitted(a, first, b, second)
            return nil
        } catch {
            return error
        }
    }

    /// The clusters that a cluster waits for.
    func predecessors(_ cluster: Int) -> Set<Int> {
        Set((clusters[cluster]?.predecessors ?? []).map { clusterOf[$0] }).subtracting([cluster])
    }

    /// What lies between two clusters on the way to the later one; `nil` where merging them would close a circle.
    private func between(_ a: Int, _ b: Int) -> (earlier: Int, later: Int, between: [Int])? {
        let (earlier, later) = topology.isBefore(a, b) ? (a, b) : (b, a)
        let between = topology.between(earlier, later) { cluster, visit in
            for place in clusters[cluster]?.predecessors ?? [] { visit(clusterOf[place]) }
        }
        return between.map { (earlier, later, $0) }
    }
}
