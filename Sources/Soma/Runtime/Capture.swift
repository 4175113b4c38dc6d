import SomaGraph
import Synchronization

/// What a step does besides computing, noted while it is captured: the states it reads and writes, the parameters whose place it relies on,
/// and what it asks of the host.
///
/// Building a captured step changes nothing: states keep their versions, random generators and counts of updates stay where they are. So a
/// body may run again for another signature, and one that throws leaves no trace.
final class Capture: Sendable {
    /// The capture under way on this task, if any.
    @TaskLocal static var current: Capture?

    /// A state as the captured step sees it.
    struct Version {
        let state: State
        /// Stands for what the state holds when a replay begins. It is a node of its own: a tensor that was read before the step keeps its value.
        let old: Node
        var newest: Node
        var isWritten = false
        var views: [State.View: Tensor] = [:]
    }

    /// What the host does at each replay, in the order of the body.
    enum HostAction: Sendable {
        case number(Node, @Sendable () -> Double)
        case act(@Sendable () -> Void)
    }

    struct Contents {
        var versions: [Version] = []
        /// In the order in which they were first written.
        var written: [Int] = []
        var homes: [Parameter.Home] = []
        var actions: [HostAction] = []
        /// Whether a layer that differs in training was built where nothing had said what for, and whether weights were to be moved then.
        var asksForMode = false
        var impliesTraining = false
        var failure: (any Error)?
        fileprivate var places: [ObjectIdentifier: Int] = [:]
        fileprivate var seen: Set<ObjectIdentifier> = []
    }

    /// Whether values that states are still to get are computed, as a step that is to run needs them.
    private let computesStates: Bool
    private let contents = Mutex(Contents())
    var recorded: Contents { contents.withLock { $0 } }
    /// The generator that is current where the step is called, for which `RandomGenerator.following` stands inside.
    let generator = RandomGenerator.current

    /// - Parameter computesStates: false for a graph that is looked at and never run.
    init(computesStates: Bool = true) { self.computesStates = computesStates }

    /// Runs `body`, whose random numbers come from the generator that is current at each replay where it names none.
    func recording<Result>(_ body: () throws -> Result) rethrows -> Result {
        try Self.$current.withValue(self) { try RandomGenerator.choosing(.following, body) }
    }

    // MARK: States

    /// The newest version of a state.
    func value(of state: State) -> Node {
        prepare(state)
        return contents.withLock { $0.versions[$0.place(of: state)].newest }
    }

    /// Part of the newest version; the same node each time.
    func view(of state: State, _ view: State.View) -> Tensor {
        prepare(state)
        return contents.withLock { contents in
            let place = contents.place(of: state)
            return view.tensor(of: contents.versions[place].newest, known: &contents.versions[place].views)
        }
    }

    func assign(_ node: Node, to state: State) {
        prepare(state)
        contents.withLock { contents in
            let place = contents.place(of: state)
            contents.versions[place].newest = node
            contents.versions[place].views = [:]
            if contents.versions[place].isWritten { return }
            contents.versions[place].isWritten = true
            contents.written.append(place)
        }
    }

    private func prepare(_ state: State) {
        if contents.withLock({ $0.places[ObjectIdentifier(state)] != nil }) { return }
        // What a captured step starts from must lie in memory, or its computation would become part of the step.
        var failure: (any Error)?
        do { try Self.$current.withValue(nil) { if computesStates { try state.compute() } } } catch { failure = error }
        let old = state.sourceOfItsOwn
        contents.withLock { contents in
            if let failure, contents.failure == nil { contents.failure = failure }
            if contents.places[ObjectIdentifier(state)] != nil { return }
            contents.places[ObjectIdentifier(state)] = contents.versions.count
            contents.versions.append(Version(state: state, old: old, newest: old))
        }
    }

    // MARK: The rest of the world

    /// The step holds only as long as the parameter lies where it does.
    func note(_ home: Parameter.Home, of parameter: Parameter) {
        contents.withLock { if $0.seen.insert(ObjectIdentifier(parameter)).inserted { $0.homes.append(home) } }
    }

    func note(_ node: Node, _ value: @escaping @Sendable () -> Double) { contents.withLock { $0.actions.append(.number(node, value)) } }

    func note(_ action: @escaping @Sendable () -> Void) { contents.withLock { $0.actions.append(.act(action)) } }

    /// A layer that differs in training was built, and nothing had said what for.
    func noteQuestionForMode() { contents.withLock { $0.asksForMode = true } }

    /// The error that ends a body whose layers were built to predict when it comes to an update. It is remembered, in case the body catches it.
    func implyingTraining() -> TrainingImplied {
        contents.withLock { $0.impliesTraining = true }
        return TrainingImplied()
    }

    /// Whether a constant stands for a number that changes from replay to replay, so that nothing may be computed from its value.
    static func varies(_ constant: Node) -> Bool {
        current?.contents.withLock { contents in
            contents.actions.contains { if case .number(let node, _) = $0 { node === constant } else { false } }
        } ?? false
    }
}

extension Capture.Contents {
    fileprivate func place(of state: State) -> Int {
        guard let place = places[ObjectIdentifier(state)] else { programError("compiled", "a state that was not prepared") }
        return place
    }
}
