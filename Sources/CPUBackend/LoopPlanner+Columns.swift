import CPUKernels
import SomaBackend

extension LoopPlanner {
    /// Whether blocks should run along the last outer extent: where the elements of a block then lie side by side and otherwise would not, and
    /// where rows are so short that each would be all overhead.
    static func runsByColumns(_ nest: LoopNest) -> Bool {
        guard let columns = nest.outer.last, let inner = nest.inner.last, nest.inner.allSatisfy({ $0 > 0 }), columns >= 4 else { return false }
        let rank = nest.outer.count + nest.inner.count
        let moving = nest.body.loads.map(\.access).filter { $0.strides[nest.outer.count...].contains { $0 != 0 } }
        let byRows = moving.filter { $0.strides[rank - 1] == 1 || inner == 1 }.count
        let byColumns = moving.filter { $0.strides[nest.outer.count - 1] == 1 }.count
        return byColumns > byRows || (nest.inner.reduce(1, *) < 32 && columns >= 16)
    }

    static func byColumns(_ nest: LoopNest) -> LoopPlan {
        let rank = nest.outer.count + nest.inner.count, last = nest.outer.count - 1
        var planner = LoopPlanner(nest, lineAxes: 0..<last, innerAxes: nest.outer.count..<rank, blockAxis: last)
        planner.planColumns()
        return planner.plan
    }

    private mutating func planColumns() {
        let stages = BodyStages(nest)
        if let steps = foldableSteps(stages) { fold(by: steps) }
        for place in stages.uniforms + stages.prologue { plan(place, phase: Int(SOMA_PHASE_LINE)) }
        plan.walkCount = max(stages.stages.count, 1)
        // A value stored during one walk may lie where a later walk loads, so everything is stored during the last one.
        let stores = stages.stages.flatMap(\.elementStores).map { nest.body.stores[$0] }
        for (walk, stage) in stages.stages.enumerated() {
            let block = Int(SOMA_PHASE_BLOCK) + 2 * walk
            let isLast = walk == stages.stages.count - 1
            let firstOperand = plan.operands.count
            let arguments = stage.reductions.flatMap { nest.body.instructions[$0].arguments }
            // Values of an earlier walk are those of its last step: they are computed again.
            let elements = needed(by: arguments + (isLast ? stores.map(\.value) : []), stages.levels)
            for place in elements { valueOf[place] = nil }
            for place in elements + stage.reductions { plan(place, phase: block) }
            if isLast { for store in inSafeOrder(stores) { self.store(store, phase: block) } }
            for place in plan.operands.indices[firstOperand...] { plan.operands[place].flat.walks = 1 << UInt32(walk) }
            for place in stage.outers { plan(place, phase: block + 1) }
        }
        for store in stages.outerStores { self.store(nest.body.stores[store], phase: Int(SOMA_PHASE_AFTER) + 2 * (plan.walkCount - 1)) }
        plan.hasAfter = true
        makeChains()
        plan.grain = 1 + 32768 / (plan.instructions.count + 1)
        plan.block = plan.fold > 1 ? plan.width * plan.fold : columnBlock()
        givePlaces(isPersistent: { ($0 - Int(SOMA_PHASE_BLOCK)) % 2 != 0 })
        plan.reductionPlace = plan.scratchBytes
        plan.scratchBytes += soma_nest_reduction_bytes(plan.block, Int32(plan.reductions.count))
    }

    /// How many steps of the walk a block can take at once, where columns are few and neighbouring steps lie side by side: channels of pixels.
    private func foldableSteps(_ stages: BodyStages) -> Int? {
        let last = nest.outer.count + nest.inner.count - 1
        guard let axis = blockAxis, plan.width <= 256, stages.stages.count == 1 else { return nil }
        let isPlain = nest.body.instructions.allSatisfy { instruction in
            switch instruction.operation {
            case .index, .random: false
            case .reduce(let operation, _): !operation.givesIndex
            default: true
            }
        }
        let accesses = nest.body.loads.map(\.access) + nest.body.stores.map(\.target.access)
        let liesSideBySide = accesses.allSatisfy { access in
            !variation(access).contains(.walk) || (access.strides[axis] == 1 && access.strides[last] == plan.width)
        }
        guard isPlain, liesSideBySide else { return nil }
        let most = 1024 / plan.width
        return (2...max(most, 2)).last { nest.inner[nest.inner.count - 1] % $0 == 0 && $0 <= most }
    }

    /// The element instructions that the given ones reach, these included, in order.
    private func needed(by roots: [Int], _ levels: [Level]) -> [Int] {
        var isNeeded = [Bool](repeating: false, count: nest.body.instructions.count)
        for root in roots { isNeeded[root] = true }
        for place in isNeeded.indices.reversed() where isNeeded[place] && levels[place] == .element {
            for argument in nest.body.instructions[place].arguments { isNeeded[argument] = true }
        }
        return isNeeded.indices.filter { isNeeded[$0] && levels[$0] == .element }
    }

    /// Blocks wide enough to pay and narrow enough that every thread gets one, or a piece of the walk. A column's sum is the same in a block of any
    /// width.
    private func columnBlock() -> Int {
        let lines = plan.lineExtents.reduce(1, *)
        var nest = soma_nest()
        (nest.width, nest.fold, nest.line_count, nest.inner_count, nest.grain) = (plan.width, 1, lines, plan.innerExtents.reduce(1, *), plan.grain)
        (nest.walk_count, nest.reduction_count) = (Int32(plan.walkCount), Int32(plan.reductions.count))
        let shared = max(plan.width * lines * soma_nest_pieces(&nest), 1)
        let share = (shared + Int(soma_team_size()) - 1) / Int(soma_team_size())
        return min(plan.width, 1024, max(Int(SOMA_NARROWEST_BLOCK), (share + 15) / 16 * 16))
    }
}
