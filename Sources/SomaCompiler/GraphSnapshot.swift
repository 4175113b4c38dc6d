import SomaGraph

/// A graph as plain data, and the key under which its compiled program is remembered.
///
/// The key holds everything a program depends on. Values of constants, starts of slices, and which buffers lie at the sources are left out: they are
/// read anew for each run.
public struct GraphSnapshot {
    /// A node as plain data.
    public struct Entry {
        /// What it computes from its inputs.
        public var primitive: Primitive
        /// Indices of the inputs among the entries; empty for what is computed already.
        public var inputs: [Int]
        /// The extents of the value.
        public var shape: Shape
        /// The type of its elements.
        public var dtype: DType
        /// Whether the value lies in memory, so that the node is a source here.
        public var isComputed: Bool
    }

    /// Equal for graphs that one program serves.
    public private(set) var key: GraphKey
    /// The nodes in order; held for `entries` and for reading sources.
    public let nodes: [Node]
    /// Indices of the roots in `nodes`.
    public let roots: [Int]
    /// New versions of states and the sources that hold their old ones.
    public let updates: [Update]
    /// Indices of the sources in `nodes`, ascending.
    public private(set) var sources: [Int] = []
    private let numbers: Numbers
    /// The constants in order, those within scans among them.
    public var constants: [Node] { numbers.constants }
    /// Their bits.
    public var scalars: [UInt64] { numbers.scalars }
    /// Starts of the slices, in order.
    public var starts: [Int] { numbers.starts }
    /// Whether some node can no longer be computed, because a run that had already released its inputs failed.
    public private(set) var hasLostNodes = false

    /// What is read anew for each run.
    private struct Numbers {
        var constants: [Node] = []
        var scalars: [UInt64] = []
        var starts: [Int] = []

        mutating func take(from node: Node) {
            if case .slice(let begin, _) = node.primitive { starts += begin }
            guard case .constant(let value) = node.primitive else { return }
            constants.append(node)
            scalars.append(value.bits)
        }
    }

    /// A new version of a state.
    public struct Update: Hashable, Sendable {
        /// The index among the roots.
        public var root: Int
        /// The index among the sources.
        public var source: Int
    }

    /// Takes the graph below `roots`. The caller holds `Node.lock` and passes its content.
    /// - Parameter states: for each root the source node whose state it is a new version of, if it is one.
    public init(roots rootNodes: [Node], states: [Node?] = [], _ number: inout TraversalNumber) {
        let nodes = Node.topologicalOrder(of: rootNodes, &number)
        var words: [UInt64] = []
        words.reserveCapacity(nodes.count * 3 + rootNodes.count + 4)
        self.nodes = nodes
        var lastShape = Shape.scalar
        var sources: [Int] = []
        var numbers = Numbers()
        for (place, node) in nodes.enumerated() {
            var head = UInt64(node.dtype.rawValue) << 8
            if node.isComputed {
                sources.append(place)
            } else {
                if node.isCut { hasLostNodes = true }
                head |= Self.code(of: node.primitive, &words, &numbers)
                numbers.take(from: node)
                Self.append(node.inputs, to: &words)
            }
            if node.shape != lastShape {
                lastShape = node.shape
                head |= 1 << 16 | UInt64(node.shape.rank) << 20
                for extent in node.shape.dimensions { words.append(UInt64(extent)) }
            }
            words.append(head)
        }
        roots = rootNodes.map(\.placeInOrder)
        for root in roots { words.append(UInt64(root)) }
        var updates: [Update] = []
        for (root, state) in states.enumerated() {
            guard let state, state.isComputed, let place = sources.firstIndex(where: { nodes[$0] === state }) else { continue }
            updates.append(Update(root: root, source: place))
            words.append(UInt64(root) << 32 | UInt64(place))
        }
        words.append(UInt64(roots.count))
        (self.updates, self.sources, self.numbers) = (updates, sources, numbers)
        key = GraphKey(words)
    }

    /// The nodes as plain data; needed only to compile. Call with the lock held since the snapshot was taken.
    public func entries() -> [Entry] {
        var places: [ObjectIdentifier: Int] = [:]
        for (place, node) in nodes.enumerated() { places[ObjectIdentifier(node)] = place }
        return nodes.map { node in
            Entry(
                primitive: node.primitive,
                inputs: node.isComputed ? [] : node.inputs.array.compactMap { places[ObjectIdentifier($0)] },
                shape: node.shape, dtype: node.dtype, isComputed: node.isComputed)
        }
    }

    private static func append(_ inputs: NodeInputs, to words: inout [UInt64]) {
        switch inputs {
        case .none: break
        case .one(let a): words.append(UInt64(a.placeInOrder))
        case .two(let a, let b): words.append(UInt64(a.placeInOrder) << 32 | UInt64(b.placeInOrder))
        default:
            let nodes = inputs.array
            words.append(UInt64(nodes.count))
            for node in nodes { words.append(UInt64(node.placeInOrder)) }
        }
    }

    /// The structure of a scan's body goes to `words`, and what is read anew to `numbers`.
    private static func append(_ body: ScanBody, to words: inout [UInt64], _ numbers: inout Numbers) {
        words += [body.count, body.isReversed ? 1 : 0, body.sequenceCount, body.invariantCount].map { UInt64($0) }
        for line in body.lines {
            switch line.source {
            case .state(let index): words.append(1 | UInt64(index) << 8)
            case .sequence(let index): words.append(2 | UInt64(index) << 8)
            case .invariant(let index): words.append(3 | UInt64(index) << 8)
            case nil:
                let code = code(of: line.node.primitive, &words, &numbers)
                words.append(code << 8 | code >> 56)
                numbers.take(from: line.node)
            }
            words += [UInt64(line.node.dtype.rawValue), UInt64(line.node.shape.rank), UInt64(line.inputs.count)]
            words += (line.node.shape.dimensions + line.inputs).map { UInt64($0) }
        }
        words += (body.nextStates + [body.lines.count]).map { UInt64($0) }
    }

    /// A number for the primitive; what it carries besides goes to `words`, and what is read anew to `numbers`.
    private static func code(of primitive: Primitive, _ words: inout [UInt64], _ numbers: inout Numbers) -> UInt64 {
        func list(_ code: UInt64, _ numbers: [Int]) -> UInt64 {
            words.append(UInt64(numbers.count))
            for number in numbers { words.append(UInt64(bitPattern: Int64(number))) }
            return code
        }
        switch primitive {
        case .buffer: return 1
        case .constant: return 2
        case .range: return 3
        case .random: return 4
        case .unary(let function): return 5 | UInt64(function.rawValue) << 32
        case .binary(let function): return 6 | UInt64(function.rawValue) << 32
        case .select: return 7
        case .cast: return 8
        case .reshape: return 9
        case .permute(let axes): return list(10, axes)
        case .expand: return 11
        case .slice(_, let steps): return list(12, steps)
        case .pad(let before): return list(13, before)
        case .concatenate(let axis): return list(14, [axis])
        case .contiguous: return 15
        case .dynamicSlice: return 16
        case .updateSlice: return 17
        case .reduce(let operation, let axes): return list(18, axes) | UInt64(operation.rawValue) << 32
        case .matmul: return 19
        case .gather(let axis): return list(20, [axis])
        case .scatterAdd(let axis): return list(21, [axis])
        case .custom(let operation): return list(22, [ObjectIdentifier(operation).hashValue])
        case .customGradient: return 23
        case .stopGradient: return 24
        case .deviceCopy: return 25
        case .window(let axis, let step, let dilation): return list(26, [axis, step, dilation])
        case .fold(let axis, let step, let dilation): return list(27, [axis, step, dilation])
        case .library(let operation): return list(28, operation.words)
        case .scan(let body):
            append(body, to: &words, &numbers)
            return 29
        case .result(.state(let index)): return 30 | UInt64(index) << 32
        case .result(.stacked(let line)): return 31 | UInt64(line) << 32
        case .result(.value(let index)): return 32 | UInt64(index) << 32
        }
    }
}

/// The structure of a graph, comparable in one pass over memory.
public struct GraphKey: Hashable, Sendable {
    private let words: [UInt64]
    private let mixed: UInt64

    init(_ words: [UInt64]) {
        self.words = words
        var hash: UInt64 = 0x9E37_79B9_7F4A_7C15
        for word in words {
            let product = (hash ^ word).multipliedFullWidth(by: 0xD6E8_FEB8_6659_FD93)
            hash = product.high ^ product.low
        }
        mixed = hash
    }

    public static func == (a: GraphKey, b: GraphKey) -> Bool { a.mixed == b.mixed && a.words == b.words }
    public func hash(into hasher: inout Hasher) { hasher.combine(mixed) }
}
