import CPUKernels
import SomaBackend

/// The pooling of images, or its gradient.
final class PoolingProgram: CPUStep, @unchecked Sendable {
    private let step: PoolingStep
    private let pooling: soma_pooling

    init(_ step: PoolingStep) {
        self.step = step
        pooling = soma_pooling(step)
    }

    override func run(_ context: RunContext) throws {
        let operands = step.operands.map { UnsafePointer(context.base($0).assumingMemoryBound(to: Float.self)) }
        let result = context.base(step.result).assumingMemoryBound(to: Float.self)
        var pooling = pooling
        guard step.isGradient else { return soma_pooling_run(&pooling, operands[0], result) }
        soma_pooling_run_gradient(&pooling, operands[0], operands[operands.count - 1], result)
    }
}

extension soma_pooling {
    init(_ step: PoolingStep) {
        func pair(_ numbers: [Int]) -> (Int, Int) { (numbers[0], numbers[1]) }
        self.init(
            is_max: step.function == .max, batch: step.batch, channels: step.channels,
            input: pair(step.input), output: pair(step.output), size: pair(step.windows.size), stride: pair(step.windows.stride),
            dilation: pair(step.windows.dilation), before: pair(step.windows.before))
    }
}
