import SomaGraph
import Synchronization

/// A tensor that training changes. Layers hold parameters; `tensor` is the value to compute with.
///
/// An optimiser re-homes its parameters into one long state, so that it updates all of them with one launch; who holds the parameter
/// notices nothing. Steps that were captured before are captured anew when they are next called.
public final class Parameter: Sendable {
    /// The extents, which never change.
    public let shape: Shape
    private struct Place {
        var state: State
        var offset: Int
        /// While a moving average stands in for the weights: what to return to.
        var loan: Loan?
    }
    /// An average that stands in for the weights for a while, perhaps within a captured step only.
    final class Loan: Sendable {
        let capture: Capture?
        init() { capture = Capture.current }
    }
    private let place: Mutex<Place>
    /// The longest path that was seen to lead to it, for messages.
    private let name = Mutex<String?>(nil)
    /// Counts the moves of all parameters: where it stands still, every parameter lies where it did.
    static let moves = Atomic<Int>(0)

    /// A parameter with memory of its own until an optimiser moves it into its arena.
    /// - Parameter value: what training starts from; computed when it is first needed.
    public init(_ value: Tensor) {
        shape = value.shape
        place = Mutex(Place(state: State(value, isTracked: true), offset: 0))
    }

    /// The current value, of shape `shape`.
    public var tensor: Tensor {
        let place = current()
        return place.state.view(offset: place.offset, shape: shape)
    }

    /// Replaces the value; `value` has this parameter's shape.
    ///
    /// Where it is made of a gradient, this is an update: the loss must have been built to train (`Mode`). A captured step that assigns such a
    /// value is built to train as a whole.
    public func assign(_ value: Tensor, file: StaticString = #fileID, line: UInt = #line) {
        guard value.shape == shape else { programError("assign", "\(value.shape) to a parameter of \(shape)", file: file, line: line) }
        Mode.requireForAssignment(value, file, line)
        let place = current()
        if place.state.shape == shape { return place.state.assign(value) }
        place.state.assign(Self.replacing(place.offset, in: place.state.tensor, by: value.reshaped(to: [shape.count])))
    }

    /// `whole` with the elements from `offset` on replaced by `part`, both of rank 1.
    /// - Parameter limit: the last start that is an index; what lies behind is put together of three parts, since an index is an int32.
    package static func replacing(_ offset: Int, in whole: Tensor, by part: Tensor, limit: Int = Int(Int32.max)) -> Tensor {
        if offset <= limit {
            let starts = Node(storage: HostArray(bytes: [Int32(offset)]), shape: [1], dtype: .int32, device: whole.node.device)
            return Tensor(node: .updateSlice(whole.node, part.node, starts: starts))
        }
        let end = offset + part.count
        return Tensor(concatenating: [
            whole.block(at: [0], of: [offset]), part, whole.block(at: [end], of: [whole.count - end]),
        ])
    }

    /// Where the elements lie; a step that is being captured relies on it, unless it has arranged that itself.
    private func current() -> Place {
        let place = place.withLock { $0 }
        if let capture = Capture.current, place.loan?.capture !== capture || place.loan == nil {
            capture.note(Home(parameter: self, state: place.state, offset: place.offset), of: self)
        }
        return place
    }

    /// Whether the elements are part of `state`.
    func isPart(of state: State) -> Bool { current().state === state }

    /// Whether a moving average stands in for the value.
    var isOnLoan: Bool { place.withLock { $0.loan != nil } }

    /// The element of `source`, a version in memory, from which on the parameter lies in it, if it does.
    func offset(in source: Node) -> Int? {
        let place = place.withLock { $0 }
        return place.state.isInMemory(as: source) ? place.offset : nil
    }

    /// Makes the parameter a part of `state` (rank 1) from element `offset` on; the elements there are its new value.
    func rehome(into state: State, offset: Int) { move { $0 = Place(state: state, offset: offset) } }

    /// Lets the elements of `state` from `offset` on stand in for the value; what is returned ends that.
    func lend(_ state: State, offset: Int, _ loan: Loan) -> @Sendable () -> Void {
        let before = place.withLock { $0 }
        move { $0 = Place(state: state, offset: offset, loan: loan) }
        return { [self] in move { $0 = before } }
    }

    /// Learns a path of properties that leads here in some model.
    func note(name new: String) {
        name.withLock { if new.utf8.count > $0?.utf8.count ?? 0 { $0 = new } }
    }

    /// The path of the layer that holds it, if a model was asked for its parameters.
    var layerName: String? {
        name.withLock { name in
            guard let name, let end = name.lastIndex(of: ".") else { return nil }
            return String(name[..<end])
        }
    }

    private func move(_ change: (inout sending Place) -> Void) {
        place.withLock { change(&$0) }
        Self.moves.add(1, ordering: .sequentiallyConsistent)
    }
}

extension Parameter {
    /// Where a parameter lay when a step was captured. It keeps no state alive that the parameter has left.
    struct Home: Sendable {
        let parameter: Parameter
        let state: WeakState
        let offset: Int

        init(parameter: Parameter, state: State, offset: Int) {
            (self.parameter, self.state, self.offset) = (parameter, WeakState(state), offset)
        }

        /// Whether it still lies there.
        var holds: Bool {
            guard let state = state.state else { return false }
            return parameter.place.withLock { $0.state === state && $0.offset == offset }
        }

        /// Whether it never will again.
        var isGone: Bool { state.state == nil }
    }
}

/// A state that is known and not kept.
struct WeakState: Sendable {
    private(set) weak var state: State?
    init(_ state: State) { self.state = state }
}
