import SomaBackend
import SomaGraph

/// How a reduction is spread over a processor: see reduce_cpu.cl.
struct CPUReduceGeometry {
    let isAcross: Bool
    /// Partial results of one position, where neighbours lie along a sum.
    let lanes: Int
    /// Outer positions of a work-item.
    let places: Int
    /// Into how many parts the inner domain is cut, so that every core has work and no chain of additions is long.
    let segments: Int
    /// Whether sums are so long that they are made in chains.
    let isLong: Bool

    /// CHAIN of reduce_cpu.cl.
    private static let chain = 64

    init(_ nest: LoopNest, _ planner: StepPlanner, isSecondPass: Bool = false) {
        let shipped = planner.reductions, chosen = isSecondPass ? nil : planner.chosenShape(reduction: nest)
        isAcross = BodyStages(nest).stages.count == 1 && nest.isAcross
        let columns = nest.inner.last ?? 1
        lanes = chosen?.lanes ?? shipped.lanes.last { $0 * 4 <= columns } ?? shipped.lanes.min() ?? 1
        places = chosen?.places ?? (isAcross ? shipped.across : Self.block(nest, planner))
        // Elements of the whole inner domain that one lane meets.
        let steps = isAcross || columns == 0 ? nest.innerCount : nest.innerCount / columns * ((columns - 1) / lanes + 1)
        segments = Self.segments(nest, planner, chosen?.segments, acrossPlaces: isAcross ? places : nil, steps)
        isLong = planner.ceilDivide(steps, segments) > Self.chain
    }

    /// As many positions as give every core something, and no more than a work-item walks in a while.
    private static func block(_ nest: LoopNest, _ planner: StepPlanner) -> Int {
        let shared = planner.ceilDivide(nest.outerCount, planner.traits.computeUnits * planner.reductions.items)
        return max(1, min(shared, max(1, (1 << 20) / max(nest.innerCount, 1))))
    }

    private static func segments(_ nest: LoopNest, _ planner: StepPlanner, _ chosen: Int?, acrossPlaces: Int?, _ steps: Int) -> Int {
        guard BodyStages(nest).stages.count == 1, !nest.hasIndexReduction, nest.outerCount * nest.innerCount >= 1 << 16 else { return 1 }
        let last = nest.outer.last ?? 1
        let items = acrossPlaces.map { nest.outerCount / max(last, 1) * planner.ceilDivide(last, $0) } ?? nest.outerCount
        let forCores = planner.ceilDivide(planner.traits.computeUnits * planner.reductions.items, max(items, 1))
        let forChains = nest.hasRealSum ? planner.ceilDivide(steps, chain * chain) : 1
        return max(1, min(max(chosen ?? forCores, forChains), nest.innerCount / 256))
    }
}
