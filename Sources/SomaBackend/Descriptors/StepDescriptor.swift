import SomaGraph

/// What a kind of step says of itself: the compiler, profiles, listings and the tuner ask it and need not know the kinds.
public protocol StepDescriptor: Hashable, Sendable {
    /// A word for listings.
    var name: String { get }
    /// The step in a few words for people: its kind, its extents, and what is fused with it.
    var label: String { get }
    /// What it reads; a target that is added to counts as read and written.
    var reads: [Operand] { get }
    /// What it writes.
    var writes: [Operand] { get }
    /// The floating-point operations of products; 0 for steps that memory bounds and not arithmetic.
    ///
    /// Those of the definition: 2 · batch · m · n · k, and for each pass of a convolution 2 · N · K · C / groups for each tap and each place of
    /// its result. An algorithm that gets by with fewer, such as Winograd's, does the same work sooner.
    var productOperations: Double { get }
    /// All other operations on real numbers.
    var otherOperations: Double { get }
    /// The bytes that must come from memory and go there at least once.
    var byteCounts: (read: Int, written: Int) { get }
}

extension StepDescriptor {
    /// None, unless a kind of step says otherwise.
    public var productOperations: Double { 0 }
    /// None, unless a kind of step says otherwise.
    public var otherOperations: Double { 0 }

    func text(_ extents: [Int]) -> String { extents.isEmpty ? "1" : extents.map(String.init).joined(separator: "×") }
}

extension Operand {
    /// Bytes of the distinct elements that are accessed over these extents.
    func byteCount(_ extents: [Int]) -> Int {
        var (count, reach) = (1, 1)
        for (stride, extent) in zip(access.strides, extents) where stride != 0 {
            count *= extent
            reach += abs(stride) * max(extent - 1, 0)
        }
        return min(count, reach) * dtype.byteCount
    }
}

extension Body {
    /// How many operations, loads and stores aside, are done on the way, in words.
    var fused: String {
        let count = instructions.count { instruction in
            switch instruction.operation {
            case .load, .scalar, .index, .accumulator: false
            case .random, .unary, .binary, .select, .multiplyAdd, .cast, .reduce: true
            }
        }
        // Words of a generator cost far more than any other operation.
        let isRandom = instructions.contains { if case .random = $0.operation { true } else { false } }
        return count == 0 ? "" : ", \(count) fused" + (isRandom ? ", with random words" : "")
    }
}
