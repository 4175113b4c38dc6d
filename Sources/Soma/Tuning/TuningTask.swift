import SomaBackend
import SomaGraph

/// A class of steps of which one is measured, to choose how all of them are computed.
package struct TuningTask: Sendable {
    /// The class.
    package let name: String
    let step: Step
    /// How often steps of the class run.
    package private(set) var count = 1
    /// What can be chosen; first what the class gets untuned, then what is most like that.
    package let candidates: [String]
}

extension Device {
    /// What there is to tune in the steps of some work, the heaviest first. They are only recorded; values that the work reads are zeros.
    /// - Parameter work: is given a device that records; its data are ready when it returns, and what it returns does the work once.
    /// - Throws: what the work does; `SomaError` where this device leaves no choice.
    package func tuningTasks(of work: [(Device) throws -> () throws -> Void]) throws -> [TuningTask] {
        let tunable = try requireTunable()
        let recorder = RecordingBackend(name: "recording \(self)", capabilities: tunable.capabilities)
        let device = Device(running: recorder)
        let steps = try work.flatMap { work in
            // Millions of weights take longer to draw than all else takes.
            try withDevice(device) {
                try Initializer.$isBlank.withValue(true) {
                    let run = try work(device)
                    recorder.reset()
                    try run()
                    return recorder.recorded.launches
                }
            }
        }
        var tasks: [String: TuningTask] = [:]
        for step in steps where step.weight >= Self.leastWeight {
            guard let name = tunable.tuningClass(of: step) else { continue }
            // Of a class the heaviest step stands for all.
            let count = (tasks[name]?.count ?? 0) + 1
            if let known = tasks[name], known.step.weight >= step.weight {
                tasks[name] = TuningTask(name: name, step: known.step, count: count, candidates: known.candidates)
            } else {
                tasks[name] = TuningTask(name: name, step: step, count: count, candidates: tunable.candidates(for: step))
            }
        }
        let weights = tasks.mapValues { $0.step.weight * Double($0.count) }
        return tasks.values.filter { $0.candidates.count > 1 }.sorted { (weights[$0.name] ?? 0, $1.name) > (weights[$1.name] ?? 0, $0.name) }
    }

    /// Steps below are over before it matters how they are computed.
    private static let leastWeight = 1e5
}

extension Step {
    /// About how much there is to do: multiplications, or elements that are read and written.
    var weight: Double {
        switch self {
        case .matmul(let step): [step.m, step.n, step.k].reduce(Double(step.batch)) { $0 * Double($1) } / 4
        case .convolution(let step): Double(step.operationCount) / 8
        case .map(let nest): Double(nest.outerCount) * Double(nest.body.loads.count + nest.body.stores.count)
        case .reduce(let nest), .row(let nest): Double(nest.outerCount) * Double(nest.innerCount) * Double(nest.body.loads.count)
        case .pooling, .gather, .scatterAdd, .blockCopy, .custom: 0
        }
    }

    /// How many numbers an element of a result adds up.
    var termCount: Int {
        switch self {
        case .matmul(let step): step.k
        case .convolution(let step):
            step.pass == .filterGradient ? step.batch * step.output.reduce(1, *)
                : step.windows.size.reduce(1, *) * (step.pass == .forward ? step.inputChannels : step.outputChannels) / step.groups
        case .reduce(let nest), .row(let nest): nest.innerCount
        case .map, .pooling, .gather, .scatterAdd, .blockCopy, .custom: 1
        }
    }
}
