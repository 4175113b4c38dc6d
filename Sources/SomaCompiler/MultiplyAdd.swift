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
            result.body.instructions.append(instruction.renumbered { places[$0] })
        }
        result.body.stores = body.stores.map { Store(value: places[$0.value], target: $0.target) }
        return result
    }
}
