import SomaBackend
import SomaGraph

/// A class of steps of which one is measured, to choose how all of them are computed.
package struct TuningTask: Sendable {
    /// The class.
    package let name: String
    let step: Step
    /// How often steps of the class run.
    package let count: Int
    /// What can be chosen; first what the class gets untuned, then what is most like that.
    package let candidates: [String]
}

/// What there is to tune in some work.
package struct TuningPlan: Sendable {
    /// The heaviest first.
    package let tasks: [TuningTask]
    /// Classes of steps that are a small part of all work, and so are left as they are.
    package let smallCount: Int
}

extension Device {
    /// What there is to tune in the steps of some work. They are only recorded; values that the work reads are zeros.
    /// - Parameter work: is given a device that records; its data are ready when it returns, and what it returns does the work once.
    /// - Throws: what the work does; `SomaError` where this device leaves no choice.
    package func tuningPlan(of work: [(Device) throws -> () throws -> Void]) throws -> TuningPlan {
        let tunable = try requireTunable()
        let recorder = RecordingBackend(name: "recording \(self)", capabilities: tunable.capabilities)
        let device = Device(running: recorder)
        var classes: [String: StepGroup] = [:]
        for work in work {
            for (name, group) in try StepGroup.groups(of: Self.steps(of: work, on: device, recorder), by: tunable.tuningClass) {
                classes[name] = classes[name].map { $0.joined(group) } ?? group
            }
        }
        let tasks = classes.filter(\.value.matters).map { name, group in
            (weight: group.weight, task: TuningTask(name: name, step: group.heaviest, count: group.count, candidates: tunable.candidates(for: group.heaviest)))
        }
        let choosable = tasks.filter { $0.task.candidates.count > 1 }.sorted { ($0.weight, $1.task.name) > ($1.weight, $0.task.name) }
        return TuningPlan(tasks: choosable.map(\.task), smallCount: classes.count - tasks.count)
    }

    private static func steps(
        of work: (Device) throws -> () throws -> Void, on device: Device, _ recorder: RecordingBackend
    ) throws -> [Step] {
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
}

/// Steps of one class.
private struct StepGroup {
    /// It stands for all of them.
    var heaviest: Step
    var count = 0
    /// Of all together.
    var weight = 0.0
    /// Whether there is so much to do, beside the other steps of the same work or at all, that it matters how it is computed.
    var matters = false

    /// Of each class the steps of one piece of work.
    static func groups(of steps: [Step], by stepClass: (Step) -> String?) -> [String: StepGroup] {
        var groups: [String: StepGroup] = [:]
        for step in steps {
            guard let name = stepClass(step) else { continue }
            groups[name, default: StepGroup(heaviest: step)].add(step)
        }
        let total = steps.reduce(0) { $0 + $1.weight }
        return groups.mapValues { group in
            var group = group
            group.matters = group.weight >= 0.01 * total || group.heaviest.weight >= 1e5
            return group
        }
    }

    private mutating func add(_ step: Step) {
        if step.weight > heaviest.weight { heaviest = step }
        (count, weight) = (count + 1, weight + step.weight)
    }

    func joined(_ other: StepGroup) -> StepGroup {
        StepGroup(
            heaviest: other.heaviest.weight > heaviest.weight ? other.heaviest : heaviest, count: count + other.count, weight: weight + other.weight,
            matters: matters || other.matters)
    }
}

extension Step {
    /// About how much there is to do: multiplications, or elements that are read and written.
    var weight: Double {
        switch self {
        case .matmul(let step): [step.m, step.n, step.k].reduce(Double(step.batch)) { $0 * Double($1) } / 4
        case .convolution(let step): Double(step.operationCount) / 8
        case .map(let nest): Double(nest.outerCount) * Double(nest.body.loads.count + nest.body.stores.count)
        case .reduce(let nest), .row(let nest): Double(nest.outerCount) * Double(nest.innerCount) * Double(nest.body.loads.count)
        case .pooling, .gather, .scatterAdd, .blockCopy, .attention, .recurrence, .scan, .custom: 0
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
        case .map, .pooling, .gather, .scatterAdd, .blockCopy, .attention, .recurrence, .scan, .custom: 1
        }
    }
}
