import SomaBackend
final class LoopProgram: CPUStep, @unchecked Sendable {
    init(_ nest: LoopNest) throws { throw BackendError.unsupported("loops") }
}
