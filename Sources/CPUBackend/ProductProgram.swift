import CPUKernels
import SomaBackend
import SomaGraph

/// A product of two operands, and its epilogue, a map over it.
///
/// The product goes where one of the results goes, if one has its layout, and the epilogue works in place there; else it goes to scratch memory.
class ProductProgram: CPUStep, @unchecked Sendable {
    private let first, second: Operand
    private let epilogue: LoopProgram?
    /// Where the product is written; its slot is one past the program's when it is scratch memory.
    private let target: Operand
    private let scratch: MemoryBlock?
    private let slotCount: Int

    /// - Parameters:
    ///   - nest: the epilogue over the extents of the product, which is contiguous.
    ///   - plainTarget: where the product alone is written, if that is all.
    /// - Throws: `BackendError.outOfMemory` where scratch memory is needed and there is none.
    init(of first: Operand, _ second: Operand, _ nest: LoopNest, plainTarget: Operand?, pool: CPUMemory) throws {
        (self.first, self.second) = (first, second)
        let contiguous = Shape(nest.outer).contiguousStrides
        let read = [first.slot, second.slot] + nest.body.loads.map(\.slot)
        slotCount = ((read + nest.body.stores.map(\.target.slot)).max() ?? 0) + 1
        let place = nest.body.stores.map(\.target).first { target in
            target.dtype == .float32 && !read.contains(target.slot)
                && nest.outer.indices.allSatisfy { target.access.strides[$0] == contiguous[$0] || nest.outer[$0] == 1 }
        }
        if let place {
            (target, scratch) = (place, nil)
        } else {
            scratch = try pool.allocate(byteCount: max(nest.outerCount * 4, 1))
            target = Operand(slot: slotCount, dtype: .float32, access: Access(strides: contiguous))
        }
        epilogue = plainTarget == target ? nil : try LoopProgram(nest.reading(product: target).collapsed())
    }

    /// Computes the product alone.
    func multiply(_ a: UnsafePointer<Float>, _ b: UnsafePointer<Float>, _ c: UnsafeMutablePointer<Float>) throws {}

    /// Computes the product and then its epilogue, if there is one.
    func multiply(
        _ a: UnsafePointer<Float>, _ b: UnsafePointer<Float>, _ c: UnsafeMutablePointer<Float>, _ epilogue: LoopProgram?, _ context: RunContext
    ) throws {
        try multiply(a, b, c)
        try epilogue?.run(context)
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
        try multiply(
            context.base(first).assumingMemoryBound(to: Float.self), context.base(second).assumingMemoryBound(to: Float.self),
            context.base(target).assumingMemoryBound(to: Float.self), epilogue, context)
    }
}

extension LoopNest {
    /// The epilogue with the product read from memory.
    fileprivate func reading(product: Operand) -> LoopNest {
        var nest = self
        nest.body.loads.append(product)
        for place in nest.body.instructions.indices where nest.body.instructions[place].operation == .accumulator {
            nest.body.instructions[place].operation = .load(operand: nest.body.loads.count - 1)
        }
        return nest
    }
}
