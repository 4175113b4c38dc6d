import Synchronization

/// The inputs of a node. Up to three lie inside the node, so that making one costs a single allocation.
public enum NodeInputs: Sendable {
    /// No input: a source.
    case none
    /// The input of a unary function, a view or a reduction.
    case one(Node)
    /// Two inputs, in the order that the primitive gives.
    case two(Node, Node)
    /// Three inputs, in the order that the primitive gives.
    case three(Node, Node, Node)
    /// Any number of inputs, in an array of their own.
    case many([Node])

    /// The number of inputs.
    public var count: Int {
        switch self {
        case .none: 0
        case .one: 1
        case .two: 2
        case .three: 3
        case .many(let nodes): nodes.count
        }
    }

    /// The input at an index from 0. Traps where there is none.
    public subscript(index: Int) -> Node {
        switch (self, index) {
        case (.one(let a), 0), (.two(let a, _), 0), (.three(let a, _, _), 0): return a
        case (.two(_, let b), 1), (.three(_, let b, _), 1): return b
        case (.three(_, _, let c), 2): return c
        case (.many(let nodes), _): return nodes[index]
        default: programError("NodeInputs", "input \(index) of \(count)")
        }
    }

    /// Calls `body` with each input in order, without making an array.
    @inlinable public func forEach(_ body: (Node) -> Void) {
        switch self {
        case .none: break
        case .one(let a): body(a)
        case .two(let a, let b): body(a); body(b)
        case .three(let a, let b, let c): body(a); body(b); body(c)
        case .many(let nodes): for node in nodes { body(node) }
        }
    }

    /// The inputs as an array, which is made anew with each call.
    public var array: [Node] {
        var result: [Node] = []
        forEach { result.append($0) }
        return result
    }
}

/// Memory that holds the elements of a node; backends subclass it.
open class Storage: @unchecked Sendable {
    /// Called by subclasses; storage of this class itself holds no elements.
    public init() {}
}

/// An opaque name of the device a node belongs to. The graph only compares it.
public typealias DeviceTag = UInt16

/// One value of the graph: a primitive, its inputs, a shape and a dtype. Making a node computes nothing.
///
/// What is computed of a node (`storage`) and what is released of it (`inputs`) changes when a program is run; every reader and writer
/// of these holds `Node.lock`. Everything else never changes.
public final class Node: @unchecked Sendable {
    /// What it computes, or what kind of source it is.
    public let primitive: Primitive
    /// The extents of the value, fixed when the node is made.
    public let shape: Shape
    /// The type of the elements, fixed when the node is made.
    public let dtype: DType
    /// The device that computes the value and holds it.
    public let device: DeviceTag
    /// What is known of everything upstream.
    public let traits: NodeTraits
    /// Whether a trainable parameter lies upstream.
    public var isTracked: Bool { traits.contains(.tracked) }
    /// Whether inputs were released when the value was computed: there is no graph left to differentiate.
    public var isCut: Bool { origins != nil }
    /// What a value was computed from whose inputs were released.
    @exclusivity(unchecked) public private(set) var origins: Origins?
    /// Tells sources in memory apart, also after they are gone; 0 for all other nodes.
    let number: UInt64
    /// Whether its elements were put into memory by the host, and not computed.
    public var isSource: Bool { number != 0 }
    /// The longest path to a source or to a computed node: tells when a graph grows too long to stay pending.
    public var depth: Int { Int(pendingDepth.load(ordering: .relaxed)) }
    private let pendingDepth: Atomic<Int32>
    /// The longest path of nodes that releasing this one may release: bounds recursion.
    private let height: Atomic<Int32>

    /// What the primitive computes from; `.none` for a source, and once they were released.
    @exclusivity(unchecked) public private(set) var inputs: NodeInputs
    /// The elements, once computed.
    @exclusivity(unchecked) public private(set) var storage: Storage?

    /// Scratch of one traversal: the traversal's number and this node's place in it.
    @exclusivity(unchecked) var visit: UInt32 = 0
    @exclusivity(unchecked) var position: Int32 = 0

    /// Held while computed values and links of the graph are read or changed.
    public static let lock = Mutex(TraversalNumber())

    /// A node that is to be computed. Shapes, dtypes and devices are not checked here: the functions of `Node+Primitives.swift` do that.
    /// It inherits the traits of its inputs.
    /// - Parameter isTracked: whether it counts as a trainable parameter and takes `traits`; without it they are ignored.
    public init(
        _ primitive: Primitive, _ inputs: NodeInputs, shape: Shape, dtype: DType, device: DeviceTag, isTracked: Bool = false,
        traits: NodeTraits = []
    ) {
        self.primitive = primitive
        self.inputs = inputs
        self.shape = shape
        self.dtype = dtype
        self.device = device
        number = 0
        var upstream = Upstream()
        switch inputs {
        case .none: break
        case .one(let a): upstream.meet(a)
        case .two(let a, let b):
            upstream.meet(a)
            upstream.meet(b)
        case .three(let a, let b, let c):
            upstream.meet(a)
            upstream.meet(b)
            upstream.meet(c)
        case .many(let nodes): for node in nodes { upstream.meet(node) }
        }
        pendingDepth = Atomic(upstream.depth &+ 1)
        height = Atomic(upstream.height &+ 1)
        var inherited = upstream.traits.subtracting(.modeQuestion)
        if case .stopGradient = primitive { inherited.remove(.modeUnsaid) }
        self.traits = inherited.union(isTracked ? traits.union(.tracked) : traits)
    }

    /// What a new node learns of its inputs. A local function would do, but its captured variables cost 100 ns a node.
    private struct Upstream {
        var depth: Int32 = 0
        var height: Int32 = 0
        var traits: NodeTraits = []

        @inline(__always)
        mutating func meet(_ input: Node) {
            depth = max(depth, input.pendingDepth.load(ordering: .relaxed))
            height = max(height, input.height.load(ordering: .relaxed))
            traits.formUnion(input.traits)
        }
    }

    /// A source whose elements lie in memory.
    public init(
        storage: Storage, shape: Shape, dtype: DType, device: DeviceTag, isTracked: Bool = false, traits: NodeTraits = []
    ) {
        primitive = .buffer
        inputs = .none
        self.shape = shape
        self.dtype = dtype
        self.device = device
        self.storage = storage
        self.traits = isTracked ? traits.union(.tracked) : traits
        number = Origins.newNumber()
        pendingDepth = Atomic(0)
        height = Atomic(0)
    }

    /// Records the computed elements. Call with `lock` held.
    public func complete(with storage: Storage) {
        self.storage = storage
        pendingDepth.store(0, ordering: .relaxed)
    }

    /// Releases the inputs, and with them all that only they held: the value is about to be computed, and no gradient will be
    /// taken through it. Call with `lock` held and drop what is returned outside of it.
    /// - Parameter origins: the sources below the node.
    public func cut(_ origins: Origins) -> NodeInputs {
        if case .buffer = primitive { return .none }
        height.store(0, ordering: .relaxed)
        let released = inputs
        inputs = .none
        // Through this one no gradient would have passed.
        if case .stopGradient = primitive { self.origins = Origins(of: []) } else { self.origins = origins }
        return released
    }

    /// Whether nothing but this node holds the elements, so that they may be overwritten when nothing holds the node.
    /// Call with `lock` held.
    public func holdsStorageAlone() -> Bool { isKnownUniquelyReferenced(&storage) }

    /// Whether the value lies in memory.
    public var isComputed: Bool { storage != nil }

    deinit {
        // A low graph is released by recursion; a high one would overflow the stack.
        guard isHigh else { return }
        var pending: [Node] = []
        inputs.forEach { pending.append($0) }
        inputs = .none
        while var node = pending.popLast() {
            guard node.isHigh, isKnownUniquelyReferenced(&node) else { continue }
            node.inputs.forEach { pending.append($0) }
            node.inputs = .none
        }
    }

    private var isHigh: Bool { height.load(ordering: .relaxed) > 512 }
}
