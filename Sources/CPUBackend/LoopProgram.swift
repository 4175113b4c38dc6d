import SomaBackend
final class LoopProgram: CPUStep, @unchecked Sendable {
    init(_ nest: LoopNest) throws { throw BackendError.unsupported("loops") }
}
final class MatmulProgram: CPUStep, @unchecked Sendable {
    init(_ step: MatmulStep) throws { throw BackendError.unsupported("matmul") }
}
