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

/// Programs by the structure of their graphs; the least recently used is forgotten when there are too many.
struct ProgramCache {
    private var programs: [GraphKey: (program: Program, used: Int)] = [:]
    private var clock = 0
    private let capacity = 512

    mutating func program(for key: GraphKey) -> Program? {
        clock += 1
        programs[key]?.used = clock
        return programs[key]?.program
    }

    mutating func remember(_ program: Program, for key: GraphKey) {
        if programs.count >= capacity, let oldest = programs.min(by: { $0.value.used < $1.value.used }) {
            programs[oldest.key] = nil
        }
        programs[key] = (program, clock)
    }
}
