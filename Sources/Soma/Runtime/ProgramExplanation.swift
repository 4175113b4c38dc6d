import SomaBackend
import SomaCompiler
import Synchronization

/// A program that was compiled, with the compiler's reasons.
public struct ProgramExplanation: Sendable {
    public let graph: GraphExplanation
    /// For each step the text that the device runs, where there is one to read.
    public let sources: [String?]
}

/// Runs `body` and tells of every program that this thread compiles meanwhile; one that was compiled before is not compiled again.
public func explainingPrograms<Result>(_ body: () throws -> Result) rethrows -> (result: Result, programs: [ProgramExplanation]) {
    let collector = ExplanationCollector()
    let result = try ExplanationCollector.$current.withValue(collector, operation: body)
    return (result, collector.collected)
}

final class ExplanationCollector: Sendable {
    /// Whoever wants to know on this task.
    @TaskLocal static var current: ExplanationCollector?

    private let programs = Mutex<[ProgramExplanation]>([])
    var collected: [ProgramExplanation] { programs.withLock { $0 } }

    func note(_ program: Program, _ graph: GraphExplanation, on backend: any Backend) {
        let sources = program.steps.map { backend.sourceText(of: $0) }
        programs.withLock { $0.append(ProgramExplanation(graph: graph, sources: sources)) }
    }
}
