import CPUKernels
import SomaBackend

/// Scaled dot-product attention, or its gradient.
final class AttentionProgram: CPUStep, @unchecked Sendable {
    private let step: AttentionStep
    private let attention: soma_attention

    init(_ step: AttentionStep) {
        self.step = step
        attention = soma_attention(step)
    }

    override func run(_ context: RunContext) throws {
        func read(_ index: Int) -> UnsafePointer<Float> { UnsafePointer(context.base(step.inputs[index]).assumingMemoryBound(to: Float.self)) }
        func written(_ index: Int) -> UnsafeMutablePointer<Float> { context.base(step.results[index]).assumingMemoryBound(to: Float.self) }
        var inputs = soma_attention_inputs(
            q: read(0), k: read(1), v: read(2), lengths: step.lengths.map { UnsafePointer(context.base($0).assumingMemoryBound(to: Int32.self)) },
            bias: step.bias.map { UnsafePointer(context.base($0).assumingMemoryBound(to: Float.self)) })
        var attention = attention
        let hasMemory = step.isGradient
            ? soma_attention_run_gradient(&attention, &inputs, read(3), read(4), read(5), written(0), written(1), written(2))
            : soma_attention_run(&attention, &inputs, written(0), written(1))
        guard hasMemory else { throw BackendError.noScratchMemory }
    }
}

extension soma_attention {
    fileprivate init(_ step: AttentionStep) {
        func three(_ operand: Operand) -> (Int, Int, Int) { (operand.access.strides[0], operand.access.strides[1], operand.access.strides[2]) }
        let bias = step.bias?.access.strides ?? [0, 0, 0, 0]
        let results = step.isGradient ? step.results.map(three) : [(0, 0, 0), (0, 0, 0), (0, 0, 0)]
        self.init(
            batch: step.batch, heads: step.heads, key_heads: step.keyHeads, queries: step.queries, keys: step.keys, width: step.width,
            value_width: step.valueWidth, scale: step.attention.scale, is_causal: step.attention.isCausal, window: step.attention.window ?? -1,
            q: three(step.inputs[0]), k: three(step.inputs[1]), v: three(step.inputs[2]), output: three(step.isGradient ? step.inputs[5] : step.results[0]),
            dq: results[0], dk: results[1], dv: results[2], bias: (bias[0], bias[1], bias[2], bias[3]))
    }
}
