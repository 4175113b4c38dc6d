import CPUKernels
import SomaBackend

extension LoopPlanner {
    /// Lines shorter than this are taken several at a time, the operands that do not lie so being copied.
    private static let shortestLine = 256
    /// The longest line that is run in one block although its reductions are complete after one walk.
    private static let longestWholeLine = 4096

    static func byRows(_ nest: LoopNest) -> LoopPlan {
        let isMap = nest.inner.isEmpty
        let rank = nest.outer.count + nest.inner.count
        let lineRank = isMap ? mapLineRank(nest.outer) : nest.outer.count
        var planner = LoopPlanner(nest, lineAxes: 0..<lineRank, innerAxes: lineRank..<rank, blockAxis: nil)
        planner.planRows()
        return planner.plan
    }

    /// How many leading extents of a map are lines: so many that the rest is long enough.
    private static func mapLineRank(_ extents: [Int]) -> Int {
        var (rank, length) = (extents.count, 1)
        while rank > 0 && length < shortestLine {
            rank -= 1
            length *= extents[rank]
        }
        return rank
    }

    private mutating func planRows() {
        var waits = [Bool](repeating: false, count: nest.body.instructions.count)
        var walksTwice = false
        for (place, instruction) in nest.body.instructions.enumerated() {
            waits[place] = instruction.arguments.contains { waits[$0] }
            let isBlock = instruction.arguments.contains { !isSingle(value($0)) }
            if isBlock && waits[place] { walksTwice = true }
            if case .reduce = instruction.operation {
                plan(place, phase: Int(SOMA_PHASE_BLOCK))
                waits[place] = true
            } else {
                plan(place, phase: Int(isBlock ? SOMA_PHASE_BLOCK : waits[place] ? SOMA_PHASE_AFTER : SOMA_PHASE_LINE))
            }
        }
        for store in inSafeOrder(nest.body.stores) {
            let isInner = nest.inner.isEmpty || variation(store.target.access).contains(.block)
            if isInner && waits[store.value] { walksTwice = true }
            if !isInner { plan.hasAfter = true }
            self.store(store, phase: Int(isInner ? SOMA_PHASE_BLOCK : SOMA_PHASE_AFTER))
        }
        plan.hasWholeLines = !nest.inner.isEmpty && plan.width > 0 && (walksTwice || plan.width <= Self.longestWholeLine)
        makeChains()
        plan.block = plan.hasWholeLines ? plan.width : periodicBlock(blockLength())
        givePlaces(isPersistent: { _ in false })
        plan.grain = 1 + 32768 / (plan.instructions.count + 1)
    }

    /// A block that is a whole number of periods of what winds along the trailing extents alone, as the numbers of channels do along pixels:
    /// such operands are then the same in every block.
    private mutating func periodicBlock(_ length: Int) -> Int {
        var (block, unit) = (length, 1)
        for place in plan.operands.indices {
            let operand = plan.operands[place]
            guard operand.flat.reach == SOMA_REACH_WINDING, !operand.flat.is_store, !operand.flat.is_index, let period = period(operand.innerStrides)
            else { continue }
            // Of further periods those that divide the first one fit as well.
            guard period <= length, unit == 1 || unit % period == 0 else { continue }
            if unit == 1 { (block, unit) = (length / period * period, period) }
            plan.operands[place].flat.reach = SOMA_REACH_PERIODIC
        }
        return block
    }

    /// A block of this many elements keeps all its registers and operands in the first-level cache. Where nothing is kept, only the rounding
    /// error of a block's sum speaks against a longer one.
    private func blockLength() -> Int {
        let ofBlocks = plan.instructions.filter { $0.phase == SOMA_PHASE_BLOCK }
        if !ofBlocks.isEmpty, ofBlocks.allSatisfy({ $0.reduction >= 0 && $0.chain_count == 0 }) { return 16384 }
        let registers = min(registersInUse, 8)
        let streams = plan.operands.filter { $0.flat.reach == SOMA_REACH_DIRECT }.count
        let length = 28 * 1024 / (4 * max(registers + streams, 1))
        return max(256, min(2048, length / 64 * 64))
    }
}
