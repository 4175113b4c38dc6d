/// What a scan computes at each of its steps: a graph that is built once and run `count` times.
///
/// A step gets the states that the step before has left, and element t of each sequence. It gives the states for the next step; what it
/// computes besides may be stacked along a new first axis. Step t is the t-th, or with `isReversed` the t-th from the back, and results are
/// stacked where their elements came from.
public final class ScanBody: @unchecked Sendable {
    /// Where the value of a node comes from that a step does not compute.
    public enum Source: Hashable, Sendable {
        /// The state of an index, as the step before has left it.
        case state(Int)
        /// An element of a sequence.
        case sequence(Int)
        /// What is the same at every step.
        case invariant(Int)
    }

    /// A node of the graph.
    public struct Line: Sendable {
        /// The node itself; of a source it tells shape and dtype.
        public let node: Node
        /// The lines that it is computed from.
        public let inputs: [Int]
        /// Nil for what a step computes.
        public let source: Source?
    }

    /// Inputs first.
    public let lines: [Line]
    /// For each state the line that computes the next.
    public let nextStates: [Int]
    /// The number of steps, at least 1.
    public let count: Int
    /// Whether the last elements of sequences come first.
    public let isReversed: Bool
    /// How many states, sequences and invariants there are: the inputs of the node, in this order.
    public let stateCount, sequenceCount, invariantCount: Int
    private let lineOfNode: [ObjectIdentifier: Int]

    fileprivate init(_ lines: [Line], nextStates: [Int], count: Int, isReversed: Bool, sequenceCount: Int, invariantCount: Int) {
        (self.lines, self.nextStates, self.count, self.isReversed) = (lines, nextStates, count, isReversed)
        (stateCount, self.sequenceCount, self.invariantCount) = (nextStates.count, sequenceCount, invariantCount)
        lineOfNode = Dictionary(lines.enumerated().map { (ObjectIdentifier($1.node), $0) }) { first, _ in first }
    }

    /// The line of a node; nil where the graph has no such node.
    public func line(of node: Node) -> Int? { lineOfNode[ObjectIdentifier(node)] }

    /// Whether a step, or one of a scan within, computes a node from numbers alone, so that it is none of the inputs.
    public func computesFromNumbers(_ node: Node) -> Bool {
        if let line = line(of: node) { return isOfNumbers(line) }
        return lines.contains { line in
            if line.source == nil, case .scan(let inner) = line.node.primitive { inner.computesFromNumbers(node) } else { false }
        }
    }

    private func isOfNumbers(_ line: Int) -> Bool { lines[line].source == nil && lines[line].inputs.allSatisfy(isOfNumbers) }

    /// The shape of a result.
    public func shape(of result: NodeResult) -> Shape {
        switch result {
        case .state(let index): lines[nextStates[index]].node.shape
        case .stacked(let line): Shape([count] + lines[line].node.shape.dimensions)
        case .value: programError("scan", "a value that no scan has")
        }
    }

    /// The dtype of a result.
    public func dtype(of result: NodeResult) -> DType {
        switch result {
        case .state(let index): lines[nextStates[index]].node.dtype
        case .stacked(let line): lines[line].node.dtype
        case .value: programError("scan", "a value that no scan has")
        }
    }
}

/// Stands for the elements of a value that a step of a scan is given.
public final class ScanPlaceholder: Storage, @unchecked Sendable {}

extension Node {
    /// A value that a step of a scan is given.
    public static func scanPlaceholder(_ shape: Shape, _ dtype: DType, device: DeviceTag) -> Node {
        Node(storage: ScanPlaceholder(), shape: shape, dtype: dtype, device: device, traits: .insideScan)
    }

    /// A scan; its values are those of `scanResult`.
    ///
    /// What the body has from outside becomes an invariant, and random words that are drawn within it one draw for all steps.
    /// - Parameters:
    ///   - placeholders: what the body took for states and for elements of sequences.
    ///   - initial: the states before the first step, shaped as their placeholders.
    ///   - sequences: [count, …], an element shaped as its placeholder.
    ///   - nextStates: one for each state, of its shape and dtype.
    ///   - roots: other nodes that results will be asked of.
    ///   - draws: the counters of the random words that are drawn within the body; those of others are the same at every step.
    ///   - stacks: tells of a node that it is not to be computed by this body but is an element of a sequence.
    public static func scan(
        count: Int, isReversed: Bool, placeholders: (states: [Node], sequences: [Node]), initial: [Node], sequences: [Node], nextStates: [Node],
        roots: [Node], draws: [Node], device: DeviceTag, stacks: @escaping (Node) -> Node? = { _ in nil }
    ) -> Node {
        var builder = ScanBuilder(count, placeholders.states, placeholders.sequences, sequences, draws, stacks)
        builder.add(nextStates + roots)
        let body = ScanBody(
            builder.lines, nextStates: nextStates.map { builder.line(of: $0) }, count: count, isReversed: isReversed,
            sequenceCount: builder.sequences.count, invariantCount: builder.invariants.count)
        let own = body.lines.filter { $0.source == nil }.reduce(NodeTraits()) { $0.union($1.node.traits) }
        let ofSteps: NodeTraits = [.tracked, .modeQuestion, .insideScan]
        let traits = (nextStates + roots).reduce(own.intersection(.modeQuestion)) { $0.union($1.traits.subtracting(ofSteps)) }
        return Node(
            .scan(body), .many(initial + builder.sequences + builder.invariants), shape: .scalar, dtype: .float32, device: device,
            traits: traits)
    }

    /// One of the values that a scan leaves. Traps where `scan` is none.
    public static func scanResult(_ scan: Node, _ result: NodeResult) -> Node {
        guard case .scan(let body) = scan.primitive else { programError("scan", "a result of what is no scan") }
        return Node(.result(result), .one(scan), shape: body.shape(of: result), dtype: body.dtype(of: result), device: scan.device)
    }
}

/// Finds the lines of a body.
private struct ScanBuilder {
    private(set) var lines: [ScanBody.Line] = []
    private(set) var sequences: [Node]
    private(set) var invariants: [Node] = []
    private let count: Int
    private let draws: Set<ObjectIdentifier>
    private let stacks: (Node) -> Node?
    private var sources: [ObjectIdentifier: ScanBody.Source] = [:]
    private var lineOfNode: [ObjectIdentifier: Int] = [:]

    init(_ count: Int, _ states: [Node], _ elements: [Node], _ sequences: [Node], _ draws: [Node], _ stacks: @escaping (Node) -> Node?) {
        (self.count, self.sequences, self.stacks) = (count, sequences, stacks)
        self.draws = Set(draws.map { ObjectIdentifier($0) })
        for (index, node) in states.enumerated() { sources[ObjectIdentifier(node)] = .state(index) }
        for (index, node) in elements.enumerated() { sources[ObjectIdentifier(node)] = .sequence(index) }
    }

    func line(of node: Node) -> Int {
        guard let line = lineOfNode[ObjectIdentifier(node)] else { programError("scan", "a node without a line") }
        return line
    }

    /// How a node depends on the step.
    private enum Kind { case given, computed, free, outside }

    mutating func add(_ roots: [Node]) {
        // The links of nodes outside may be cut by whoever computes them; those below placeholders never are.
        let links = Node.lock.withLock { number in
            Node.topologicalOrder(of: roots, &number).map { (node: $0, inputs: $0.isComputed ? [] : $0.inputs.array, isComputed: $0.isComputed) }
        }
        var kinds: [ObjectIdentifier: Kind] = [:]
        var inputs: [ObjectIdentifier: [Node]] = [:]
        for (node, operands, isComputed) in links {
            let key = ObjectIdentifier(node)
            inputs[key] = operands
            kinds[key] = kind(node, isComputed, operands, operands.map { kinds[ObjectIdentifier($0)] ?? .outside })
        }
        // Only what a step needs is a line, each after its inputs.
        var stack = roots.reversed().map { (node: $0, isExpanded: false) }
        while let (node, isExpanded) = stack.popLast() {
            let key = ObjectIdentifier(node)
            if lineOfNode[key] != nil { continue }
            let isInside = kinds[key] == .computed || kinds[key] == .free
            if isInside && !isExpanded {
                stack.append((node, true))
                for input in (inputs[key] ?? []).reversed() { stack.append((input, false)) }
                continue
            }
            lineOfNode[key] = lines.count
            lines.append(
                ScanBody.Line(
                    node: node, inputs: isInside ? (inputs[key] ?? []).map { line(of: $0) } : [], source: isInside ? nil : source(node)))
        }
    }

    private mutating func kind(_ node: Node, _ isComputed: Bool, _ inputs: [Node], _ operands: [Kind]) -> Kind {
        let key = ObjectIdentifier(node)
        if sources[key] != nil { return .given }
        if let stack = stacks(node) {
            sources[key] = .sequence(sequences.count)
            sequences.append(stack)
            return .given
        }
        if isComputed { return .outside }
        if case .random = node.primitive, inputs.count == 3, draws.contains(ObjectIdentifier(inputs[2])) {
            sources[key] = .sequence(sequences.count)
            sequences.append(.random(Shape([count] + node.shape.dimensions), key0: inputs[0], key1: inputs[1], counter: inputs[2]))
            return .given
        }
        if operands.contains(where: { $0 == .given || $0 == .computed }) { return .computed }
        return operands.allSatisfy { $0 == .free } && node.primitive.isCheap ? .free : .outside
    }

    private mutating func source(_ node: Node) -> ScanBody.Source {
        let key = ObjectIdentifier(node)
        if let source = sources[key] { return source }
        sources[key] = .invariant(invariants.count)
        invariants.append(node)
        return .invariant(invariants.count - 1)
    }
}

extension Primitive {
    /// Whether a step had better compute it again than read it: numbers, and what is made of numbers alone.
    fileprivate var isCheap: Bool {
        switch self {
        case .constant, .range, .unary, .binary, .select, .cast, .reshape, .permute, .expand, .slice, .stopGradient: true
        default: false
        }
    }
}
