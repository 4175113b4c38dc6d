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

    /// The registers by the instruction that first writes each (-1: a load) and by the last that reads it, which may write its result there.
    private func lifetimes(_ isPersistent: (Int) -> Bool) -> (births: [Int: [Int]], deaths: [Int: [Int]]) {
        var birth: [Int: Int] = [:]
        var death: [Int: Int] = [:]
        let end = plan.instructions.count
        for operand in plan.operands where !operand.flat.is_store {
            birth[Int(operand.flat.value)] = -1
            if plan.isByColumns { death[Int(operand.flat.value)] = end }
        }
        for (time, instruction) in plan.instructions.enumerated() {
            if birth[Int(instruction.out)] == nil { birth[Int(instruction.out)] = time }
            for argument in [instruction.a, instruction.b, instruction.c] where argument >= 0 {
                death[Int(argument)] = max(death[Int(argument)] ?? 0, time)
            }
            if isPersistent(Int(instruction.phase)) { death[Int(instruction.out)] = end }
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
