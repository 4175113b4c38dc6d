import SomaBackend
import SomaGraph

/// How a reduction is spread over a GPU: see the pictures in reduce.cl and row.cl.
struct ReduceGeometry: Hashable {
    var lanes: Int
    var places: Int
    var width = 1
    /// Groups of elements that a lane holds between walks; 0 where it reads them again.
    var hold = 0
    var isAcross = false
    var segments = 1

    init(_ nest: LoopNest, _ planner: StepPlanner, isSecondPass: Bool = false) {
        let (positions, shipped) = (nest.outerCount, planner.reductions)
        let wanted = planner.traits.computeUnits * shipped.items
        let group = planner.traits.treeSize(atMost: shipped.group, bytesPerItem: nest.partialBytes)
        let stageCount = BodyStages(nest).stages.count
        let canSegment = stageCount == 1 && !isSecondPass && !nest.hasIndexReduction
        let chosen = isSecondPass ? nil : planner.chosenShape(reduction: nest)
        if stageCount == 1 && nest.isAcross {
            let across = min(shipped.across, group)
            (lanes, places, isAcross) = (chosen?.lanes ?? powerOfTwo(atMost: group / across), chosen?.places ?? across, true)
            let groups = planner.ceilDivide(positions, places)
            if canSegment { segments = chosen?.segments ?? Self.segments(wanted / (groups * 256), nest.innerCount / (lanes * 8)) }
            return
        }
        width = planner.allowsVectors && nest.allowsVectors ? 4 : 1
        let steps = planner.ceilDivide(nest.innerCount, width)
        lanes = 1
        for candidate in shipped.lanes where candidate <= group {
            if lanes * 4 >= steps && (lanes >= steps || positions * lanes >= wanted) { break }
            lanes = candidate
        }
        lanes = chosen?.lanes ?? lanes
        places = chosen?.places ?? max(1, group / lanes)
        if stageCount > 1 {
            let needed = planner.ceilDivide(steps, lanes)
            hold = needed <= 8 ? [1, 2, 4, 8].first { $0 >= needed } ?? 0 : 0
        } else if canSegment {
            segments = chosen?.segments ?? Self.segments(wanted / (positions * lanes), steps / (lanes * 8))
        }
    }

    private static func segments(_ wanted: Int, _ possible: Int) -> Int { max(1, min(wanted, possible, 1024)) }
}

extension LoopNest {
    /// Bytes of local memory in which a work-item keeps its partial results.
    var partialBytes: Int {
        body.instructions.indices.reduce(0) { sum, i in
            guard case .reduce = body.instructions[i].operation else { return sum }
            return sum + Partial(i, body).byteCount
        }
    }

    /// Whether it sums real numbers, which rounds.
    var hasRealSum: Bool {
        body.instructions.contains { if case .reduce(.sum, _) = $0.operation { $0.dtype.isFloatingPoint } else { false } }
    }

    var hasIndexReduction: Bool {
        body.instructions.contains { if case .reduce(let operation, _) = $0.operation { operation.givesIndex } else { false } }
    }

    /// Whether neighbours in memory belong to neighbouring outer positions rather than to one position's inner elements.
    var isAcross: Bool {
        guard (outer.last ?? 1) >= 8 else { return false }
        let levels = BodyStages(self).levels
        var (along, across) = (0, 0)
        for (i, instruction) in body.instructions.enumerated() where levels[i] == .element {
            guard case .load(let operand) = instruction.operation else { continue }
            let strides = body.loads[operand].access.strides
            if strides.last == 1 { along += 1 } else if strides[outer.count - 1] == 1 { across += 1 }
        }
        return across > along
    }
}

/// The partial results of a reduction whose inner domain is cut into segments, and the reduction that completes it.
///
/// Reduction r of segment s at position p is element `(base of r) + s·positions + p` of the scratch memory.
struct SegmentWorkspace {
    let nest: LoopNest
    let segments: Int
    private let stages: BodyStages
    private var positions: Int { nest.outerCount }
    private var reductions: [Int] { stages.stages.flatMap(\.reductions) }

    init(_ nest: LoopNest, segments: Int) {
        (self.nest, self.segments, stages) = (nest, segments, BodyStages(nest))
    }

    var byteCount: Int { (offsets.last ?? 0) + segments * positions * 8 }

    /// Where each reduction's partial results begin, in bytes; each has room for eight bytes an element.
    private var offsets: [Int] { reductions.indices.map { $0 * ((segments * positions * 8 + 255) / 256 * 256) } }

    private func offset(_ number: Int) -> Int { offsets[number] / nest.body.instructions[reductions[number]].dtype.byteCount }

    func declare(in parameters: inout KernelParameters) {
        for (number, reduction) in reductions.enumerated() {
            parameters.add("global \(nest.body.instructions[reduction].dtype.memoryType) *partial\(reduction)", .workspace)
            parameters.add("const long partial\(reduction)_offset", .long(offset(number)))
        }
    }

    func stores(_ writer: BodyWriter, segment: String = "get_group_id(1)", position: String = "position") -> [String] {
        reductions.map { "partial\($0)[partial\($0)_offset + (long)\(segment) * positions + \(position)] = v\($0);" }
    }

    /// The reduction over segments, followed by all that follows the reduction over elements.
    var secondPass: LoopNest {
        var result = LoopNest(outer: nest.outer, inner: [segments], body: Body(scalars: nest.body.scalars))
        var places: [Int: Int] = [:]
        for (i, instruction) in nest.body.instructions.enumerated() where stages.levels[i] != .element {
            if case .reduce(let operation, _) = instruction.operation, let number = reductions.firstIndex(of: i) {
                result.body.loads.append(partials(number, instruction.dtype))
                result.body.instructions.append(Instruction(.load(operand: result.body.loads.count - 1), instruction.dtype))
                result.body.instructions.append(Instruction(.reduce(operation, result.body.instructions.count - 1), instruction.dtype))
            } else {
                result.body.instructions.append(moved(instruction, places, &result.body))
            }
            places[i] = result.body.instructions.count - 1
        }
        for number in stages.outerStores {
            let store = nest.body.stores[number]
            guard let value = places[store.value] else { continue }
            result.body.stores.append(Store(value: value, target: outerOnly(store.target)))
        }
        return result
    }

    private func partials(_ number: Int, _ dtype: DType) -> Operand {
        var strides = [Int](repeating: 1, count: nest.outer.count)
        for axis in nest.outer.indices.dropLast().reversed() { strides[axis] = strides[axis + 1] * nest.outer[axis + 1] }
        return Operand(slot: Operand.workspaceSlot, dtype: dtype, access: Access(strides: strides + [positions], offset: offset(number)))
    }

    private func outerOnly(_ operand: Operand) -> Operand {
        var operand = operand
        operand.access = outerOnly(operand.access)
        return operand
    }

    private func outerOnly(_ access: Access) -> Access {
        var access = access
        access.strides = access.strides.prefix(nest.outer.count) + [0]
        return access
    }

    private func moved(_ instruction: Instruction, _ places: [Int: Int], _ body: inout Body) -> Instruction {
        var result = instruction.renumbered { places[$0] ?? 0 }
        switch instruction.operation {
        case .load(let operand):
            body.loads.append(outerOnly(nest.body.loads[operand]))
            result.operation = .load(operand: body.loads.count - 1)
        case .index(let access): result.operation = .index(outerOnly(access))
        default: break
        }
        return result
    }
}
