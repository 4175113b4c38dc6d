import Soma
import SomaBackend
import SomaGraph
import SomaReference
import Testing

@testable import OpenCLBackend

/// What tuning measures: the steps of some work, in every way that can be chosen.
@Suite(.serialized) struct StepTrialTests {
    private static var work: [(Device) throws -> () throws -> Void] { [
        { _ in
            let (a, b) = (try Tensor.randomNormal([70, 90]).realize(), try Tensor.randomNormal([90, 100]).realize())
            return { try (matmul(a, b) + 1).realize() }
        },
        { _ in
            let (x, w) = (try Tensor.randomNormal([2, 8, 15, 17]).realize(), try Tensor.randomNormal([16, 8, 3, 3]).realize())
            let bias = try Tensor.randomNormal([16, 1, 1]).realize()
            return { try relu(convolution(x, w, padding: .all(1)) + bias).realize() }
        },
        { _ in
            let (g, w) = (try Tensor.randomNormal([2, 16, 15, 17]).realize(), try Tensor.randomNormal([16, 8, 3, 3]).realize())
            let x = try Tensor.randomNormal([2, 8, 15, 17]).realize()
            return { try realizeAll([gradient(of: convolution(x, w, padding: .all(1)), withRespectTo: x, seed: g)]) }
        },
        { _ in
            let x = try Tensor.randomNormal([300, 400]).realize()
            return {
                try x.softmax(alongAxis: -1).realize()
                try x.sum(alongAxes: 0).realize()
                try x.sum(alongAxes: 1).realize()
                try exp(x * 0.5).realize()
            }
        },
    ] }

    /// Of each class what ships, and either what is most like it or what is least: PoCL compiles a candidate for a second.
    @Test(.enabled(if: testDevice != nil, "no OpenCL device"), .timeLimit(.minutes(60)), arguments: KernelKind.allCases)
    func candidatesComputeTheSame(_ kind: KernelKind) async throws {
        let device = try sharedDevice(kind)
        let tasks = try device.tuningPlan(of: Self.work).tasks
        let kinds = Set(tasks.map { $0.name.split(separator: " ").first.map(String.init) ?? "" })
        #expect(kinds == ["matmul", "convolution", "reduce", "map"], "\(tasks.map(\.name))")
        for (place, task) in tasks.enumerated() {
            #expect(Set(task.candidates).count == task.candidates.count && task.candidates.count > 3, "\(task.name)")
            let trial = try StepTrial(task, on: device)
            let candidate = task.candidates[(place % 2 == 0) == (kind == .cpu) ? 1 : task.candidates.count - 1]
            await Task.yield()
            #expect(try trial.firstDifference(by: candidate, from: .named("cpu")) == nil, "\(task.name) by \(candidate)")
            #expect(try trial.seconds(by: task.candidates[0], runs: 2) > 0)
            #expect(throws: BackendError.self) { _ = try trial.firstDifference(by: "7x7x7", from: .named("cpu")) }
        }
    }

    /// What is small beside the rest of its work is left out and counted; small work is not.
    @Test func smallStepsBesideGreatOnes() throws {
        func map(_ counts: Int...) -> (Device) throws -> () throws -> Void {
            { _ in
                let tensors = try counts.map { try Tensor.randomNormal([$0]).realize() }
                return { for x in tensors { try tanh(x).realize() } }
            }
        }
        let device = Device(running: try makeBackend(.cpu))
        let alone = try device.tuningPlan(of: [map(1000)])
        #expect(alone.tasks.map(\.name) == ["map 1024 flat"] && alone.smallCount == 0)
        let beside = try device.tuningPlan(of: [map(1000, 1 << 20, 1 << 20)])
        #expect(beside.tasks.map(\.name) == ["map 1048576 flat"] && beside.tasks[0].count == 2 && beside.smallCount == 1)
        let both = try device.tuningPlan(of: [map(1000, 1 << 20), map(1000)])
        #expect(both.tasks.map(\.name) == ["map 1048576 flat", "map 1024 flat"] && both.smallCount == 0)
    }

    /// A choice is used for every step of its class, and for no other.
    @Test(.enabled(if: testDevice != nil, "no OpenCL device"), arguments: KernelKind.allCases)
    func choicesShowInTheSource(_ kind: KernelKind) throws {
        let backend = try makeBackend(kind)
        let product = Step.matmul(Product(m: 200, n: 130, k: 70).step), other = Step.matmul(Product(m: 600, n: 130, k: 70).step)
        let name = try #require(backend.tuningClass(of: product)), shipped = backend.candidates(for: product)[0]
        let choice = try #require(backend.candidates(for: product).first { $0 != shipped && $0 != "clblast" && backend.candidates(for: other)[0] != $0 })
        let tuned = try makeBackend(kind) { $0.tuning = try? Tuning([name: choice], for: backend.planner.traits) }
        #expect(tuned.tuning.choices == [name: choice])
        func source(_ step: Step, _ backend: OpenCLBackend, by choice: String? = nil) throws -> String? {
            backend.sourceText(of: try choice.map { try backend.prepare(step, by: $0) } ?? backend.prepare(step))
        }
        #expect(try source(product, tuned) == source(product, backend, by: choice))
        #expect(try source(product, tuned) != source(product, backend))
        #expect(try source(product, backend) == source(product, backend, by: shipped))
        #expect(try source(other, tuned) == source(other, backend))
    }

    @Test func aWrongResultIsFound() throws {
        let backend = TwoWays()
        let task = try #require(try Device(running: backend).tuningPlan(of: [{ _ in
            let x = try Tensor.randomNormal([50_001]).realize()
            return { try tanh(x).realize() }
        }]).tasks.first)
        let trial = try StepTrial(task, on: Device(running: backend))
        let cpu = try Device.named("cpu")
        #expect(try trial.firstDifference(by: "right", from: cpu) == nil)
        #expect(try trial.firstDifference(by: "wrong", from: cpu)?.contains("element 0") == true)
        let watched = ProfilingBackend(backend)
        #expect(watched.choice(of: try watched.prepare(.map(LoopNest(outer: [1], body: Body()))))?.choice == "right")
        // Nor is what ships believed.
        let lying = try StepTrial(task, on: Device(running: TwoWays(shippedIsRight: false)))
        #expect(try lying.firstDifference(by: "right", from: cpu)?.contains("not as on cpu") == true)
    }
}

/// A backend with two ways to compute everything, one of which is wrong.
private final class TwoWays: ForwardingBackend, TunableBackend, @unchecked Sendable {
    private let right = InterpretingBackend(), wrong = InterpretingBackend(faulty: .tanh)
    private let shippedIsRight: Bool

    init(shippedIsRight: Bool = true) {
        self.shippedIsRight = shippedIsRight
        super.init(right)
    }

    private final class Way: PreparedStep, @unchecked Sendable {
        let step: PreparedStep
        let backend: InterpretingBackend
        init(_ step: Step, _ backend: InterpretingBackend) throws { (self.step, self.backend) = (try backend.prepare(step), backend) }
    }

    override func prepare(_ step: Step) throws -> PreparedStep { try prepare(step, by: "right") }
    func prepare(_ step: Step, by choice: String) throws -> PreparedStep {
        try Way(step, (choice == "right") == shippedIsRight ? right : wrong)
    }
    override func enqueue(_ steps: [PreparedStep], _ bindings: Bindings) throws {
        for case let way as Way in steps { try way.backend.enqueue([way.step], bindings) }
    }
    func tuningClass(of step: Step) -> String? { step.name }
    func candidates(for step: Step) -> [String] { ["right", "wrong"] }
    func choice(of step: PreparedStep) -> ChoiceInUse? { ChoiceInUse(stepClass: "any", choice: "right", isTuned: false) }
    var tuning: TuningRecord { TuningRecord(device: "two ways") }
    func keep(_ changes: [String: String?]) throws -> String { "" }
    func checkKeeping() throws {}
}
