import SomaBackend
import SomaCompiler
import SomaGraph

/// A plan whose steps are ready on a device.
final class Program: Sendable {
    let plan: Plan
    let steps: [PreparedStep]

    init(_ plan: Plan, on backend: any Backend) throws {
        self.plan = plan
        steps = try plan.steps.map { try backend.prepare($0) }
    }

    /// Steps to run when some outputs lie where their sources do: copies onto themselves are left out.
    func steps(sources: [Buffer], outputs: [Buffer]) -> [PreparedStep] {
        let idle = plan.copies.filter { sources[$0.value.source] === outputs[$0.value.output] }
        return idle.isEmpty ? steps : steps.indices.filter { idle[$0] == nil }.map { steps[$0] }
    }
}

/// What a compiled step consists of, and the memory that it takes.
public struct ProgramSummary: Hashable, Sendable {
    /// Bytes of the arena in which all intermediate values lie.
    public let arenaByteCount: Int
    /// The most bytes of intermediate values that are alive at once: what no arena could do without.
    public let largestLiveByteCount: Int
    /// Bytes of results and of new versions of states, the latter where the old ones lie if nobody else holds them.
    public let outputByteCount: Int
    /// Floating-point operations of all its products, by their definition.
    public let productOperations: Double
    /// The kinds of steps with their numbers, the most frequent first.
    public let steps: [Kind]

    /// Steps of one kind.
    public struct Kind: Hashable, Sendable {
        /// `Step.name`: `map`, `matmul`, …
        public let name: String
        /// How many of them there are.
        public let count: Int
    }

    init(_ plan: Plan) {
        (arenaByteCount, largestLiveByteCount) = (plan.arenaByteCount, plan.largestLiveByteCount)
        outputByteCount = plan.outputs.reduce(0) { $0 + $1.byteCount }
        productOperations = plan.steps.reduce(0) { $0 + $1.productOperations }
        let numbers = Dictionary(grouping: plan.steps, by: \.name).mapValues(\.count)
        steps = numbers.sorted { ($1.value, $0.key) < ($0.value, $1.key) }.map { Kind(name: $0.key, count: $0.value) }
    }
}

/// Programs by the structure of their graphs.
typealias ProgramCache = LeastRecentlyUsed<GraphKey, Program>
