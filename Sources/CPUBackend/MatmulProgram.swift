import CPUKernels
import SomaBackend
import SomaGraph

/// A product, and its epilogue run over it as a map.
///
/// The product goes where one of the results goes, if one has its layout, and the epilogue works in place there; else it goes to scratch memory.
final class MatmulProgram: CPUStep, @unchecked Sendable {
    private let step: MatmulStep
    private let kernel: MatmulKernel
    private let epilogue: LoopProgram?
    /// Where the product is written; its slot is one past the program's when it is scratch memory.
    private let target: Operand
    private let scratch: MemoryBlock?
    private let slotCount: Int

    /// - Throws: `BackendError.outOfMemory` where scratch memory is needed and there is none.
    init(_ step: MatmulStep, pool: CPUMemory) throws {
        self.step = step
        let contiguous = [step.m * step.n, step.n, 1]
        kernel = MatmulKernel(step)
        let slots = Step.matmul(step).reads.map(\.slot) + Step.matmul(step).writes.map(\.slot)
        slotCount = (slots.max() ?? 0) + 1
        let read = Set(step.epilogue.loads.map(\.slot) + [step.a.slot, step.b.slot])
        let place = step.epilogue.stores.map(\.target).first { target in
            target.dtype == .float32 && MatmulProgram.strides(target.access.strides, match: contiguous, step) && !read.contains(target.slot)
        }
        if let place {
            (target, scratch) = (place, nil)
        } else {
            scratch = try pool.allocate(byteCount: max(step.batch * step.m * step.n * 4, 1))
            target = Operand(slot: slotCount, dtype: .float32, access: Access(strides: contiguous))
        }
        epilogue = step.plainTarget == target ? nil : try LoopProgram(MatmulProgram.nest(step, product: target).collapsed())
    }

    /// The epilogue with the product read from memory.
    private static func nest(_ step: MatmulStep, product: Operand) -> LoopNest {
        var body = step.epilogue
        body.loads.append(product)
        for place in body.instructions.indices where body.instructions[place].operation == .accumulator {
            body.instructions[place].operation = .load(operand: body.loads.count - 1)
        }
        return LoopNest(outer: [step.batch, step.m, step.n], body: body)
    }

    /// Whether strides over [batch, m, n] are those wanted, where an extent of 1 is not stepped over.
    private static func strides(_ strides: [Int], match wanted: [Int], _ step: MatmulStep) -> Bool {
        zip(zip(strides, wanted), [step.batch, step.m, step.n]).allSatisfy { $0.0 == $0.1 || $1 == 1 }
    }

    override func run(_ context: RunContext) throws {
        guard let scratch else { return try run(in: context) }
        var pointers = Array(UnsafeBufferPointer(start: context.pointers, count: slotCount))
        pointers.append(scratch.pointer)
        try pointers.withUnsafeBufferPointer { pointers in
            guard let first = pointers.baseAddress else { return }
            try run(in: RunContext(pointers: first, scalars: context.scalars, offsets: context.offsets))
        }
    }

    private func run(in context: RunContext) throws {
        try kernel.run(
            context.base(step.a).assumingMemoryBound(to: Float.self), context.base(step.b).assumingMemoryBound(to: Float.self),
            context.base(target).assumingMemoryBound(to: Float.self))
        try epilogue?.run(context)
    }
}
