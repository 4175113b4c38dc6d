import CPUKernels
import SomaBackend
import SomaGraph

/// Over which loops the value of an instruction changes; over none, it is uniform.
struct Variation: OptionSet {
    let rawValue: Int
    /// From line to line.
    static let line = Variation(rawValue: 1)
    /// Along the elements of a block.
    static let block = Variation(rawValue: 2)
    /// From step to step of the walk over the inner domain (by columns).
    static let walk = Variation(rawValue: 4)
}

/// Turns a loop nest into a flat plan: chooses the loop of each instruction and gives every value a place.
struct LoopPlanner {
    /// A value before it has a place.
    struct Value {
        enum Home {
            /// A block of elements in scratch memory.
            case register
            /// Bytes in scratch memory for single elements.
            case cell(Int)
            /// Bytes of a cell, from an offset on.
            case word(ofCell: Int, offset: Int)
            /// Set while the nest runs: memory in place, a scalar, a complete reduction.
            case address
        }
        var home: Home
        var dtype: DType
        var variation: Variation
        /// Reads the memory of a load, which a store may overwrite.
        var readsMemory = false

        /// Whether it has a place in scratch memory.
        var isScratch: Bool { if case .address = home { false } else { true } }
    }

    private(set) var nest: LoopNest
    var plan = LoopPlan()
    var values: [Value] = []
    /// What each instruction of the plan is as a step of a chain.
    var functions: [ChainFunction?] = []
    /// The value of each instruction of the body that is known.
    var valueOf: [Int: Int] = [:]
    /// How the body's accesses divide into the strides of lines, of the inner domain, and from element to element.
    let lineAxes: Range<Int>
    let innerAxes: Range<Int>
    /// By columns: the axis whose extent a block runs along.
    let blockAxis: Int?

    init(_ nest: LoopNest, lineAxes: Range<Int>, innerAxes: Range<Int>, blockAxis: Int?) {
        (self.nest, self.lineAxes, self.innerAxes, self.blockAxis) = (nest, lineAxes, innerAxes, blockAxis)
        let extents = nest.outer + nest.inner
        plan.lineExtents = Array(extents[lineAxes])
        plan.innerExtents = Array(extents[innerAxes])
        plan.isByColumns = blockAxis != nil
        plan.width = blockAxis.map { extents[$0] } ?? plan.innerExtents.reduce(1, *)
    }

    // MARK: - Values

    mutating func newValue(_ home: Value.Home, _ dtype: DType, _ variation: Variation) -> Int {
        values.append(Value(home: home, dtype: dtype, variation: variation))
        return values.count - 1
    }

    mutating func newResult(_ dtype: DType, _ variation: Variation) -> Int {
        newValue(variation.contains(.block) ? .register : .cell(8), dtype, variation)
    }

    func isSingle(_ value: Int) -> Bool { !values[value].variation.contains(.block) }

    func value(_ instruction: Int) -> Int {
        guard let value = valueOf[instruction] else { programError("loop plan", "instruction \(instruction) is used before it is planned") }
        return value
    }

    // MARK: - Operands

    func variation(_ access: Access) -> Variation {
        var result: Variation = []
        if access.strides[lineAxes].contains(where: { $0 != 0 }) { result.insert(.line) }
        let moves = access.strides[innerAxes].contains { $0 != 0 }
        if let blockAxis {
            if access.strides[blockAxis] != 0 { result.insert(.block) }
            if moves { result.insert(.walk) }
        } else if moves {
            result.insert(.block)
        }
        return result
    }

    /// How the elements of a block lie, and the distance between neighbours.
    func reach(_ access: Access, isStore: Bool = false) -> (soma_reach, stride: Int) {
        if let blockAxis {
            let stride = access.strides[blockAxis]
            if plan.fold > 1 && !isStore && stride != 0 && !variation(access).contains(.walk) { return (SOMA_REACH_TILED, stride) }
            return (stride == 0 ? SOMA_REACH_SINGLE : stride == 1 ? SOMA_REACH_DIRECT : SOMA_REACH_STRIDED, stride)
        }
        let axes = innerAxes.filter { (nest.outer + nest.inner)[$0] != 1 }
        guard let last = axes.last, axes.contains(where: { access.strides[$0] != 0 }) else { return (SOMA_REACH_SINGLE, 0) }
        let extents = nest.outer + nest.inner
        let isEven = zip(axes, axes.dropFirst()).allSatisfy { access.strides[$0] == access.strides[$1] * extents[$1] }
        let stride = access.strides[last]
        return (isEven ? (stride == 1 ? SOMA_REACH_DIRECT : SOMA_REACH_STRIDED) : SOMA_REACH_WINDING, stride)
    }

    /// After how many elements of a line an access comes back to where it was: those of the trailing extents along which alone it moves.
    func period(_ access: [Int]) -> Int? {
        guard let first = access.firstIndex(where: { $0 != 0 }) else { return nil }
        return plan.innerExtents[first...].reduce(1, *)
    }

    /// Lets each step of the walk take so many of the last inner extent's.
    mutating func fold(by steps: Int) {
        let last = nest.outer.count + nest.inner.count - 1
        plan.fold = steps
        nest.inner[nest.inner.count - 1] /= steps
        plan.innerExtents[plan.innerExtents.count - 1] /= steps
        for place in nest.body.loads.indices { nest.body.loads[place].access.strides[last] *= steps }
        for place in nest.body.stores.indices { nest.body.stores[place].target.access.strides[last] *= steps }
    }

    /// Adds an operand whose address or register is `value`.
    mutating func addOperand(slot: Int, _ dtype: DType, _ access: Access, value: Int, isStore: Bool = false, isIndex: Bool = false) {
        let (reach, stride) = reach(access, isStore: isStore)
        let flat = soma_operand(
            slot: Int32(slot), runtime_offset: Int32(access.runtimeOffset ?? -1), value: Int32(value),
            reach: reach == SOMA_REACH_DIRECT && isIndex ? SOMA_REACH_STRIDED : reach, type: dtype.loopType, is_store: isStore, is_index: isIndex,
            is_moving: variation(access).contains(.walk), walks: 0, offset: access.offset, stride: stride, line_strides: nil, inner_strides: nil)
        plan.operands.append(PlannedOperand(
            flat: flat, lineStrides: Array(access.strides[lineAxes]), innerStrides: Array(access.strides[innerAxes])))
    }

    /// The value of a load or of an index.
    mutating func load(slot: Int, _ dtype: DType, _ access: Access, isIndex: Bool) -> Int {
        let variation = variation(access), reach = reach(access).0
        let isInPlace = !isIndex && (reach == SOMA_REACH_SINGLE || reach == SOMA_REACH_DIRECT)
        let value = isInPlace ? newValue(.address, dtype, variation) : newResult(dtype, variation)
        values[value].readsMemory = isInPlace && variation.contains(.block)
        addOperand(slot: slot, dtype, access, value: value, isIndex: isIndex)
        return value
    }
}
