import Synchronization

/// The sources in memory that a value was computed from, remembered when its graph is released: by number, so that nothing is held.
///
/// So a gradient knows whether a released graph led to the tensor it is asked for.
public final class Origins: Sendable {
    private let numbers: Set<UInt64>
    /// Where they were too many to list: the newest of them.
    private let newest: UInt64
    private static let capacity = 4096
    private static let lastNumber = Atomic<UInt64>(0)

    /// A number for a new source.
    static func newNumber() -> UInt64 { lastNumber.wrappingAdd(1, ordering: .relaxed).newValue }

    /// The sources among `nodes`, and what the released ones among them were computed from. Call with `Node.lock` held.
    public init(of nodes: [Node]) {
        var numbers: Set<UInt64> = []
        var newest: UInt64 = 0
        for node in nodes {
            if node.number != 0 { numbers.insert(node.number) }
            guard let origins = node.origins else { continue }
            numbers.formUnion(origins.numbers)
            newest = max(newest, origins.newest)
        }
        let isTooLong = numbers.count > Self.capacity
        self.newest = isTooLong ? max(newest, numbers.max() ?? 0) : newest
        self.numbers = isTooLong ? [] : numbers
    }

    /// Whether `node`, a source in memory, is among them; where they were too many to list, whether it may be.
    public func include(_ node: Node) -> Bool { numbers.contains(node.number) || node.number <= newest }
}
