import SomaBackend
import SomaGraph

// A device whose walks round each in its own way, as compilers may: a value that two walks compute differs in its last bit. No result may
// depend on the two being equal.

extension StepInterpreter {
    /// Runs one outer position walk by walk: what a walk needs is computed in it anew.
    func finishWalkByWalk(_ plan: Plan, _ outer: [Int], _ accumulator: Element?, _ seed: Int) {
        let (nest, stages, inner) = (plan.nest, plan.stages, plan.inner)
        var values = [[Element]](repeating: [], count: nest.body.instructions.count)
        func compute(_ instructions: [Int], walk: Int) {
            for i in instructions {
                values[i] = row(i, plan, outer, accumulator, values).map { nudged($0, nest.body.instructions[i], (seed + walk) % 3 - 1) }
            }
        }
        compute((stages.uniforms + stages.prologue).sorted(), walk: 0)
        for (walk, stage) in stages.stages.enumerated() {
            compute((stage.elements + stage.reductions).sorted(), walk: walk)
            for number in stage.elementStores {
                let target = nest.body.stores[number]
                let row = values[target.value]
                for (i, position) in inner.enumerated() { store(row.count > i ? row[i] : row[0], target.target, outer + position) }
            }
            compute(stage.outers, walk: walk)
        }
        for number in stages.outerStores {
            let target = nest.body.stores[number]
            store(values[target.value][0], target.target, outer + nest.inner.map { _ in 0 })
        }
    }

    /// The neighbour of a result that was rounded: above, itself or below.
    private func nudged(_ element: Element, _ instruction: Instruction, _ direction: Int) -> Element {
        guard case .real(let value) = element, value.isFinite, value != 0, instruction.isRounded else { return element }
        return .real(direction > 0 ? value.nextUp : direction < 0 ? value.nextDown : value)
    }
}

extension Instruction {
    /// Whether the result is that of arithmetic, which devices round as they like, and not one of the arguments.
    fileprivate var isRounded: Bool {
        switch operation {
        case .unary(let function, _): ![.negate, .abs, .sign, .floor, .ceil, .round, .not].contains(function)
        case .binary(let function, _, _): ![.minimum, .maximum, .remainder].contains(function)
        case .reduce(let function, _): function == .sum || function == .product
        case .multiplyAdd: true
        case .load, .scalar, .index, .accumulator, .random, .select, .cast: false
        }
    }
}
