import Testing

@testable import SomaCompiler

/// The order of clusters, held against a search through all of them.
struct ClusterOrderTests {
    /// Clusters that wait for others, merged at random.
    private struct Waiting {
        var predecessors: [Int: Set<Int>]
        private(set) var clusterOf: [Int]

        init(count: Int, _ random: inout some RandomNumberGenerator) {
            clusterOf = Array(0..<count)
            predecessors = [:]
            for key in 0..<count { predecessors[key] = key == 0 ? [] : Set((0..<2).map { _ in Int.random(in: max(0, key - 12)..<key, using: &random) }) }
        }

        func direct(_ key: Int) -> Set<Int> { Set((predecessors[key] ?? []).map { clusterOf[$0] }).subtracting([key]) }

        /// Whether a cluster waits for another through a third.
        func waits(_ key: Int, for other: Int) -> Bool {
            var (seen, pending) = (Set<Int>(), Array(direct(key).subtracting([other])))
            while let next = pending.popLast() {
                guard seen.insert(next).inserted else { continue }
                if direct(next).contains(other) { return true }
                pending += direct(next)
            }
            return false
        }

        mutating func merge(_ survivor: Int, _ removed: Int) {
            predecessors[survivor, default: []].formUnion(predecessors.removeValue(forKey: removed) ?? [])
            for place in clusterOf.indices where clusterOf[place] == removed { clusterOf[place] = survivor }
        }
    }

    @Test func findsCirclesAndKeepsTheOrder() throws {
        var random = SystemRandomNumberGenerator()
        for round in 0..<12 {
            let count = 10 + 6 * round
            var waiting = Waiting(count: count, &random)
            let order = ClusterOrder(Array(0..<count), count: count)
            var (merges, circles) = (0, 0)
            for _ in 0..<4 * count {
                let keys = waiting.predecessors.keys.sorted()
                guard let a = keys.randomElement(using: &random), let b = keys.randomElement(using: &random), a != b else { continue }
                let (earlier, later) = order.isBefore(a, b) ? (a, b) : (b, a)
                #expect(!waiting.waits(earlier, for: later) && !waiting.direct(earlier).contains(later))
                let between = order.between(earlier, later) { key, visit in waiting.direct(key).forEach(visit) }
                #expect((between == nil) == waiting.waits(later, for: earlier))
                guard let between else { circles += 1; continue }
                let survivor = Bool.random(using: &random) ? earlier : later
                order.merge(earlier, later, into: survivor, between: between)
                waiting.merge(survivor, survivor == earlier ? later : earlier)
                merges += 1
                for key in waiting.predecessors.keys { #expect(waiting.direct(key).allSatisfy { order.isBefore($0, key) }) }
            }
            #expect(merges > 0 && (circles > 0 || round < 4))
        }
    }

    /// Clusters that go before the same one again and again use up the labels between it and its neighbour.
    @Test func makesRoomWhereLabelsAreUsedUp() {
        let count = 200
        let order = ClusterOrder(Array(0..<count), count: count)
        for key in stride(from: 2, to: count - 1, by: 2) {
            let between = order.between(1, key + 1) { cluster, visit in if cluster == key + 1 { visit(key) } }
            #expect(between == [key])
            order.merge(1, key + 1, into: 1, between: between ?? [])
            #expect(order.isBefore(0, key) && order.isBefore(key, 1))
        }
    }
}
