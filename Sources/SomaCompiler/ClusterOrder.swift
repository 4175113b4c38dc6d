/// Clusters in an order in which each comes after those that it waits for, kept while clusters are merged.
///
/// Whether merging two would close a circle is a question about the clusters between them alone. D. J. Pearce and P. H. J. Kelly,
/// *A dynamic topological sort algorithm for directed acyclic graphs*, 2006, keep an order in this way; here a list with labels lets
/// those that must come first move without renumbering the others.
final class ClusterOrder {
    private var labels: [Int]
    private var next: [Int]
    private var previous: [Int]
    /// The last search that met a cluster.
    private var visits: [Int]
    private var search = 0

    private static let none = -1
    private static let gap = 1 << 20

    /// - Parameters:
    ///   - keys: each after those that it waits for.
    ///   - count: more than the greatest key.
    init(_ keys: [Int], count: Int) {
        labels = [Int](repeating: 0, count: count)
        next = [Int](repeating: Self.none, count: count)
        previous = next
        visits = labels
        for (a, b) in zip(keys, keys.dropFirst()) { (next[a], previous[b]) = (b, a) }
        relabel(from: keys.first)
    }

    private func relabel(from first: Int?) {
        var (key, label) = (first ?? Self.none, 0)
        while key != Self.none {
            labels[key] = label
            (key, label) = (next[key], label + Self.gap)
        }
    }

    func isBefore(_ a: Int, _ b: Int) -> Bool { labels[a] < labels[b] }

    /// The clusters between two that the later one waits for; `nil` where one of them waits for the earlier, so that merging the two would
    /// close a circle.
    /// - Parameter predecessors: calls its second argument with each cluster that the first waits for; the cluster itself is no matter.
    func between(_ earlier: Int, _ later: Int, _ predecessors: (Int, (Int) -> Void) -> Void) -> [Int]? {
        search += 1
        visits[later] = search
        var found: [Int] = []
        var isCircle = false
        predecessors(later) { key in
            guard key != earlier, visits[key] != search, isBefore(earlier, key) else { return }
            visits[key] = search
            found.append(key)
        }
        var place = 0
        while place < found.count && !isCircle {
            let cluster = found[place]
            predecessors(cluster) { key in
                if key == earlier { isCircle = true }
                guard visits[key] != search, isBefore(earlier, key) else { return }
                visits[key] = search
                found.append(key)
            }
            place += 1
        }
        return isCircle ? nil : found
    }

    /// Lets `survivor` stand for two clusters.
    /// - Parameter between: what `between` gave for them: it moves to before the earlier of the two.
    func merge(_ earlier: Int, _ later: Int, into survivor: Int, between: [Int]) {
        for key in between.sorted(by: isBefore) {
            remove(key)
            insert(key, before: earlier)
        }
        remove(later)
        if survivor == later {
            insert(later, before: earlier)
            remove(earlier)
        }
    }

    private func remove(_ key: Int) {
        if previous[key] != Self.none { next[previous[key]] = next[key] }
        if next[key] != Self.none { previous[next[key]] = previous[key] }
    }

    private func insert(_ key: Int, before other: Int) {
        let last = previous[other]
        (previous[key], next[key], previous[other]) = (last, other, key)
        if last != Self.none { next[last] = key }
        let low = last == Self.none ? labels[other] - 2 * Self.gap : labels[last]
        labels[key] = low + (labels[other] - low) / 2
        guard labels[key] == low else { return }
        var first = key
        while previous[first] != Self.none { first = previous[first] }
        relabel(from: first)
    }
}
