import Foundation
import Soma
import SomaReference
import Testing

/// A captured step sees the world as it is now: parameters that moved, states, numbers, generators, the mode.
@Suite struct CaptureTests {
    static func x(_ rows: Int = 2) -> Tensor { Tensor((0..<rows * 3).map { Float($0 % 5) - 2 }, shape: [rows, 3]) }
    static var labels: Tensor { Tensor([0, 1] as [Int32]) }

    func makeModel() -> Linear {
        let layer = Linear(from: 3, to: 2)
        layer.weight.assign(Tensor([1, 2, 3, -1, 0, 1] as [Float], shape: [2, 3]))
        layer.bias?.assign(Tensor([0.5, -0.5] as [Float]))
        return layer
    }

    /// What `step` gives and what the model gives without it.
    private func isCurrent(_ step: CompiledStep, _ model: Linear) throws -> Bool {
        let (captured, own): ([Float], [Float]) = (try step(Self.x()).scalars(), try model(Self.x()).scalars())
        return captured == own
    }

    @Test(arguments: TestDevices.all) func aStepFollowsParametersThatAnOptimiserMoves(_ device: Device) throws {
        try withDevice(device) {
            let model = makeModel()
            let step = compiled { (x: Tensor) in model(x) }
            #expect(try isCurrent(step, model))
            for rule in [SGD() as any UpdateRule, Adam()] {
                let optimizer = try Optimizer(rule, for: model, learningRate: 0.1)
                #expect(try isCurrent(step, model))
                let before: [Float] = try step(Self.x()).scalars()
                try optimizer.update(minimizing: crossEntropy(model(Self.x()), Self.labels))
                #expect(try isCurrent(step, model))
                #expect(try step(Self.x()).scalars() != before)
            }
        }
    }

    /// Baseline, train, evaluate, with one evaluator.
    @Test(arguments: TestDevices.all) func anEvaluatorMadeFirstSeesTheTraining(_ device: Device) throws {
        try withDevice(device) {
            let data = Quadrants(count: 40)
            let model = withRandomSeed(5) { Sequential(Linear(from: 2, to: 16), Tanh(), Linear(from: 16, to: 2)) }
            let evaluator = Evaluator(Classification(model))
            let baseline = try #require(try evaluator.evaluate(data, batchSize: 40)["loss"])
            let optimizer = try Optimizer(Adam(), for: model, learningRate: 0.05)
            _ = try Trainer(model, Classification(model), optimizer, .init(epochs: 20, batchSize: 10, seed: 1)).run(on: data)
            let trained = try #require(try evaluator.evaluate(data, batchSize: 40)["loss"])
            #expect(trained < baseline / 2)
            #expect(try Evaluator(Classification(model)).evaluate(data, batchSize: 40)["loss"] == trained)
        }
    }

    /// A step that was captured reads and writes what lies in the averages only while these stand in for the weights.
    @Test(arguments: TestDevices.all) func aStepFollowsAverages(_ device: Device) throws {
        try withDevice(device) {
            let model = makeModel()
            let step = compiled { (x: Tensor) in model(x) }
            let optimizer = try Optimizer(SGD(), for: model, learningRate: 0.5, averageDecay: 0.9)
            let within = compiled { (x: Tensor) in optimizer.withAveragedWeights { model(x) } }
            for _ in 0..<3 {
                try optimizer.update(minimizing: crossEntropy(model(Self.x()), Self.labels))
                #expect(try isCurrent(step, model))
                let averaged: [Float] = try optimizer.withAveragedWeights {
                    #expect(try isCurrent(step, model))
                    return try model(Self.x()).scalars()
                }
                #expect(try within(Self.x()).scalars() == averaged)
                #expect(try step(Self.x()).scalars() != averaged)
            }
            // The one for the weights, the one for the averages, each once.
            #expect(step.programs.count == 2 && within.programs.count == 1)
        }
    }

    @Test(arguments: TestDevices.all) func aPartWithAnOptimiserOfItsOwn(_ device: Device) throws {
        try withDevice(device) {
            let (body, head) = (makeModel(), Linear(from: 2, to: 2))
            let model = Sequential(body, Tanh(), head)
            let whole = try Optimizer(SGD(), for: model, learningRate: 0.1)
            let predict = compiled { (x: Tensor) in model(x) }
            try whole.update(minimizing: crossEntropy(model(Self.x()), Self.labels))
            _ = try predict(Self.x())
            let part = try Optimizer(SGD(), for: head, learningRate: 0.1)
            let kept: [Float] = try body.weight.tensor.contiguous().scalars()
            let step = compiled { (x: Tensor, y: Tensor) in
                let loss = crossEntropy(model(x), y)
                try part.update(minimizing: loss)
                return loss
            }
            let losses = try (0..<3).map { _ in try step(Self.x(), Self.labels).item() }
            #expect(losses[0] > losses[1] && losses[1] > losses[2])
            #expect(try body.weight.tensor.contiguous().scalars() == kept)
            #expect(try predict(Self.x()).scalars() == (try model(Self.x()).scalars() as [Float]))
        }
    }

    @Test func aCapturedStepOfAnOptimiserThatLostItsParametersTraps() async {
        await #expect(processExitsWith: .failure) {
            try withDevice(TestDevices.interpreter) {
                let layer = Linear(from: 2, to: 2)
                let first = try Optimizer(SGD(), for: layer, learningRate: 0.1)
                let step = compiled { (x: Tensor) in
                    let loss = layer(x).sum()
                    try first.update(minimizing: loss)
                    return loss
                }
                _ = try step(.ones([1, 2]))
                _ = try Optimizer(SGD(), for: layer, learningRate: 0.1)
                _ = try step(.ones([1, 2]))
            }
        }
    }

    @Test(arguments: TestDevices.all) func assignmentsAndCheckpointsAreSeen(_ device: Device) throws {
        try withDevice(device) {
            let folder = try TemporaryFolder()
            let model = makeModel()
            let step = compiled { (x: Tensor) in model(x) }
            let first: [Float] = try step(Self.x()).scalars()
            try Checkpoint.write(model, to: folder.path("first"))
            _ = try Optimizer(SGD(), for: model, learningRate: 0.1)
            model.weight.assign(.ones([2, 3]))
            #expect(try isCurrent(step, model))
            #expect(try step(Self.x()).scalars() != first)
            try Checkpoint(path: folder.path("first")).restore(model)
            #expect(try step(Self.x()).scalars() == first)
        }
    }

    /// A tensor is a value: one that was read before the step keeps it, though the step changes the state it came from.
    @Test(arguments: TestDevices.all) func aTensorReadBeforeKeepsItsValue(_ device: Device) throws {
        try withDevice(device) {
            let state = State(Tensor([1, 2] as [Float]))
            try state.tensor.realize()
            let start = state.tensor
            let step = compiled { (x: Tensor) in
                state.assign(state.tensor + x)
                return state.tensor - start
            }
            let one = Tensor([1, 1] as [Float])
            #expect(try step(one).scalars() == [1, 1] as [Float])
            #expect(try step(one).scalars() == [2, 2] as [Float])
            #expect(try start.scalars() == [1, 2] as [Float])
        }
    }

    /// What was assigned and not computed yet is a value like any other.
    @Test(arguments: TestDevices.all) func whatIsPendingIsNoPartOfTheStep(_ device: Device) throws {
        try withDevice(device) {
            let state = State(Tensor([1] as [Float]))
            try state.tensor.realize()
            state.assign(Tensor([5] as [Float]))
            let step = compiled { (x: Tensor) in x * state.tensor }
            let two = Tensor([2] as [Float])
            #expect(try step(two).item() == 10)
            state.assign(Tensor([7] as [Float]))
            #expect(try step(two).item() == 14)
        }
    }

    @Test func whatAnotherThreadAssignedIsSeen() throws {
        try withDevice(TestDevices.interpreter) { () throws in
            let state = State(Tensor([1] as [Float]))
            let step = compiled { (x: Tensor) in
                state.assign(state.tensor + x)
                return state.tensor
            }
            let one = Tensor([1] as [Float])
            #expect(try step(one).item() == 2)
            let other = Thread { state.assign(Tensor([10] as [Float], device: state.device)) }
            other.start()
            while !other.isFinished { usleep(1000) }
            #expect(try step(one).item() == 11)
            #expect(try state.tensor.item() == 11)
        }
    }

    /// A task's states are its own, whichever thread it goes on in.
    @Test func aTaskUpdatesWhatItHasAssigned() async throws {
        let backend = InterpretingBackend()
        let device = Device(running: backend)
        let state = State(Tensor([1, 2] as [Float], device: device))
        try device.update([state.tensor])
        for round in 1...20 {
            state.assign(state.tensor + 1)
            let prepared = backend.preparedCount
            await withCheckedContinuation { continuation in
                Thread { usleep(1000); continuation.resume() }.start()
            }
            try device.update()
            if round == 1 { #expect(backend.preparedCount > prepared) }
            let memory = state.tensor
            #expect(try memory.scalars() == [1 + Float(round), 2 + Float(round)] as [Float])
        }
    }

    @Test func aBodyThatThrowsLeavesNoTrace() throws {
        struct Refused: Error {}
        try withDevice(TestDevices.interpreter) {
            let layer = Linear(from: 2, to: 2)
            let optimizer = try Optimizer(Adam(), for: layer, learningRate: 0.1)
            let state = State(Tensor([1] as [Float]))
            let generator = RandomGenerator(seed: 3)
            let step = CompiledStepMaker.failing { (x: Tensor) in
                state.assign(state.tensor + 1)
                let noise = Tensor.randomUniform([1, 2], generator: generator)
                try optimizer.update(minimizing: layer(x + noise).sum())
                throw Refused()
            }
            #expect(throws: Refused.self) { try step(.ones([1, 2])) }
            #expect(try state.tensor.item() == 1)
            #expect(optimizer.updateCount == 0 && generator.state.drawCount == 0)
        }
    }

    @Test(arguments: TestDevices.all) func aStepWithinAStepIsPartOfIt(_ device: Device) throws {
        try withDevice(device) { () throws in
            let inner = compiled { (x: Tensor) in x * 3 }
            let outer = compiled { (x: Tensor) in try inner(x) + 1 }
            #expect(try outer(Tensor([1] as [Float])).item() == 4)
            #expect(try outer(Tensor([2] as [Float])).item() == 7)
            #expect(try inner(Tensor([2] as [Float])).item() == 6)
        }
    }

    /// Numbers drawn come from the generator that is current at the call, as those of a step that is not captured.
    @Test(arguments: TestDevices.all) func aStepDrawsFromTheCurrentGenerator(_ device: Device) throws {
        try withDevice(device) {
            let body: @Sendable (Tensor) -> Tensor = { $0 + .randomUniform([3], device: $0.device) }
            let again: @Sendable (Tensor) -> Tensor = { x in withRandomSeed(9) { x + .randomUniform([3], device: x.device) } }
            let (step, fresh) = (compiled(body), compiled(again))
            let zero = Tensor([0, 0, 0] as [Float])
            for seed: UInt64 in [1, 2, 1] {
                let (captured, plain): ([[Float]], [[Float]]) = (
                    try withRandomSeed(seed) { try (0..<2).map { _ in try step(zero).scalars() } },
                    try withRandomSeed(seed) { try (0..<2).map { _ in try body(zero).scalars() } }
                )
                #expect(captured == plain && plain[0] != plain[1])
                #expect(try fresh(zero).scalars() == (try again(zero).scalars() as [Float]))
            }
        }
    }

    @Test func stepsAreForgottenBeyondABound() throws {
        try withDevice(recording().device) {
            let step = compiled { (x: Tensor) in x * 2 + 1 }
            for size in 1...300 { _ = try step(.zeros([size])) }
            #expect(step.programs.count == 128)
            // The first was used least recently; the last is still known.
            let last = Tensor.zeros([300])
            _ = try step(last)
            #expect(step.programs.count == 128)
        }
    }

    /// What parameters lay in before an optimiser moved them is released.
    @Test func statesThatParametersLeftAreReleased() throws {
        let (device, backend) = recording()
        try withDevice(device) {
            let model = Linear(from: 1000, to: 1000)
            let step = compiled { (x: Tensor) in model(x) }
            let x = try Tensor.zeros([1, 1000]).realize()
            _ = try step(x)
            _ = try Optimizer(SGD(), for: model, learningRate: 0.1)
            _ = try step(x)
            let bytes = backend.memory.live
            #expect(bytes < 6_000_000, "\(bytes): the weights take 4 MB once")
        }
    }

    @Test func twoDevicesInOneStepTrap() async {
        await #expect(processExitsWith: .failure) {
            let (a, b) = (TestDevices.interpreter, Device(running: InterpretingBackend()))
            let other = State(Tensor([1] as [Float], device: b))
            _ = try compiled { (x: Tensor) in
                other.assign(other.tensor + 1)
                return x * 2
            }(Tensor([1] as [Float], device: a))
        }
    }
}

/// A number of the program that changes.
final class Number: @unchecked Sendable { var value = 0.0 }

/// Makes a step of a body that never returns a value.
enum CompiledStepMaker {
    static func failing(_ body: @escaping @Sendable (Tensor) throws -> Void) -> CompiledStep {
        compiled { (x: Tensor) in
            try body(x)
            return x
        }
    }
}
