import CPUKernels
import SomaBackend

/// A fused loop nest as a flat program for the C runner: a map, a reduction, or both in turn.
final class LoopProgram: CPUStep, @unchecked Sendable {
    private let nest: FlatNest

    init(_ nest: LoopNest) throws {
        guard nest.outer.count + nest.inner.count <= 16 else {
            throw BackendError.unsupported("a loop nest over \(nest.outer.count + nest.inner.count) extents that do not merge; 16 is the most")
        }
        let nest = nest.normalized
        let plan = LoopPlanner.runsByColumns(nest) ? LoopPlanner.byColumns(nest) : LoopPlanner.byRows(nest)
        self.nest = FlatNest(plan)
    }

    override func run(_ context: RunContext) throws {
        var bindings = Self.bindings(context)
        guard soma_nest_run(nest.pointer, &bindings) else { throw BackendError.noScratchMemory }
    }

    /// Calls a function with the program as the epilogue of a product.
    func asEpilogue<Result>(_ context: RunContext, _ body: (UnsafePointer<soma_epilogue>) throws -> Result) rethrows -> Result {
        try withUnsafePointer(to: Self.bindings(context)) { bindings in
            try withUnsafePointer(to: soma_epilogue(nest: nest.pointer, bindings: bindings), body)
        }
    }

    private static func bindings(_ context: RunContext) -> soma_bindings {
        soma_bindings(
            buffers: UnsafeRawPointer(context.pointers).assumingMemoryBound(to: UnsafeMutablePointer<CChar>?.self),
            scalars: context.scalars, offsets: context.offsets)
    }
}

extension LoopNest {
    /// The same nest as the planner wants it. No access steps along an extent of 1; and a reduction whose extents were all 1, and were
    /// dropped, has one again, so that only a map has none.
    fileprivate var normalized: LoopNest {
        var nest = self
        let reduces = body.instructions.contains { if case .reduce = $0.operation { true } else { false } }
        if inner.isEmpty && reduces { nest.inner = [1] }
        let extents = nest.outer + nest.inner
        func normalize(_ access: inout Access) {
            access.strides = extents.indices.map { extents[$0] == 1 ? 0 : access.strides[$0] }
        }
        for place in body.loads.indices { normalize(&nest.body.loads[place].access) }
        for place in body.stores.indices { normalize(&nest.body.stores[place].target.access) }
        for place in body.instructions.indices {
            guard case .index(var access) = body.instructions[place].operation else { continue }
            normalize(&access)
            nest.body.instructions[place].operation = .index(access)
        }
        return nest
    }
}

/// A plan in the memory of C.
private final class FlatNest {
    let pointer: UnsafeMutablePointer<soma_nest>
    private var owned: [UnsafeMutableRawPointer] = []

    init(_ plan: LoopPlan) {
        pointer = .allocate(capacity: 1)
        let operands = plan.operands.map { operand in
            var flat = operand.flat
            flat.line_strides = UnsafePointer(copy(operand.lineStrides))
            flat.inner_strides = UnsafePointer(copy(operand.innerStrides))
            return flat
        }
        pointer.initialize(to: soma_nest(
            by_columns: plan.isByColumns, line_rank: Int32(plan.lineExtents.count), inner_rank: Int32(plan.innerExtents.count),
            line_extents: copy(plan.lineExtents), inner_extents: copy(plan.innerExtents), line_count: plan.lineExtents.reduce(1, *),
            inner_count: plan.innerExtents.reduce(1, *), width: plan.width, block: plan.block, walk_count: Int32(plan.walkCount), fold: plan.fold,
            whole_lines: plan.hasWholeLines, operand_count: Int32(operands.count), uniform_count: Int32(plan.uniforms.count),
            instruction_count: Int32(plan.instructions.count), reduction_count: Int32(plan.reductions.count),
            value_count: Int32(plan.valuePlaces.count), operands: copy(operands), uniforms: copy(plan.uniforms),
            instructions: copy(plan.instructions), reductions: copy(plan.reductions), steps: copy(plan.steps), value_places: copy(plan.valuePlaces),
            scalar_values: copy(plan.scalarValues), scalar_count: Int32(plan.scalarValues.count / 2), scratch_bytes: plan.scratchBytes,
            reduction_place: plan.reductionPlace, has_after: plan.hasAfter, grain: plan.grain))
    }

    private func copy<Element>(_ array: [Element]) -> UnsafeMutablePointer<Element> {
        let memory = UnsafeMutablePointer<Element>.allocate(capacity: max(array.count, 1))
        memory.initialize(from: array, count: array.count)
        owned.append(UnsafeMutableRawPointer(memory))
        return memory
    }

    deinit {
        for memory in owned { memory.deallocate() }
        pointer.deallocate()
    }
}
