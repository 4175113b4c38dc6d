import SomaBackend
import SomaGraph

/// Turns clusters into steps, in an order in which each finds its operands ready.
///
/// Slots of the steps are numbers of `owners`: operations that have memory of their own.
struct Emission {
    let operations: [Operation]
    let clusterOf: [Int]
    let isOuter: [Bool]
    private(set) var steps: [Step] = []
    /// The place in `order` of each step's cluster.
    private(set) var clusterOfStep: [Int] = []
    /// Operations with memory of their own, by slot.
    private(set) var owners: [Int] = []
    private(set) var offsets: [Plan.Offset] = []
    private(set) var order: [Cluster]
    private var slotOf: [Int: Int] = [:]
    private(set) var isStored: [Bool]

    init(_ clustering: Clustering, roots: [Int], _ capabilities: Capabilities) {
        operations = clustering.operations
        isOuter = clustering.isOuter
        (order, clusterOf) = Self.ordered(clustering, roots, capabilities)
        isStored = Self.stored(operations, clusterOf, order, roots)
    }

    mutating func emit() {
        for (place, cluster) in order.enumerated() {
            guard let first = cluster.members.first, operations[first].isComputed, let step = step(cluster) else { continue }
            steps.append(step)
            clusterOfStep.append(place)
        }
    }

    /// The slot of a root, made if no step touches it (a source).
    mutating func slot(ofRoot place: Int) -> Int { slot(owner(of: place).place) }

    // MARK: Order

    /// Clusters after their predecessors; of those that are ready, one that frees more memory than it takes, as the gradient of a filter does,
    /// otherwise in the order in which the program named them. Those with too many operands are cut.
    private static func ordered(
        _ clustering: Clustering, _ roots: [Int], _ capabilities: Capabilities
    ) -> ([Cluster], [Int]) {
        var clusterOf = clustering.clusterOf
        let isRoot = Set(roots)
        var waiting: [Int: Int] = [:]
        var successors: [Int: [Int]] = [:]
        for key in clustering.clusters.keys {
            let predecessors = clustering.predecessors(key)
            waiting[key] = predecessors.count
            for predecessor in predecessors { successors[predecessor, default: []].append(key) }
        }
        var ready = Set(waiting.filter { $0.value == 0 }.keys)
        var order: [Cluster] = []
        var uses = MemoryUses(clustering, roots)
        while let key = uses.mostFreeing(ready) ?? ready.min() {
            ready.remove(key)
            uses.run(key)
            guard let cluster = clustering.clusters[key] else { continue }
            order += cut(cluster, clustering, isRoot, capabilities)
            for successor in successors[key] ?? [] {
                waiting[successor, default: 0] -= 1
                if waiting[successor] == 0 { ready.insert(successor) }
            }
        }
        for (number, cluster) in order.enumerated() { for member in cluster.members { clusterOf[member] = number } }
        return (order, clusterOf)
    }

    /// Halves a cluster until its operands fit a step. Members are in order, so the first half never waits for the second.
    private static func cut(_ cluster: Cluster, _ clustering: Clustering, _ isRoot: Set<Int>, _ capabilities: Capabilities) -> [Cluster] {
        let members = Set(cluster.members)
        let read = Set(cluster.members.flatMap { clustering.operations[$0].operands }.filter {
            !members.contains($0.base) && !clustering.operations[$0.base].isGenerator
        })
        let written = cluster.members.filter { place in
            let isRead = clustering.readers[place].contains { clustering.clusterOf[$0] >= 0 && !members.contains($0) }
            return isRead || isRoot.contains(place) || clustering.operations[place].placement != nil
        }
        guard read.count + written.count > capabilities.maximumOperands, cluster.members.count > 1 else { return [cluster] }
        let middle = cluster.members.count / 2
        return [cluster.members[..<middle], cluster.members[middle...]].flatMap { half in
            var part = cluster
            part.members = Array(half)
            let operations = half.map { clustering.operations[$0] }
            if part.kind == .product && !operations.contains(where: \.isProduct) { part.kind = .map }
            let walksInner = half.contains { !clustering.isOuter[$0] || clustering.operations[$0].isReduction }
            if !walksInner { part.domain.factors.removeAll(where: \.isInner) }
            return cut(part, clustering, isRoot, capabilities)
        }
    }

    /// What must be written to memory: roots, parts of assemblies, and what another step reads.
    private static func stored(_ operations: [Operation], _ clusterOf: [Int], _ order: [Cluster], _ roots: [Int]) -> [Bool] {
        var isStored = [Bool](repeating: false, count: operations.count)
        for root in roots { isStored[root] = true }
        func read(_ place: Int, by reader: Int) {
            for operand in operations[place].operands {
                if operations[operand.base].kind == .random {
                    read(operand.base, by: reader)
                } else if clusterOf[operand.base] != clusterOf[reader] {
                    isStored[operand.base] = true
                }
            }
        }
        for cluster in order { for member in cluster.members { read(member, by: member) } }
        for place in operations.indices where operations[place].placement != nil { isStored[place] = true }
        return isStored
    }

    // MARK: Memory

    /// The operation whose memory holds the elements of `place`, and where in it they begin.
    func owner(of place: Int) -> (place: Int, offset: Int, strides: [Int]) {
        let operation = operations[place]
        if let placement = operation.placement { return (placement.assembly, placement.offset, placement.strides) }
        switch operation.kind {
        case .scatterAdd, .updateSlice: return owner(of: operation.operands[0].base)
        default: return (place, 0, operation.shape.contiguousStrides)
        }
    }

    mutating func slot(_ owner: Int) -> Int {
        if let slot = slotOf[owner] { return slot }
        owners.append(owner)
        slotOf[owner] = owners.count - 1
        return owners.count - 1
    }

    mutating func operand(_ view: StridedView, strides: [Int]) -> Operand {
        let home = owner(of: view.base)
        return Operand(
            slot: slot(home.place), dtype: operations[view.base].dtype,
            access: Access(strides: strides, offset: home.offset, runtimeOffset: runtimeOffset(view)))
    }

    mutating func runtimeOffset(_ view: StridedView) -> Int? {
        guard !view.starts.isEmpty else { return nil }
        let offset = Plan.Offset(terms: view.starts)
        if let known = offsets.firstIndex(of: offset) { return known }
        offsets.append(offset)
        return offsets.count - 1
    }

    /// All of an operation's elements, contiguous.
    mutating func target(_ place: Int) -> Operand {
        let home = owner(of: place)
        return Operand(
            slot: slot(home.place), dtype: operations[place].dtype, access: Access(strides: home.strides, offset: home.offset))
    }

    // MARK: Steps

    private mutating func step(_ cluster: Cluster) -> Step? {
        if cluster.kind == .product { return product(cluster) }
        guard let place = cluster.members.first else { return nil }
        let operation = operations[place]
        if cluster.kind == .map || cluster.kind == .alone {
            switch operation.kind {
            case .elementwise, .reduce: return loops(cluster)
            default: break
            }
        }
        if operation.shape.count == 0 { return nil }
        switch operation.kind {
        case .matmul, .convolution: return product(cluster)
        case .pooling: return pooling(place)
        case .gather(let axis): return gather(place, axis)
        case .scatterAdd(let axis): return scatterAdd(place, axis)
        case .dynamicSlice, .updateSlice: return blockCopy(place)
        case .scan(let scan): return self.scan(place, scan)
        case .library(let library): return self.library(place, library)
        case .custom: return custom(place)
        default: return nil
        }
    }

    private mutating func loops(_ cluster: Cluster) -> Step? {
        guard cluster.domain.outerCount > 0 else { return nil }
        var builder = BodyBuilder(cluster: cluster, domain: cluster.domain)
        build(&builder)
        let nest = builder.nest.collapsed().fusingMultiplyAdds()
        guard cluster.domain.hasInner else {
            return cluster.domain.count == 0 ? nil : .map(nest)
        }
        let walks = BodyStages(nest).stages.count
        return walks > 1 ? .row(nest) : .reduce(nest)
    }

    private mutating func product(_ cluster: Cluster) -> Step? {
        guard let product = cluster.members.first(where: { operations[$0].isProduct }), let shape = operations[product].productShape,
            shape.count > 0
        else { return nil }
        let operation = operations[product]
        let geometry = MatmulGeometry(operation)
        let a = operand(operation.operands[0], strides: geometry?.a ?? operation.operands[0].strides)
        let b = operand(operation.operands[1], strides: geometry?.b ?? operation.operands[1].strides)
        var builder = BodyBuilder(cluster: cluster, domain: cluster.domain, epilogueShape: shape)
        build(&builder)
        let epilogue = LoopNest(outer: shape.dimensions, body: builder.body).fusingMultiplyAdds().body
        guard let geometry else { return convolution(operation, a, b, epilogue) }
        return .matmul(
            MatmulStep(batch: geometry.batch, m: geometry.m, n: geometry.n, k: geometry.k, a: a, b: b, epilogue: epilogue))
    }

    private mutating func gather(_ place: Int, _ axis: Int) -> Step {
        let operation = operations[place]
        let (x, indices) = (operation.operands[0], operation.operands[1])
        return .gather(
            GatherStep(
                outer: x.shape.dimensions[..<axis].reduce(1, *), extent: x.shape[axis],
                inner: x.shape.dimensions[(axis + 1)...].reduce(1, *), count: indices.shape.count,
                input: operand(x, strides: x.strides), indices: operand(indices, strides: indices.strides), output: target(place)))
    }

    private mutating func scatterAdd(_ place: Int, _ axis: Int) -> Step {
        let operation = operations[place]
        let (indices, updates) = (operation.operands[1], operation.operands[2])
        return .scatterAdd(
            ScatterAddStep(
                outer: operation.shape.dimensions[..<axis].reduce(1, *), extent: operation.shape[axis],
                inner: operation.shape.dimensions[(axis + 1)...].reduce(1, *), count: indices.shape.count,
                indices: operand(indices, strides: indices.strides), updates: operand(updates, strides: updates.strides),
                target: target(place)))
    }

    private mutating func blockCopy(_ place: Int) -> Step {
        let operation = operations[place]
        let movesSource = operation.kind == .dynamicSlice
        let whole = operation.operands[0]
        let block = movesSource ? operation.shape : operation.operands[1].shape
        let starts = operation.operands[movesSource ? 1 : 2]
        let limits = zip(whole.shape.dimensions, block.dimensions).map { $0 - $1 }
        let home = owner(of: place)
        let source = movesSource ? whole : operation.operands[1]
        return .blockCopy(
            BlockCopyStep(
                extents: block.dimensions, source: operand(source, strides: source.strides), target: target(place),
                starts: operand(starts, strides: starts.strides), limits: limits,
                startStrides: movesSource ? whole.strides : home.strides, movesSource: movesSource))
    }

    private mutating func scan(_ place: Int, _ scan: ScanPlan) -> Step {
        let (body, operation) = (scan.body, operations[place])
        let operands = operation.operands.map { operand($0, strides: $0.strides) }
        let targets = operation.results.map { target($0) }
        func byteCount(_ line: Int) -> Int { body.lines[line].node.shape.count * body.lines[line].node.dtype.byteCount }
        let sources = body.lines.indices.filter { body.lines[$0].source != nil }
        let roots = body.nextStates + scan.stacked
        let slots = scan.plan.slots.map { slot -> ScanStep.Slot in
            switch slot {
            case .temporary(let byteOffset, _): return .temporary(byteOffset: byteOffset)
            case .source(let number):
                let line = sources[number]
                switch body.lines[line].source {
                case .state(let index): return .state(index)
                case .sequence(let index): return .element(operands[body.stateCount + index], byteStride: byteCount(line))
                case .invariant(let index):
                    return .invariant(operands[body.stateCount + body.sequenceCount + index], byteCount: byteCount(line))
                case nil: programError("compile", "a source that a scan computes")
                }
            case .output(let number):
                guard let root = scan.plan.roots.firstIndex(of: .output(number)) else { programError("compile", "an output of nothing") }
                return root < body.stateCount ? .nextState(root) : .element(targets[root], byteStride: byteCount(roots[root]))
            }
        }
        let firstOffset = offsets.count
        offsets += scan.plan.offsets
        let states = zip(scan.workspace.states, 0...).map { place, index in
            ScanStep.State(initial: operands[index], final: targets[index], firstByteOffset: place.first, secondByteOffset: place.second)
        }
        return .scan(ScanStep(
            count: body.count, isReversed: body.isReversed, body: scan.plan.steps, slots: slots, states: states, workspace: target(place),
            firstOffset: firstOffset))
    }

    private mutating func custom(_ place: Int) -> Step? {
        let operation = operations[place]
        guard let kernel = operation.customOperation else { return nil }
        return .custom(
            CustomStep(
                operation: kernel, inputs: operation.operands.map { operand($0, strides: $0.strides) },
                inputShapes: operation.operands.map(\.shape), output: target(place), outputShape: operation.shape))
    }
}
