import Foundation
import Soma
import SomaReference
import Testing

// What a captured step takes anew at each replay, and what it finds out of the rest.

extension CaptureTests {
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
}

private struct Scaled: Objective {
    let model: Sequential
    let number: Number
    func loss(_ batch: Minibatch) -> Tensor { crossEntropy(model(batch["image"]), batch["label"]) * number.value }
    func metrics(_ batch: Minibatch) -> [Metric] { [] }
    var criterion: Criterion? { nil }
}
