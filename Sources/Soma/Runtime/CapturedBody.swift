import SomaCompiler
import SomaGraph

/// What a body built while it was captured, and what it did besides.
struct CapturedBody {
    /// Sources that stand for the inputs.
    let inputs: [Node]
    let outputs: [Tensor]
    let recorded: Capture.Contents
    /// The states that the step changes.
    let written: [Capture.Version]
    let device: Device
    /// The graph of the outputs and of the new versions of states.
    let graph: Executor.CapturedGraph
    /// The constants in the graph.
    let constants: [Node]

    /// - Throws: `TrainingImplied` where an update came after layers were built to predict; what `body` throws.
    init(_ body: ([Tensor]) throws -> [Tensor], _ inputs: [Tensor], onlyComputes: Bool) throws {
        // Inputs become sources of their own, so that the same tensor given twice has two places.
        let places = try inputs.map {
            Node(storage: try $0.storage(), shape: $0.shape, dtype: $0.dtype, device: $0.node.device, traits: $0.node.traits.lasting)
        }
        let capture = Capture()
        let outputs = try capture.recording { try body(places.map { Tensor(node: $0) }) }
        let recorded = capture.recorded
        if recorded.impliesTraining { throw TrainingImplied() }
        if let failure = recorded.failure { throw failure }
        let written = onlyComputes ? [] : recorded.written.map { recorded.versions[$0] }
        device = Self.device(of: outputs, written)
        let old: [Node?] = outputs.map { _ in nil } + written.map(\.old)
        graph = device.executor.capture(roots: outputs.map(\.node) + written.map(\.newest), states: old)
        constants = graph.snapshot.constants
        (self.inputs, self.outputs, self.recorded, self.written) = (places, outputs, recorded, written)
    }

    /// The one device of everything that comes out.
    private static func device(of outputs: [Tensor], _ written: [Capture.Version]) -> Device {
        let devices = outputs.map(\.device) + written.map(\.state.device)
        guard let device = devices.first else { programError("compiled", "the step neither returns a tensor nor changes a state") }
        if let other = devices.first(where: { $0 != device }) {
            programError("compiled", "a captured step runs on one device, and this one on \(device) and on \(other): capture one for each")
        }
        return device
    }

    /// Where each source of the graph comes from, in order.
    var origins: [Origin] {
        zip(graph.snapshot.sources, graph.sources).map { place, storage in
            let node = graph.snapshot.nodes[place]
            if let input = inputs.firstIndex(where: { $0 === node }) { return .input(input) }
            if let state = recorded.versions.first(where: { $0.old === node })?.state { return .state(state) }
            return .elements(storage, byteCount: node.shape.count * node.dtype.byteCount)
        }
    }

    enum Origin {
        case input(Int)
        case state(State)
        /// Elements that the body had from elsewhere.
        case elements(Storage, byteCount: Int)
    }

    /// The numbers of the graph that replays do not take anew.
    var fixedNumbers: FixedNumbers {
        let asked = Set(recorded.actions.compactMap { if case .number(let node, _) = $0 { ObjectIdentifier(node) } else { nil } })
        let numbers = constants.map { node -> Scalar? in
            if case .constant(let value) = node.primitive, !asked.contains(ObjectIdentifier(node)) { value } else { nil }
        }
        let nodes = graph.snapshot.nodes
        return FixedNumbers(
            structure: graph.snapshot.key, nodeCount: nodes.count,
            computedCount: graph.snapshot.sources.count { !nodes[$0].isSource },
            kernels: nodes.compactMap { if case .custom(let kernel) = $0.primitive { kernel } else { nil } },
            numbers: numbers, starts: graph.snapshot.starts)
    }
}

/// What a graph was built of that replays do not take anew, but for arrays.
struct FixedNumbers {
    let structure: GraphKey
    let nodeCount: Int
    /// Sources that are results of computations from before.
    let computedCount: Int
    /// A user's own kernels.
    let kernels: [CustomOperation]
    /// Constants in order; nil for those that replays ask for.
    let numbers: [Scalar?]
    /// Where slices start.
    let starts: [Int]

    enum Change {
        case number(String)
        case structure
        /// The structure is another for what is no decision of the body: a tensor from outside was computed meanwhile, of which the graph
        /// has the result by now, or a kernel was made anew.
        case surroundings
    }

    /// What is another in `new`, of the same body built later.
    func change(to new: FixedNumbers) -> Change? {
        guard structure == new.structure, numbers.map({ $0 == nil }) == new.numbers.map({ $0 == nil }) else {
            let isComputedByNow = new.computedCount > computedCount && new.nodeCount <= nodeCount
            return isComputedByNow || nodeCount == new.nodeCount && hasMadeAnew(new.kernels) ? .surroundings : .structure
        }
        for case let (old?, new?) in zip(numbers, new.numbers) where old != new && (old.double != 0 || new.double != 0) {
            return .number("with \(Self.text(old)), which its closure by now reads as \(Self.text(new))")
        }
        for (old, new) in zip(starts, new.starts) where old != new {
            return .number("with a slice from \(old) on, which its closure by now takes from \(new) on")
        }
        return nil
    }

    /// Whether `new` are kernels of the same text, some of them other objects.
    private func hasMadeAnew(_ new: [CustomOperation]) -> Bool {
        guard kernels.count == new.count, zip(kernels, new).contains(where: { $0 !== $1 }) else { return false }
        return zip(kernels, new).allSatisfy { $0.name == $1.name && ($0 as? CustomKernel)?.source == ($1 as? CustomKernel)?.source }
    }

    private static func text(_ number: Scalar) -> String {
        number.double.isNaN ? "nan" : number.dtype.isFloatingPoint ? "\(Float(number.double))" : "\(Int64(number.double))"
    }
}
