import SomaBackend
import SomaGraph

extension LoopNest {
    /// The nest with each product that only a sum at the same level takes folded into a `multiplyAdd`.
    func fusingMultiplyAdds() -> LoopNest {
        let levels = BodyStages(self).levels
        var result = self
        var uses = [Int](repeating: 0, count: body.instructions.count)
        for instruction in body.instructions { for argument in instruction.arguments { uses[argument] += 1 } }
        for store in body.stores { uses[store.value] += 1 }
        for (place, instruction) in body.instructions.enumerated() where instruction.dtype == .float32 {
            guard case .binary(.add, let a, let b) = instruction.operation else { continue }
            for (product, other) in [(a, b), (b, a)] {
                guard case .binary(.multiply, let x, let y) = body.instructions[product].operation, uses[product] == 1,
                    levels[product] == levels[place], product != other
                else { continue }
                result.body.instructions[place].operation = .multiplyAdd(x, y, other)
                uses[product] = 0
                break
            }
        }
        return result.dropping { uses[$0] == 0 && isProduct($0) }
    }

    private func isProduct(_ place: Int) -> Bool {
        if case .binary(.multiply, _, _) = body.instructions[place].operation { true } else { false }
    }

    /// The nest without the instructions that nothing uses any more.
    private func dropping(_ isUnused: (Int) -> Bool) -> LoopNest {
        var result = self
        var places: [Int] = []
        result.body.instructions = []
        for (place, instruction) in body.instructions.enumerated() {
            places.append(result.body.instructions.count)
            if isUnused(place) { continue }
            result.body.instructions.append(instruction.mappingArguments { places[$0] })
        }
        result.body.stores = body.stores.map { Store(value: places[$0.value], target: $0.target) }
        return result
    }
}

extension Instruction {
    func mappingArguments(_ place: (Int) -> Int) -> Instruction {
        let mapped: Operation =
            switch operation {
            case .load, .scalar, .index, .accumulator: operation
            case .unary(let function, let a): .unary(function, place(a))
            case .binary(let function, let a, let b): .binary(function, place(a), place(b))
            case .select(let a, let b, let c): .select(place(a), place(b), place(c))
            case .multiplyAdd(let a, let b, let c): .multiplyAdd(place(a), place(b), place(c))
            case .cast(let a): .cast(place(a))
            case .reduce(let function, let a): .reduce(function, place(a))
            case .random(let key0, let key1, let counter, let index):
                .random(key0: place(key0), key1: place(key1), counter: place(counter), index: place(index))
            }
        return Instruction(mapped, dtype)
    }
}
