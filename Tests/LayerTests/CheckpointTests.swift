import Soma
import SomaReference
import Testing

/// Checkpoints: PyTorch's files, round trips, and files that do not fit.
@Suite struct CheckpointTests {
    private static let answers = Answers.all.part("interchange")

    private func makeModel() -> Sequential {
        Sequential(
            Linear(from: 3, to: 4), ReLU(), LayerNorm(4), Sequential(Linear(from: 4, to: 2, hasBias: false), Tanh()))
    }

    @Test(arguments: TestDevices.all) func filesOfPyTorchLoad(_ device: Device) throws {
        let folder = try TemporaryFolder()
        let hex = Array((Self.answers.part("file").string ?? "").utf8)
        let bytes = stride(from: 0, to: hex.count, by: 2).compactMap {
            UInt8(String(decoding: hex[$0..<$0 + 2], as: UTF8.self), radix: 16)
        }
        try AtomicFile.write(bytes, to: folder.path("torch.safetensors"))
        try withDevice(device) {
            let model = makeModel()
            #expect(model.namedParameters.map(\.name) == Self.answers.part("names").array?.compactMap(\.string))
            try Checkpoint(path: folder.path("torch.safetensors")).restore(model)
            let y = model(Self.answers.part("x").tensor([2, 3]))
            #expect(try y.difference(from: Self.answers.part("y").doubles) == nil)
        }
    }

    @Test(arguments: TestDevices.all) func trainingGoesOnWithTheSameBits(_ device: Device) throws {
        let folder = try TemporaryFolder()
        try withDevice(device) {
            func make() throws -> (Sequential, Optimizer) {
                let model = makeModel()
                let groups = model.parameterGroups { name, _ in name == "3.0.weight" ? .frozen : .usual }
                return (model, try Optimizer(Adam(), groups: groups, learningRate: 0.1, averageDecay: 0.9))
            }
            func train(_ model: Sequential, _ optimizer: Optimizer, steps: Int) throws {
                for _ in 0..<steps {
                    try optimizer.update(
                        minimizing: crossEntropy(
                            model(Self.answers.part("x").tensor([2, 3])), Tensor([0, 1] as [Int32])))
                }
            }
            func bits(_ model: Sequential, _ optimizer: Optimizer) throws -> [[Float]] {
                func values() throws -> [[Float]] { try model.parameters.map { try $0.tensor.contiguous().scalars() } }
                return try values() + optimizer.withAveragedWeights(values)
            }
            let (model, optimizer) = try make()
            try train(model, optimizer, steps: 3)
            let generator = RandomGenerator(seed: 99)
            _ = generator.hostSequence()
            try Checkpoint.write(
                model, optimizer: optimizer, generator: generator, metadata: ["recipe": "test"],
                to: folder.path("a.safetensors"))
            try train(model, optimizer, steps: 2)

            let (other, otherOptimizer) = try make()
            let checkpoint = try Checkpoint(path: folder.path("a.safetensors"))
            try checkpoint.restore(other)
            try checkpoint.restore(otherOptimizer, of: other)
            let otherGenerator = RandomGenerator(seed: 1)
            try checkpoint.restore(otherGenerator)
            #expect(otherGenerator.state == generator.state)
            #expect(otherOptimizer.updateCount == 3)
            #expect(checkpoint.metadata["recipe"] == "test")
            try train(other, otherOptimizer, steps: 2)
            #expect(try bits(other, otherOptimizer) == bits(model, optimizer))
        }
    }

    @Test func whatDoesNotFitIsNamed() throws {
        let folder = try TemporaryFolder()
        func message(_ tensors: [(String, SafetensorsFile.ElementType, [Int])], _ body: (Checkpoint) throws -> Void)
            throws -> String
        {
            let path = folder.path("x.safetensors")
            let contents = tensors.map { name, type, shape in
                let tensor = SafetensorsFile.Tensor(name: name, elementType: type, shape: shape)
                return (tensor: tensor, bytes: [UInt8](repeating: 1, count: tensor.byteCount))
            }
            try SafetensorsFile.write(contents, to: path)
            do { try body(Checkpoint(path: path)) } catch { return "\(error)" }
            return "no error"
        }
        try withDevice(TestDevices.interpreter) { () throws in
            let linear = Linear(from: 3, to: 2)
            let before = try linear.weight.tensor.scalars(as: Float.self)
            func restored(_ tensors: [(String, SafetensorsFile.ElementType, [Int])]) throws -> String {
                try message(tensors) { try $0.restore(linear) }
            }
            #expect(try restored([("weight", .float32, [2, 3])]).hasSuffix("x.safetensors lacks 'bias' of the model"))
            #expect(
                try restored([("weight", .float32, [2, 3]), ("bias", .float32, [2]), ("extra", .float32, [1])])
                    .hasSuffix("has 'extra', which the model does not"))
            #expect(
                try restored([("weight", .float32, [3, 2]), ("bias", .float32, [2])]).contains("'weight' is F32 [3, 2]")
            )
            #expect(
                try restored([("weight", .int32, [2, 3]), ("bias", .float32, [2])]).contains(
                    "the model wants F32 [2, 3]"))
            #expect(try linear.weight.tensor.scalars(as: Float.self) == before, "nothing was changed")
            let optimizer = try Optimizer(Adam(), for: linear, learningRate: 0.1)
            #expect(
                try message([]) { try $0.restore(optimizer, of: linear) }.contains("holds no state of an optimiser"))
        }
    }

    @Test func modelsAreCheckedWithoutBeingDrawn() throws {
        let folder = try TemporaryFolder()
        try withDevice(TestDevices.interpreter) {
            let (path, generator) = (folder.path("a"), RandomGenerator(seed: 5))
            let model = Linear(from: 3, to: 2)
            try Checkpoint.write(model, to: path)
            let checkpoint = try Checkpoint(path: path)
            let outline = withRandomGenerator(generator) { withoutInitialization { Linear(from: 3, to: 2) } }
            #expect(generator.state.drawCount == 0)
            #expect(try outline.weight.tensor.scalars(as: Float.self) == Array(repeating: 0, count: 6))
            try checkpoint.check(outline)
            try checkpoint.restore(outline)
            #expect(try outline.weight.tensor.scalars(as: Float.self) == model.weight.tensor.scalars())
            let huge = withoutInitialization { Linear(from: 1 << 20, to: 1 << 20) }
            #expect { try checkpoint.check(huge) } throws: { "\($0)".contains("the model wants F32 [1048576, 1048576]") }
        }
    }

    @Test func anotherOptimizersStateIsRefused() throws {
        let folder = try TemporaryFolder()
        try withDevice(TestDevices.interpreter) {
            let linear = Linear(from: 3, to: 2)
            try Checkpoint.write(
                linear, optimizer: Optimizer(SGD(momentum: 0.9), for: linear, learningRate: 1), to: folder.path("a"))
            let adam = try Optimizer(Adam(), for: linear, learningRate: 0.1)
            #expect { try Checkpoint(path: folder.path("a")).restore(adam, of: linear) } throws: { error in
                "\(error)".contains("no tensor 'optimizer/exp_avg/weight'")
            }
        }
    }

    @Test func brokenValuesReplaceNothing() throws {
        let folder = try TemporaryFolder()
        try withDevice(TestDevices.interpreter) {
            let linear = Linear(from: 3, to: 2)
            let path = folder.path("a.safetensors")
            try Checkpoint.write(linear, requiresFinite: true, to: path)
            linear.bias?.assign(Tensor([1, .nan] as [Float]))
            #expect { try Checkpoint.write(linear, requiresFinite: true, to: path) } throws: {
                "\($0)".contains("'bias' holds a NaN")
            }
            try Checkpoint(path: path).restore(linear)
            #expect(try linear.bias?.tensor.scalars(as: Float.self).allSatisfy { $0.isFinite } == true)
            try Checkpoint.write(linear, to: path)
        }
    }
}
