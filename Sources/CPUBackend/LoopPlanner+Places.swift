import CPUKernels
import SomaBackend

extension LoopPlanner {
    /// Gives every register and cell its place in scratch memory. Registers that are no longer needed are used again, except those of
    /// the phases that are persistent.
    mutating func givePlaces(isPersistent: (Int) -> Bool) {
        let (births, deaths) = lifetimes(isPersistent)
        var next = 0
        var free: [Int: [Int]] = [:]
        plan.valuePlaces = values.map { _ in -1 }
        func take(_ value: Int) {
            let size = values[value].dtype.byteCount
            if let place = free[size]?.popLast() {
                plan.valuePlaces[value] = place
            } else {
                plan.valuePlaces[value] = next
                next += (size * plan.block + 63) / 64 * 64
            }
        }
        for time in -1...plan.instructions.count {
            for value in deaths[time] ?? [] { free[values[value].dtype.byteCount, default: []].append(plan.valuePlaces[value]) }
            for value in births[time] ?? [] { take(value) }
        }
        for value in values.indices {
            guard case .cell(let size) = values[value].home else { continue }
            plan.valuePlaces[value] = next
            next += size
        }
        for value in values.indices {
            if case .word(let cell, let offset) = values[value].home { plan.valuePlaces[value] = plan.valuePlaces[cell] + offset }
        }
        plan.scratchBytes = (next + 63) / 64 * 64
    }

    private func steps(of instruction: soma_instruction) -> ArraySlice<soma_chain_step> {
        plan.steps[Int(instruction.chain)..<Int(instruction.chain + instruction.chain_count)]
    }

    /// The values that an instruction writes.
    private func results(of instruction: soma_instruction) -> [Int] {
        let stored = steps(of: instruction).filter { $0.isStore }.map { Int($0.y) }
        return instruction.chain_count > 0 && instruction.reduction < 0 ? stored : stored + [Int(instruction.out)]
    }

    /// The values that an instruction reads.
    private func arguments(of instruction: soma_instruction) -> [Int] {
        let ofSteps = steps(of: instruction).flatMap { $0.isStore ? [] : [$0.y, $0.z] }
        return ([instruction.a, instruction.b, instruction.c] + ofSteps).filter { $0 >= 0 }.map { Int($0) }
    }

    /// How many registers are written at all; what a chain hands on takes none.
    var registersInUse: Int {
        let written = plan.instructions.flatMap { results(of: $0) } + plan.operands.filter { !$0.flat.is_store }.map { Int($0.flat.value) }
        return Set(written).count { if case .register = values[$0].home { true } else { false } }
    }

    /// The registers by the instruction that first writes each (-1: a load) and by the last that reads it, which may write its result there.
    private func lifetimes(_ isPersistent: (Int) -> Bool) -> (births: [Int: [Int]], deaths: [Int: [Int]]) {
        var birth: [Int: Int] = [:]
        var death: [Int: Int] = [:]
        let end = plan.instructions.count
        for operand in plan.operands where !operand.flat.is_store {
            birth[Int(operand.flat.value)] = -1
            if plan.isByColumns || operand.flat.reach == SOMA_REACH_PERIODIC { death[Int(operand.flat.value)] = end }
        }
        for (time, instruction) in plan.instructions.enumerated() {
            for value in results(of: instruction) where birth[value] == nil { birth[value] = time }
            for value in arguments(of: instruction) {
                // A chain writes some of its results before it has read all of its arguments.
                death[value] = max(death[value] ?? 0, instruction.chain_count > 0 ? time + 1 : time)
            }
            if isPersistent(Int(instruction.phase)) { for value in results(of: instruction) { death[value] = end } }
        }
        // Strided stores are written after a block's last instruction.
        for operand in plan.operands where operand.flat.is_store { death[Int(operand.flat.value)] = end }
        var births: [Int: [Int]] = [:]
        var deaths: [Int: [Int]] = [:]
        for value in values.indices {
            guard case .register = values[value].home, let time = birth[value] else { continue }
            births[time, default: []].append(value)
            deaths[max(death[value] ?? 0, time + 1), default: []].append(value)
        }
        return (births, deaths)
    }
}

extension soma_chain_step {
    fileprivate var isStore: Bool { kind == SOMA_CHAIN_STORE || kind == SOMA_CHAIN_STREAM }
}
