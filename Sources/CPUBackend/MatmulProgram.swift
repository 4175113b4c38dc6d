import SomaBackend

/// A matrix product and its epilogue.
final class MatmulProgram: ProductProgram, @unchecked Sendable {
    private let kernel: MatmulKernel

    /// - Throws: `BackendError.outOfMemory` where scratch memory is needed and there is none.
    init(_ step: MatmulStep, pool: CPUMemory) throws {
        kernel = MatmulKernel(step)
        try super.init(of: step.a, step.b, step.nest, plainTarget: step.plainTarget, pool: pool)
    }

    override var kernelName: String { "matmul, \(kernel.choice == .own ? "own kernel" : "\(kernel.choice)")" }

    override func multiply(_ a: UnsafePointer<Float>, _ b: UnsafePointer<Float>, _ c: UnsafeMutablePointer<Float>) throws {
        try kernel.run(a, b, c)
    }

    override func multiply(
        _ a: UnsafePointer<Float>, _ b: UnsafePointer<Float>, _ c: UnsafeMutablePointer<Float>, _ epilogue: LoopProgram?, _ context: RunContext
    ) throws {
        guard let epilogue, kernel.choice == .own else { return try super.multiply(a, b, c, epilogue, context) }
        try epilogue.asEpilogue(context) { try kernel.runOwn(a, b, c, $0) }
    }
}
