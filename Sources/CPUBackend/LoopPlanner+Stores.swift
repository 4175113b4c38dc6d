import CPUKernels
import SomaBackend

extension LoopPlanner {
    /// Stores of plain loads first: what they read may be memory that another store overwrites.
    func inSafeOrder(_ stores: [Store]) -> [Store] {
        stores.filter { isLoad($0.value) } + stores.filter { !isLoad($0.value) }
    }

    private func isLoad(_ place: Int) -> Bool {
        if case .load = nest.body.instructions[place].operation { true } else { false }
    }

    /// Writes the value of a store in `phase`.
    mutating func store(_ store: Store, phase: Int) {
        let target = store.target
        let (reach, _) = reach(target.access, isStore: true)
        var source = value(store.value)
        let isInPlace = reach == SOMA_REACH_SINGLE || reach == SOMA_REACH_DIRECT
        guard isInPlace else {
            // The runner scatters from the register itself.
            if isSingle(source) { source = spread(source, phase) }
            return addOperand(slot: target.slot, target.dtype, target.access, value: source, isStore: true)
        }
        let memory = newValue(.address, target.dtype, variation(target.access))
        addOperand(slot: target.slot, target.dtype, target.access, value: memory, isStore: true)
        if reach == SOMA_REACH_SINGLE {
            append(soma_loop_copy(target.dtype.loopType), memory, [source], phase, isSingle: true)
        } else if isSingle(source) {
            append(soma_loop_splat(target.dtype.loopType), memory, [source], phase, isSingle: false)
        } else if (nest.outer + nest.inner).reduce(target.dtype.byteCount, *) >= Self.streamedBytes {
            append(soma_loop_stream(target.dtype.loopType), memory, [source], phase, isSingle: false, .stream)
        } else if !computesInPlace(source, memory, phase) {
            append(soma_loop_copy(target.dtype.loopType), memory, [source], phase, isSingle: false, .copy)
        }
    }

    /// Results from this size on go past the caches, which could not hold them for the next step anyway: memory is then written without being
    /// read first (gelu(x·a + b)·c + x over 64 MiB: 7.3 instead of 5.9 GB/s on one core).
    private static let streamedBytes = 16 << 20

    /// Lets the instruction that gives `source` write to `memory` itself, if nothing that runs later reads memory that it might overwrite.
    private mutating func computesInPlace(_ source: Int, _ memory: Int, _ phase: Int) -> Bool {
        guard case .register = values[source].home,
            let producer = plan.instructions.lastIndex(where: { $0.out == source }), plan.instructions[producer].phase == phase,
            plan.instructions[producer].reduction < 0, !nest.body.stores.contains(where: { isLoad($0.value) }),
            plan.instructions[(producer + 1)...].allSatisfy({ later in [later.a, later.b, later.c].allSatisfy { $0 < 0 || !values[Int($0)].readsMemory } })
        else { return false }
        plan.instructions[producer].out = Int32(memory)
        for place in plan.instructions.indices[(producer + 1)...] {
            if plan.instructions[place].a == source { plan.instructions[place].a = Int32(memory) }
            if plan.instructions[place].b == source { plan.instructions[place].b = Int32(memory) }
            if plan.instructions[place].c == source { plan.instructions[place].c = Int32(memory) }
        }
        for place in plan.operands.indices where plan.operands[place].flat.is_store && plan.operands[place].flat.value == source {
            plan.operands[place].flat.value = Int32(memory)
        }
        for (place, value) in valueOf where value == source { valueOf[place] = memory }
        return true
    }
}
