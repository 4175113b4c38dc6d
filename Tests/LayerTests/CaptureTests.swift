import Foundation
import Soma
import SomaReference
import Testing

/// A captured step sees the world as it is now: parameters that moved, states, numbers, generators, the mode.
@Suite struct CaptureTests {
    private static func x(_ rows: Int = 2) -> Tensor { Tensor((0..<rows * 3).map { Float($0 % 5) - 2 }, shape: [rows, 3]) }
    private static var labels: Tensor { Tensor([0, 1] as [Int32]) }

    private func makeModel() -> Linear {
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

    @Test(arguments: TestDevices.all) func numbersThatChangeHaveFourWays(_ device: Device) throws {
        try withDevice(device) {
            let model = makeModel()
            let optimizer = try Optimizer(SGD(), for: model, learningRate: 0)
            let (state, asked) = (State(Tensor(1)), Number())
            let step = compiled { (x: Tensor, input: Tensor, zero: Tensor) in
                let scheduled = optimizer.scheduled(.linear(from: 0, to: 10, over: 10))
                try optimizer.update(minimizing: model(x).sum())
                return Tensor(stacking: [input + zero, state.tensor, scheduled, .asked { asked.value }])
            }
            for round in 0..<4 {
                asked.value = 0.5 * Double(round)
                state.assign(Tensor(Double(round * round)))
                let numbers: [Float] = try step(Self.x(), Tensor(Double(round) + 0.25), Tensor(0)).scalars()
                #expect(numbers == [Float(round) + 0.25, Float(round * round), Float(round), 0.5 * Float(round)])
            }
            #expect(step.programs.count == 1)
        }
    }

    /// A number of Swift that changes is told, after a while, and in training after an epoch.
    @Test func aNumberThatChangedIsTold() throws {
        try withDevice(TestDevices.interpreter) {
            let number = Number()
            number.value = 0.5
            let step = compiled { (x: Tensor) in x * number.value }
            let one = Tensor([1] as [Float])
            for _ in 0..<200 { #expect(try step(one).item() == 0.5) }
            number.value = 0.75
            #expect {
                for _ in 0..<200 { _ = try step(one) }
            } throws: { "\($0)".contains("0.5") && "\($0)".contains("0.75") }

            let inAnArray = compiled { (x: Tensor) in x * Tensor([Float(number.value)]) }
            _ = try inAnArray(one)
            number.value = 0.25
            #expect { for _ in 0..<200 { _ = try inAnArray(one) } } throws: { "\($0)".contains("an array") }

            let model = Sequential(Linear(from: 2, to: 2))
            let objective = Scaled(model: model, number: number)
            let trainer = try Trainer(
                model, objective, Optimizer(SGD(), for: model, learningRate: 0.1), .init(epochs: 3, batchSize: 20, seed: 1))
            var epochs = 0
            #expect {
                try trainer.run(on: Quadrants(count: 40)) { event in
                    if case .epoch = event { (epochs, number.value) = (epochs + 1, number.value + 1) }
                }
            } throws: { "\($0)".contains("Tensor.asked") }
            #expect(epochs == 1)
        }
    }

    private func expectFrozen(_ words: String, _ step: CompiledStep, _ x: Tensor, location: SourceLocation = #_sourceLocation) {
        #expect(sourceLocation: location) {
            for _ in 0..<70 { _ = try step(x) }
        } throws: { "\($0)".contains(words) && "\($0)".contains("Tensor.asked") }
        // Until it is captured anew, no call goes on with it.
        #expect(throws: SomaError.self, sourceLocation: location) { try step(x) }
    }

    /// Another graph, a longer array, another tensor, state or order of inputs.
    @Test(arguments: TestDevices.all) func whateverIsFrozenIsTold(_ device: Device) throws {
        try withDevice(device) {
            let number = Number()
            let x = Tensor([Float](repeating: 1, count: 1000))
            func expect(_ words: String, location: SourceLocation = #_sourceLocation, _ body: @escaping @Sendable (Tensor) throws -> Tensor) throws {
                number.value = 0
                let step = compiled(body)
                _ = try step(x)
                number.value = 1
                expectFrozen(words, step, x, location: location)
            }
            try expect("by now that builds another") { number.value == 0 ? $0 * 2 : $0 * 2 + 1 }
            try expect("by now that builds another") { number.value == 0 ? relu($0) : tanh($0) }
            let kernels = [Self.copyKernel("one"), Self.copyKernel("other")]
            try expect("by now that builds another") { kernels[Int(number.value)]($0, shape: $0.shape) }
            try expect("with an array") { $0 * Tensor((0..<1000).map { Float($0) + ($0 == 999 ? Float(number.value) : 0) }) }
            let kept = [exp(x), exp(x) * 2]
            try realizeAll(kept)
            try expect("with an array") { $0 * kept[Int(number.value)] }
            try expect("with a slice from 0 on, which its closure by now takes from 1 on") { $0[Int(number.value)..<(Int(number.value) + 5)] }
            let states = [State(x), State(x + 1)]
            try expect("reads another") { $0 * states[Int(number.value)].tensor }
            try expect("changes another") {
                states[Int(number.value)].assign($0)
                return $0
            }
            try expect("reads another") { number.value == 0 ? $0 * states[0].tensor : $0 * kept[0] }
        }
    }

    /// Each signature is looked at, however the calls of several take turns.
    @Test func everySignatureIsLookedAt() throws {
        try withDevice(TestDevices.interpreter) {
            let number = Number()
            let step = compiled { (x: Tensor) in x.count == 1 ? x * number.value : x * 2 }
            let (one, two) = (Tensor([1] as [Float]), Tensor([1, 1] as [Float]))
            _ = try step(one)
            number.value = 1
            var calls = 0
            #expect {
                while calls < 1000 {
                    _ = try step(one)
                    calls += 1
                    for _ in 0..<3 { _ = try step(two) }
                }
            } throws: { "\($0)".contains("with 0.0, which its closure by now reads as 1.0") }
            #expect(calls == 62, "the 64th call of the signature")
        }
    }

    /// What may be otherwise when a closure runs again though nothing is frozen.
    @Test(arguments: TestDevices.all) func whatIsNotFrozenIsNotTold(_ device: Device) throws {
        try withDevice(device) {
            // A tensor of before that was computed meanwhile.
            let pending = Tensor([1, 2, 3] as [Float]) * 2
            let reading = compiled { (x: Tensor) in x + exp(pending) }
            let zero = Tensor([0, 0, 0] as [Float])
            let first: [Float] = try reading(zero).scalars()
            try pending.realize()
            for _ in 0..<70 { #expect(try reading(zero).scalars() == first) }

            // Layers, arrays and kernels that the closure makes anew.
            let making = compiled { (x: Tensor) in
                let layer = LayerNorm(3)
                let kernel = Self.copyKernel("copy")
                return kernel(layer(x * Tensor([1, 2, 3] as [Float])), shape: x.shape)
            }
            let expected: [Float] = try LayerNorm(3)(Self.x() * Tensor([1, 2, 3] as [Float])).scalars()
            for _ in 0..<70 { #expect(try making(Self.x()).scalars() == expected) }

            // Training with draws, updates, a mode that is implied, parameters that move, averages.
            let model = Sequential(Linear(from: 3, to: 4), Dropout(rate: 0.5), BatchNorm(4), Linear(from: 4, to: 2))
            let optimizers = [
                try Optimizer(Adam(), for: model, learningRate: 0.01, averageDecay: 0.9),
                try Optimizer(SGD(momentum: 0.9), for: model, learningRate: .linear(from: 0.1, over: 100), averageDecay: 0.9),
            ]
            let predicting = compiled { (x: Tensor) in model(x) }
            let training = compiled { (x: Tensor, y: Tensor) in
                let loss = crossEntropy(model(x) + .randomUniform([2, 2], device: x.device), y)
                try optimizers[1].update(minimizing: loss)
                return loss
            }
            for _ in 0..<70 {
                _ = try training(Self.x(), Self.labels)
                _ = try predicting(Self.x())
                _ = try optimizers[1].withAveragedWeights { try predicting(Self.x()) }
            }
            #expect(training.programs.count == 1 && predicting.programs.count == 2)
        }
    }

    private static func copyKernel(_ name: String) -> CustomKernel {
        let source = """
            void \(name)(__global const float *x, __global float *y) {
                int i = get_global_id(0);
                y[i] = x[i];
            }
            """
        return CustomKernel(name: name, source: source) { inputs, _ in
            CustomKernel.Launch(global: [inputs[0].count])
        } compute: { inputs, shapes, output, _ in
            output.copyMemory(from: inputs[0], byteCount: 4 * shapes[0].count)
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

private struct Scaled: Objective {
    let model: Sequential
    let number: Number
    func loss(_ batch: Minibatch) -> Tensor { crossEntropy(model(batch["image"]), batch["label"]) * number.value }
    func metrics(_ batch: Minibatch) -> [Metric] { [] }
    var criterion: Criterion? { nil }
}
