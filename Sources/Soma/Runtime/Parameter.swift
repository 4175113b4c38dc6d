import SomaGraph
import Synchronization

/// A tensor that training changes. Layers hold parameters; `tensor` is the value to compute with.
///
/// An optimiser re-homes its parameters into one long state, so that it updates all of them with one launch; who holds the parameter
/// notices nothing.
public final class Parameter: Sendable {
    /// The extents, which never change.
    public let shape: Shape
    private struct Home {
        var state: State
        var offset: Int
    }
    private let home: Mutex<Home>

    /// - Parameter value: what training starts from; computed when it is first needed.
    public init(_ value: Tensor) {
        shape = value.shape
        home = Mutex(Home(state: State(value, isTracked: true), offset: 0))
    }

    /// The current value, of shape `shape`.
    public var tensor: Tensor {
        let home = self.home.withLock { $0 }
        return home.state.view(offset: home.offset, shape: shape)
    }

    /// Replaces the value; `value` has this parameter's shape.
    public func assign(_ value: Tensor) {
        guard value.shape == shape else { programError("assign", "\(value.shape) to a parameter of \(shape)") }
        let home = self.home.withLock { $0 }
        if home.state.shape == shape { return home.state.assign(value) }
        let whole = home.state.tensor.node
        let starts = Node(storage: HostArray(bytes: [Int32(home.offset)]), shape: [1], dtype: .int32, device: whole.device)
        home.state.assign(Tensor(node: .updateSlice(whole, .reshape(value.node, to: [shape.count]), starts: starts)))
    }

    /// Whether the elements are part of `state`.
    func isPart(of state: State) -> Bool { home.withLock { $0.state === state } }

    /// The element of `source`, a version in memory, from which on the parameter lies in it, if it does.
    func offset(in source: Node) -> Int? {
        let home = self.home.withLock { $0 }
        return home.state.isInMemory(as: source) ? home.offset : nil
    }

    /// Makes the parameter a part of `state` (rank 1) from element `offset` on; the elements there are its new value.
    func rehome(into state: State, offset: Int) { home.withLock { $0 = Home(state: state, offset: offset) } }
}
