import SomaBackend
import SomaGraph

/// What the compiler made of a graph and why: the values it computes, the steps they became, what keeps two steps apart, and memory.
public struct GraphExplanation: Sendable {
    /// A value of the graph once views are resolved: in memory, computed by a step on the way, or known to the host.
    public struct Value: Sendable {
        /// The number by which other values name it as an operand.
        public let number: Int
        /// What it is, with the numbers of its operands.
        public let text: String
        /// The extents of the value.
        public let shape: Shape
        /// The type of its elements.
        public let dtype: DType
        /// The steps that compute it: one as a rule, for random words and ranges every step that reads them, and none for what the host provides.
        public let steps: [Int]
        /// How it sees its operands.
        public let reads: [Read]
        /// What the parts of a source are called, in their order.
        public let names: [SourceName]
        /// What the host provides, in the run that was explained.
        public let scalar: Scalar?
    }

    /// A step, and what it computes.
    public struct FusedStep: Sendable {
        /// The step as the backend gets it.
        public let step: Step
        /// The numbers of the values that it computes.
        public let values: [Int]
    }

    /// Values that one step writes to memory for another to read.
    public struct Boundary: Sendable {
        /// Numbers of the step that writes and of the one that reads.
        public let from, to: Int
        /// Numbers of the values that pass from one to the other.
        public let values: [Int]
        /// Bytes of these values.
        public let byteCount: Int
        /// Why the two are not one.
        public let reason: String
    }

    /// Where a value lies while steps run.
    public struct Memory: Sendable {
        /// The number of the value.
        public let value: Int
        /// Where its elements are: a source, an output, or a part of the arena.
        public let slot: Plan.Slot
        /// Bytes of the value.
        public let byteCount: Int
        /// The first and last step that touch it.
        public let life: ClosedRange<Int>
    }

    /// Everything that the results need, operands before what is made of them.
    public private(set) var values: [Value] = []
    /// The steps in the order in which they run.
    public private(set) var steps: [FusedStep] = []
    /// By the number of the writing step, then by that of the reading one.
    public private(set) var boundaries: [Boundary] = []
    /// In the order in which they are first touched.
    public private(set) var memory: [Memory] = []
    /// Bytes of the memory for temporaries, and the most that are in use at one step.
    public let arenaByteCount, largestLiveByteCount: Int

    /// Compiles a graph once more, from the entries that were taken with its snapshot.
    public init(_ snapshot: GraphSnapshot, _ entries: [GraphSnapshot.Entry], _ capabilities: Capabilities, names: [SourceName] = []) {
        let lowering = Lowering(entries, roots: snapshot.roots, capabilities)
        let clustering = Clustering(lowering, capabilities)
        var emission = Emission(clustering, roots: lowering.roots, capabilities)
        emission.emit()
        let plan = Plan(emission, lowering.roots, updates: snapshot.updates)
        (arenaByteCount, largestLiveByteCount) = (plan.arenaByteCount, plan.largestLiveByteCount)
        let stepOf = Dictionary(emission.clusterOfStep.enumerated().map { ($1, $0) }) { first, _ in first }
        let step = { (place: Int) in emission.clusterOf[place] < 0 ? nil : stepOf[emission.clusterOf[place]] }
        let places = Self.reached(lowering)
        let readers = Self.readers(places, lowering.operations)
        for place in places {
            let operation = lowering.operations[place]
            let steps = operation.isMadeWhereRead ? Set(readers[place, default: []].compactMap(step)).sorted() : step(place).map { [$0] } ?? []
            let reads = operation.operands.map { Read($0, of: lowering.operations[$0.base], starts: snapshot.starts, names) }
            values.append(Value(place, operation, steps, reads, names, scalars: snapshot.scalars))
        }
        steps = plan.steps.enumerated().map { number, step in
            FusedStep(step: step, values: values.filter { $0.steps.contains(number) }.map(\.number))
        }
        explainBoundaries(clustering, emission, step)
        listMemory(plan, emission)
    }

    /// Everything that the roots need, operands first.
    private static func reached(_ lowering: Lowering) -> [Int] {
        var seen = Set(lowering.roots)
        var pending = lowering.roots
        while let place = pending.popLast() {
            let needed = lowering.operations[place].operands.map(\.base) + lowering.operations[place].after
            pending += needed.filter { seen.insert($0).inserted }
        }
        return seen.sorted()
    }

    /// The operations that read each.
    private static func readers(_ places: [Int], _ operations: [Operation]) -> [Int: [Int]] {
        var readers: [Int: [Int]] = [:]
        for reader in places { for operand in operations[reader].operands { readers[operand.base, default: []].append(reader) } }
        return readers
    }

    private mutating func explainBoundaries(_ clustering: Clustering, _ emission: Emission, _ step: (Int) -> Int?) {
        var found: [[Int]: (values: [Int], reason: String)] = [:]
        for reader in values.map(\.number) {
            guard let to = step(reader) else { continue }
            for base in Set(clustering.operations[reader].operands.map(\.base)).sorted() {
                for writer in Self.writers(base, clustering.operations) {
                    guard let from = step(writer), from != to else { continue }
                    let reason = Self.reason(base, reader, clustering)
                    found[[from, to], default: ([], reason)].values.append(writer)
                }
            }
        }
        boundaries = found.sorted { $0.key.lexicographicallyPrecedes($1.key) }.map { key, boundary in
            let values = Set(boundary.values).sorted()
            let bytes = values.reduce(0) { $0 + clustering.operations[$1].byteCount }
            return Boundary(from: key[0], to: key[1], values: values, byteCount: bytes, reason: boundary.reason)
        }
    }

    /// The operations whose steps write what lies at `place`.
    private static func writers(_ place: Int, _ operations: [Operation]) -> [Int] {
        guard operations[place].kind == .assembly else { return [place] }
        return operations[place].operands.map(\.base) + operations.indices.filter { operations[$0].placement?.assembly == place }
    }

    private static func reason(_ base: Int, _ reader: Int, _ clustering: Clustering) -> String {
        if clustering.operations[base].kind == .assembly { return "its parts are put together in memory" }
        let (a, b) = (clustering.clusterOf[base], clustering.clusterOf[reader])
        if a == b { return "together they read and write more operands than a step may have" }
        // Neighbours are tried until none becomes one; what single numbers make, when they are put together after that, is not tried again.
        return clustering.refusal(between: a, and: b)?.description
            ?? "single numbers are put together last, and only then did these become neighbours that could be one"
    }

    private mutating func listMemory(_ plan: Plan, _ emission: Emission) {
        var lives: [Int: ClosedRange<Int>] = [:]
        for (number, step) in plan.steps.enumerated() {
            for operand in step.reads + step.writes { lives[operand.slot] = (lives[operand.slot]?.lowerBound ?? number)...number }
        }
        memory = lives.map { slot, life in
            let owner = emission.owners[slot]
            return Memory(value: owner, slot: plan.slots[slot], byteCount: emission.operations[owner].byteCount, life: life)
        }.sorted { ($0.life.lowerBound, $0.value) < ($1.life.lowerBound, $1.value) }
    }
}

extension GraphExplanation.Value {
    fileprivate init(
        _ place: Int, _ operation: Operation, _ steps: [Int], _ reads: [GraphExplanation.Read], _ names: [GraphExplanation.SourceName],
        scalars: [UInt64]
    ) {
        (number, shape, dtype, self.steps, self.reads) = (place, operation.shape, operation.dtype, steps, reads)
        var text = operation.name
        var (own, scalar): ([GraphExplanation.SourceName], Scalar?) = ([], nil)
        switch operation.kind {
        case .source(let source):
            own = names.filter { $0.source == source }.sorted { $0.offset < $1.offset }
            if let first = own.first, let last = own.last { text += ": " + (own.count == 1 ? first.name : "\(first.name) to \(last.name)") }
        case .scalar(let number):
            let value = Scalar(bits: scalars[number], dtype: operation.dtype)
            scalar = value
            text += " = \(value.text)"
        default: if !reads.isEmpty { text += " of " + reads.map(\.text).joined(separator: ", ") }
        }
        (self.text, self.names, self.scalar) = (text, own, scalar)
    }
}

extension Scalar {
    fileprivate var text: String {
        switch dtype {
        case .float32: "\(Float(double))"
        case .bool: "\(double != 0)"
        case .int32, .uint32, .int64, .uint8: "\(Int(double))"
        }
    }
}

extension Operation {
    /// Whether each step that needs it computes it anew.
    fileprivate var isMadeWhereRead: Bool {
        switch kind {
        case .range, .random: true
        default: false
        }
    }

    fileprivate var name: String {
        switch kind {
        case .source(let number): "source \(number)"
        case .scalar(let number): "scalar \(number)"
        case .range: "range"
        case .random: "random words"
        case .elementwise(.unary(let function)): "\(function)"
        case .elementwise(.binary(let function)): "\(function)"
        case .elementwise(.select): "select"
        case .elementwise(.cast): "cast"
        case .elementwise(.copy): "copy"
        case .reduce(let function, let axes): "\(function) along axes \(axes)"
        case .matmul: "matmul"
        case .convolution(.forward, _, _, _): "convolution"
        case .convolution(.inputGradient, _, _, _): "convolution's input gradient"
        case .convolution(.filterGradient, _, _, _): "convolution's filter gradient"
        case .pooling(let function, let isGradient, _, _): "\(function) pooling\(isGradient ? "'s gradient" : "")"
        case .gather(let axis): "gather along axis \(axis)"
        case .scatterAdd(let axis): "scatter-add along axis \(axis)"
        case .dynamicSlice: "dynamic slice"
        case .updateSlice: "updated slice"
        case .scan(let scan): "scan of \(scan.body.count)"
        case .library(let operation): operation.name
        case .result(.state(let index)): "state \(index) of a scan"
        case .result(.stacked): "stacked by a scan"
        case .result(.value(let index)): "result \(index)"
        case .custom: customOperation?.name ?? "custom kernel"
        case .assembly: "parts"
        }
    }
}
