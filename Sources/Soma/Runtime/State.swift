import SomaBackend
import SomaGraph
import Synchronization

/// A tensor that changes from step to step: parameters, moments, running statistics.
///
/// It is a versioned cell. `assign` makes a new version, whose computation is pending until an update; who holds a tensor of an older
/// version keeps seeing that one.
public final class State: Sendable {
    private struct Contents {
        /// The newest version, as long as it is not known to lie in memory.
        var pending: Node?
        /// The newest version that lies in memory; the next may overwrite it.
        var memory: Node?
        /// Parts of the newest version, so that a part asked for twice is one node.
        var views: [View: Tensor] = [:]
        /// What is known of the newest version, however it was computed.
        var traits: NodeTraits = []
    }

    /// Which part of a state.
    struct View: Hashable {
        var offset: Int
        var shape: Shape

        /// The part of `node`, one node for all who ask.
        func tensor(of node: Node, known: inout [View: Tensor]) -> Tensor {
            if offset == 0 && shape == node.shape { return Tensor(node: node) }
            if let view = known[self] { return view }
            let flat = Node.reshape(node, to: [node.shape.count])
            let part = Node.slice(flat, starts: [offset], counts: [shape.count], steps: [1])
            let view = Tensor(node: .reshape(part, to: shape))
            known[self] = view
            return view
        }
    }

    /// The extents, which never change.
    public let shape: Shape
    /// The type of the elements, which never changes.
    public let dtype: DType
    /// Where it lives, always.
    public let device: Device
    private let isTracked: Bool
    private let contents: Mutex<Contents>
    /// States are written in the order in which they were made, so that the same program gives the same structure.
    let serial: Int
    private static let serials = Atomic<Int>(0)

    /// A state of the shape, dtype and device of `value`, which is computed when it is first needed.
    /// - Parameter isTracked: whether gradients are taken with respect to it, as with a parameter.
    public init(_ value: Tensor, isTracked: Bool = false) {
        (shape, dtype, device) = (value.shape, value.dtype, value.device)
        self.isTracked = isTracked
        serial = Self.serials.wrappingAdd(1, ordering: .relaxed).newValue
        contents = Mutex(Contents(pending: value.node, traits: value.node.traits.lasting))
    }

    /// The newest version.
    public var tensor: Tensor {
        if let capture = Capture.current { return Tensor(node: capture.value(of: self)) }
        return contents.withLock { Tensor(node: newest(&$0)) }
    }

    /// Part of the newest version, from element `offset` on; the same node each time.
    func view(offset: Int, shape: Shape) -> Tensor {
        let view = View(offset: offset, shape: shape)
        if let capture = Capture.current { return capture.view(of: self, view) }
        return contents.withLock { contents in
            let node = newest(&contents)
            return view.tensor(of: node, known: &contents.views)
        }
    }

    /// Makes `value` the newest version. It is computed with the next update on its device by this task (or this thread outside of any task),
    /// or when it is read.
    ///
    /// In a captured step it becomes the state's value at each replay. Traps where it is a value of the steps of a `scan`, of which there is one for
    /// each.
    public func assign(_ value: Tensor, file: StaticString = #fileID, line: UInt = #line) {
        guard value.shape == shape, value.dtype == dtype, value.device == device else {
            programError(
                "assign", "\(value.dtype) \(value.shape) to a state of \(dtype) \(shape), or of another device", file: file, line: line)
        }
        if value.node.traits.contains(.insideScan) {
            programError(
                "assign", "a value inside of a scan to a state, as BatchNorm does in training: let the body give it as an output or a state",
                file: file, line: line)
        }
        if let capture = Capture.current { return capture.assign(value.node, to: self) }
        contents.withLock { contents in
            // A pending version that was never computed must not be lost as the base of the new one; the graph holds it.
            contents.pending = value.node
            contents.views = [:]
            contents.traits = value.node.traits.lasting
        }
        device.executor.note(pending: self)
    }

    /// The newest version; one that lies in memory by now becomes a source of its own, which holds nothing of its graph.
    private func newest(_ contents: inout Contents) -> Node {
        if let pending = contents.pending, let storage = pending.elements { adopt(storage, &contents) }
        if let pending = contents.pending { return pending }
        guard let memory = contents.memory else { programError("state", "no version") }
        return memory
    }

    private func adopt(_ storage: Storage, _ contents: inout Contents) {
        contents.pending = nil
        contents.views = [:]
        if contents.memory?.elements === storage { return }
        contents.memory = source(storage, contents)
    }

    private func source(_ storage: Storage, _ contents: borrowing Contents) -> Node {
        Node(storage: storage, shape: shape, dtype: dtype, device: device.tag, isTracked: isTracked, traits: contents.traits)
    }

    // MARK: For the executor

    /// The newest version, and the one in memory that it may overwrite.
    var versions: (old: Node?, new: Node) {
        contents.withLock { contents in
            let new = newest(&contents)
            return (contents.memory, new)
        }
    }

    /// Whether `buffer` holds the version in memory.
    func holds(_ buffer: Buffer) -> Bool { contents.withLock { $0.memory?.elements === buffer } }

    /// The buffer of the version in memory if this state alone holds it. Parts handed out before stop being remembered.
    func takesOver() -> Bool {
        contents.withLock { contents in
            contents.views = [:]
            return isKnownUniquelyReferenced(&contents.memory)
                && Node.lock.withLock { _ in contents.memory?.holdsStorageAlone() ?? false }
        }
    }

    /// Whether `source` stands for the version in memory.
    func isInMemory(as source: Node) -> Bool {
        guard let elements = source.elements else { return false }
        return contents.withLock { $0.memory?.elements === elements }
    }

    /// Whether the newest version is still to be computed.
    var hasPending: Bool {
        contents.withLock { contents in
            _ = newest(&contents)
            return contents.pending != nil
        }
    }

    /// Computes the newest version.
    /// - Throws: `BackendError`.
    func compute() throws {
        guard hasPending else { return }
        let node = contents.withLock { newest(&$0) }
        try device.executor.realize([node])
        contents.withLock { _ = newest(&$0) }
    }

    /// A source of its own with the elements of the newest version, or that version itself where it could not be computed.
    var sourceOfItsOwn: Node {
        contents.withLock { contents in
            let node = newest(&contents)
            return node.elements.map { source($0, contents) } ?? node
        }
    }

    /// The storage of the version in memory.
    var storage: Storage? { contents.withLock { $0.memory?.elements } }

    /// Called when the version that `node` stands for was computed: it is what the next may overwrite.
    func settle(on node: Node) {
        contents.withLock { contents in
            guard let storage = node.elements else { return }
            if contents.pending === node { return adopt(storage, &contents) }
            if contents.memory?.elements !== storage { contents.memory = source(storage, contents) }
        }
    }

    /// Takes the elements that a replay has computed.
    func adopt(_ buffer: Buffer, _ traits: NodeTraits) {
        contents.withLock { contents in
            contents.traits = traits
            adopt(buffer, &contents)
        }
    }

    /// Goes back to the version in memory: the computation of a newer one failed.
    func revert() {
        contents.withLock { contents in
            guard contents.memory != nil else { return }
            contents.pending = nil
            contents.views = [:]
        }
    }
}

extension Node {
    /// The storage of the elements, if they were computed.
    var elements: Storage? { Node.lock.withLock { _ in storage } }
    var hasElements: Bool { elements != nil }
}
