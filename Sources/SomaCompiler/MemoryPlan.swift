import SomaBackend
import SomaGraph

/// Places temporaries in an arena so that those alive at one step never overlap.
///
/// The largest are placed first, each at the lowest offset that is free over its whole life (Pisarchyk and Lee 2020,
/// "Efficient Memory Management for Deep Neural Net Inference", greedy by size).
struct MemoryPlan {
    struct Temporary {
        var byteCount: Int
        /// Numbers of the first and last step that touch it.
        var life: ClosedRange<Int>
    }

    /// Offsets are multiples of this.
    static let alignment = 64

    private(set) var offsets: [Int]
    private(set) var byteCount = 0
    private(set) var largestLiveByteCount = 0

    init(_ temporaries: [Temporary], stepCount: Int) {
        offsets = [Int](repeating: 0, count: temporaries.count)
        let sizes = temporaries.map { ($0.byteCount.addingSaturated(Self.alignment - 1)) / Self.alignment * Self.alignment }
        // By their offsets.
        var placed: [Int] = []
        for number in temporaries.indices.sorted(by: { (sizes[$0], $1) > (sizes[$1], $0) }) {
            var offset = 0
            for other in placed where temporaries[other].life.overlaps(temporaries[number].life) {
                if offsets[other] >= offset.addingSaturated(sizes[number]) { break }
                offset = max(offset, offsets[other].addingSaturated(sizes[other]))
            }
            offsets[number] = offset
            placed.insert(number, at: placed.partitioningIndex { offsets[$0] > offset })
            byteCount = max(byteCount, offset.addingSaturated(sizes[number]))
        }
        var live = [Int](repeating: 0, count: stepCount + 1)
        for (number, temporary) in temporaries.enumerated() {
            live[temporary.life.lowerBound] = live[temporary.life.lowerBound].addingSaturated(sizes[number])
            live[temporary.life.upperBound + 1] = live[temporary.life.upperBound + 1].addingSaturated(-sizes[number])
        }
        var current = 0
        for change in live {
            current = current.addingSaturated(change)
            largestLiveByteCount = max(largestLiveByteCount, current)
        }
    }
}

extension Plan {
    init(_ emission: Emission, _ rootPlaces: [Int], updates: [GraphSnapshot.Update]) {
        var emission = emission
        let rootSlots = rootPlaces.map { emission.slot(ofRoot: $0) }
        steps = emission.steps
        offsets = emission.offsets
        let owners = emission.owners.map { emission.operations[$0] }
        var lives: [ClosedRange<Int>?] = owners.map { _ in nil }
        for (number, step) in steps.enumerated() {
            for operand in step.reads + step.writes {
                let life = lives[operand.slot] ?? number...number
                lives[operand.slot] = life.lowerBound...number
            }
        }
        placeOutputs(owners, rootSlots)
        placeTemporaries(owners, lives)
        for update in updates { allowOverwriting(update, rootSlots) }
        findCopies()
    }

    private mutating func placeOutputs(_ owners: [Operation], _ rootSlots: [Int]) {
        slots = owners.map { owner in
            if case .source(let place) = owner.kind { .source(place) } else { .temporary(byteOffset: 0, byteCount: owner.byteCount) }
        }
        for slot in rootSlots {
            if case .temporary(_, let byteCount) = slots[slot] {
                slots[slot] = .output(outputs.count)
                outputs.append(Output(byteCount: byteCount))
            }
            switch slots[slot] {
            case .output(let output): roots.append(.output(output))
            case .source(let source): roots.append(.source(source))
            case .temporary: programError("compile", "a root in the arena")
            }
        }
    }

    private mutating func placeTemporaries(_ owners: [Operation], _ lives: [ClosedRange<Int>?]) {
        var temporaries: [(slot: Int, value: MemoryPlan.Temporary)] = []
        for (slot, life) in lives.enumerated() {
            guard case .temporary(_, let byteCount) = slots[slot], let life else { continue }
            temporaries.append((slot, .init(byteCount: byteCount, life: life)))
        }
        let memory = MemoryPlan(temporaries.map(\.value), stepCount: steps.count)
        for (number, temporary) in temporaries.enumerated() {
            slots[temporary.slot] = .temporary(byteOffset: memory.offsets[number], byteCount: temporary.value.byteCount)
        }
        arenaByteCount = memory.byteCount
        largestLiveByteCount = memory.largestLiveByteCount
    }

    /// Lets a state's new version take the memory of its old one where every reader of the old is done by then: earlier steps,
    /// or the same map reading each element where it is written.
    private mutating func allowOverwriting(_ update: GraphSnapshot.Update, _ rootSlots: [Int]) {
        guard case .output(let output) = roots[update.root], case let source = update.source,
            !roots.contains(.source(source)), outputs[output].mayOverwrite == nil
        else { return }
        let (old, new) = (slots.firstIndex(of: .source(source)), rootSlots[update.root])
        guard let writer = steps.firstIndex(where: { $0.writes.contains { $0.slot == new } }) else { return }
        if let old {
            for (number, step) in steps.enumerated() where number >= writer {
                let reads = step.reads.filter { $0.slot == old }
                if reads.isEmpty { continue }
                guard number == writer, case .map = step, let target = step.writes.first(where: { $0.slot == new }),
                    step.writes.filter({ $0.slot == new }).count == 1, reads.allSatisfy({ $0.access == target.access && $0.dtype == target.dtype })
                else { return }
            }
        }
        outputs[output].mayOverwrite = source
    }

    private mutating func findCopies() {
        for (number, step) in steps.enumerated() {
            guard case .map(let nest) = step, nest.body.stores.count == 1, nest.body.loads.count == 1, nest.body.instructions.count == 1,
                case .source(let source) = slots[nest.body.loads[0].slot], case .output(let output) = slots[nest.body.stores[0].target.slot],
                nest.body.loads[0].access == nest.body.stores[0].target.access, outputs[output].mayOverwrite == source
            else { continue }
            copies[number] = (source, output)
        }
    }
}

extension Operation {
    var byteCount: Int { shape.count * dtype.byteCount }
}
