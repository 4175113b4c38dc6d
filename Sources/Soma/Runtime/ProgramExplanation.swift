import SomaBackend
import SomaCompiler
import Synchronization

/// A program that was compiled, with the compiler's reasons.
public struct ProgramExplanation: Sendable {
    /// What the compiler made of the graph, and why.
    public let graph: GraphExplanation
    /// For each step the text that the device runs, where there is one to read.
    public let sources: [String?]
    /// For each step how the device computes it, where it has more than one way.
    public let choices: [ChoiceInUse?]
}

/// Runs `body` and tells of every program that this thread compiles meanwhile; one that was compiled before is not compiled again. Parameters have
/// their names there if `body` asks a model for them (`namedParameters`) before it trains.
public func explainingPrograms<Result>(_ body: () throws -> Result) rethrows -> (result: Result, programs: [ProgramExplanation]) {
    let collector = ExplanationCollector()
    let result = try ExplanationCollector.$current.withValue(collector, operation: body)
    return (result, collector.collected)
}

final class ExplanationCollector: Sendable {
    /// Whoever wants to know on this task.
    @TaskLocal static var current: ExplanationCollector?

    private let programs = Mutex<[ProgramExplanation]>([])
    private let parameters = Mutex<[NamedParameter]>([])
    var collected: [ProgramExplanation] { programs.withLock { $0 } }

    func note(_ program: Program, _ graph: GraphExplanation, on backend: any Backend) {
        let sources = program.steps.map { backend.sourceText(of: $0) }
        let tunable = backend as? any TunableBackend
        let choices = program.steps.map { tunable?.choice(of: $0) }
        programs.withLock { $0.append(ProgramExplanation(graph: graph, sources: sources, choices: choices)) }
    }

    /// Learns what parameters are called; of a parameter with several names the first counts.
    func note(_ named: [NamedParameter]) {
        parameters.withLock { known in
            known += named.filter { new in !known.contains { $0.parameter === new.parameter } }
        }
    }

    /// The parameters in the sources of a graph.
    func names(of snapshot: GraphSnapshot) -> [GraphExplanation.SourceName] {
        let parameters = parameters.withLock { $0 }
        return snapshot.sources.enumerated().flatMap { place, node in
            parameters.compactMap { named in
                named.parameter.offset(in: snapshot.nodes[node]).map {
                    .init(source: place, name: named.name, offset: $0, count: named.parameter.shape.count)
                }
            }
        }
    }
}
