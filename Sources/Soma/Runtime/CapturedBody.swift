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

    /// The numbers of the graph that replays do not take anew.
    var fixedNumbers: FixedNumbers {
        let asked = Set(recorded.actions.compactMap { if case .number(let node, _) = $0 { ObjectIdentifier(node) } else { nil } })
        let numbers = constants.compactMap { node in
            if case .constant(let value) = node.primitive, !asked.contains(ObjectIdentifier(node)) { value.double } else { nil }
        }
        let takenAnew = Set(inputs.map(ObjectIdentifier.init) + recorded.versions.map { ObjectIdentifier($0.old) })
        var arrays: [Int: [UInt8]] = [:]
        for (place, (node, storage)) in zip(graph.snapshot.sources, graph.sources).enumerated()
        where !takenAnew.contains(ObjectIdentifier(graph.snapshot.nodes[node])) {
            arrays[place] = (storage as? HostArray)?.fewBytes
        }
        return FixedNumbers(numbers: numbers + graph.snapshot.starts.map(Double.init), arrays: arrays)
    }
}

/// Numbers of Swift that a graph was built with: constants, starts of slices, and small arrays by their place among the sources.
struct FixedNumbers {
    let numbers: [Double]
    let arrays: [Int: [UInt8]]

    /// What is another in `new`, numbers of the same graph built later.
    func change(to new: FixedNumbers) -> String? {
        for (old, new) in zip(numbers, new.numbers) where old != new && !(old.isNaN && new.isNaN) {
            return "with \(Float(old)), which its closure by now reads as \(Float(new))"
        }
        let isOther = arrays.contains { place, bytes in new.arrays[place].map { $0 != bytes } ?? false }
        return isOther ? "with an array that its closure by now makes of other numbers" : nil
    }
}
