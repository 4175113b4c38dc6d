import Foundation
import Glibc
import Soma
import SomaReference
import Testing

/// Programs of docs/from-pytorch.md, line by line, in the order of the page; each does what the page says.
@Suite struct FromPyTorchPageTests {
    struct MLP: Layer {
        let hidden = Linear(from: 64, to: 32)
        let dropout = Dropout(rate: 0.1)
        let output = Linear(from: 32, to: 10)
        func callAsFunction(_ x: Tensor) -> Tensor { output(dropout(relu(hidden(x)))) }
    }

    struct Autoencoder: Layer {
        let encoder = Linear(from: 64, to: 8)
        let decoder = Linear(from: 8, to: 64)
        func callAsFunction(_ x: Tensor) -> Tensor { decoder(tanh(encoder(x))) }
    }

    private final class Settings: @unchecked Sendable { var scale = 1.0 }

    private let training, heldOut: Subset

    init() { (training, heldOut) = Digits.dataSet.split(heldOut: 0.2, seed: 1) }

    private func onTheCPU(_ body: () throws -> Void) throws { try withDevice(Device.named("cpu")) { try withRandomSeed(1, body) } }

    @Test func aLoopOfYourOwn() throws {
        try onTheCPU {
            let model = withRandomSeed(1) { MLP() }
            let optimizer = try Optimizer(AdamW(), for: model, learningRate: 1e-3)
            let step = compiled { (images: Tensor, labels: Tensor) in
                let loss = crossEntropy(model(images), labels)
                try optimizer.update(minimizing: loss)
                return loss
            }
            let loader = try BatchLoader(training, batchSize: 32, seed: 1)
            for epoch in 1...5 {
                var total = 0.0
                try loader.forEachInEpoch { batch in
                    total += try step(batch["image"], batch["label"]).item() * Double(batch.count)
                }
                print("epoch \(epoch): loss \(total / Double(training.count))")
            }
            print(try Evaluator(Classification(model)).evaluate(heldOut))
            #expect(optimizer.updateCount == 5 * loader.batchesPerEpoch)
            #expect(try Evaluator(Classification(model)).evaluate(heldOut).value(of: "accuracy") > 0.75)
        }
    }

    @Test func modes() throws {
        try onTheCPU {
            let model = Sequential(Linear(from: 4, to: 6), Dropout(rate: 0.5), BatchNorm(6))
            let optimizer = try Optimizer(SGD(), for: model, learningRate: 0.1)
            let (x, y) = (Tensor.randomNormal([8, 4]), Tensor.zeros([8], dtype: .int32))
            let prediction = model(x)                                       // model.eval()
            let noisy = withTraining { model(x) }                           // model.train(): dropout drops, statistics follow the batch
            try optimizer.update(minimizing: crossEntropy(model(x), y))     // built to train
            #expect(try prediction.scalars() != noisy.scalars())
            #expect(try model.namedStates.first { $0.name == "2.num_batches_tracked" }?.state.tensor.item() == 2)
        }
    }

    @Test func numbersThatChange() throws {
        try onTheCPU {
            let (model, settings) = (Linear(from: 3, to: 2), Settings())
            let optimizer = try Optimizer(SGD(), for: model, learningRate: 0)
            let (x, y) = (Tensor([[1.0, 2.0, 3.0], [0.5, -1.0, 2.0]]), Tensor([0, 1] as [Int32]))
            let weight = State(Tensor(0.0))
            let step = compiled { (x: Tensor, y: Tensor, temperature: Tensor) in                // an argument: what each call decides
                let loss = crossEntropy(model(x) / temperature, y)
                let penalty = model.parameters.map { square($0.tensor).sum() }.reduce(Tensor(0.0), +)
                let pace = optimizer.scheduled(.linear(from: 0, to: 1, over: 100))              // a schedule: what follows the count of updates
                let scale = Tensor.asked { settings.scale }                                     // asked: what lives elsewhere in the program
                let total = loss + weight.tensor * penalty * pace * scale                       // a state: what changes now and then
                try optimizer.update(minimizing: total)
                return total
            }
            weight.assign(Tensor(1e-4))
            _ = try step(x, y, Tensor(2.0))
            let penalty = try model.parameters.reduce(0) { try $0 + square($1.tensor).sum().item() }
            let plain = try crossEntropy(model(x) / 4, y).item()
            // The second update of a hundred, with a weight and a scale that are other ones than when the step was captured.
            weight.assign(Tensor(3.0))
            settings.scale = 5
            #expect(abs(try step(x, y, Tensor(4.0)).item() - (plain + 3 * penalty * 0.01 * 5)) < 1e-5)
        }
    }

    @Test func weights() throws {
        let files = try TemporaryFolder()
        let folder = files.path(".")
        try onTheCPU {
            let (model, whole) = (MLP(), Autoencoder())
            try Checkpoint.write(model, to: files.path("model.safetensors"))
            try Checkpoint.write(whole.encoder, to: files.path("encoder.safetensors"))
            for parameter in model.parameters + whole.encoder.parameters { parameter.assign(.zeros(parameter.shape)) }
            try Checkpoint(path: "\(folder)/model.safetensors").restore(model)
            try Checkpoint.write(model, to: "\(folder)/copy.safetensors")
            try Checkpoint(path: "\(folder)/encoder.safetensors").restore(whole.encoder)
            for parameter in model.parameters + whole.encoder.parameters { #expect(try square(parameter.tensor).sum().item() > 0) }
            #expect(try SafetensorsFile(path: files.path("copy.safetensors")).tensors.map(\.name).sorted() == model.namedParameters.map(\.name).sorted())
        }
    }

    struct Reconstruction: Objective {
        let model: Autoencoder

        func loss(_ batch: Minibatch) -> Tensor { meanSquaredError(model(batch["image"]), batch["image"]) }
    }

    @Test func anObjectiveOfYourOwn() throws {
        try onTheCPU {
            let model = Autoencoder()
            let optimizer = try Optimizer(Adam(), for: model, learningRate: 5e-3)
            let trainer = Trainer(model, Reconstruction(model: model), optimizer, .init(epochs: 3, batchSize: 32, seed: 1))
            let result = try trainer.run(on: training, evaluatingOn: heldOut)
            #expect(try #require(result.best).value < 0.05 && result.best?.epoch == 2)
        }
    }

    @Test func earlyStopping() throws {
        let files = try TemporaryFolder()
        let folder = files.path("run")
        try onTheCPU {
            let model = MLP()
            // Steps that are far too large: the first epochs are the best ones.
            let optimizer = try Optimizer(SGD(momentum: 0.9), for: model, learningRate: .linear(from: 0.1, to: 3, over: 200))
            let options = Trainer.Options(epochs: 200, batchSize: 32, seed: 1, patience: 10, folder: folder)
            let trainer = Trainer(model, Classification(model), optimizer, options)
            let result = try trainer.run(on: training, evaluatingOn: heldOut) { event in
                if let epoch = event.epoch { print(epoch) }
            }
            try Checkpoint(path: trainer.bestPath).restore(model)
            #expect(result.isStoppedEarly)
            let best = try #require(result.best)
            #expect(try Evaluator(Classification(model)).evaluate(heldOut).value(of: "accuracy") == best.value)
            #expect(try #require(result.lastEpoch?.evaluation).value(of: "accuracy") < best.value)
            for name in ["last", "best"] { #expect(unlink("\(folder)/\(name).safetensors") == 0) }
            #expect(rmdir(folder) == 0, "the folder was made, and has nothing else")
        }
    }

    struct Scaled: Layer {
        let layers = [Linear(from: 1, to: 16), Linear(from: 16, to: 1)]     // layers.0.weight, …
        let scale = Parameter(.ones([1]))

        func callAsFunction(_ x: Tensor) -> Tensor { layers[1](tanh(layers[0](x))) * scale.tensor }
    }

    struct Squares: DataSet {
        let count = 1000
        let fields = [Field("x", .float32, [1]), Field("y", .float32, [1])]

        func read(_ indices: [Int], into batch: BatchMemory) {
            let (x, y) = (batch.values(of: "x", as: Float.self), batch.values(of: "y", as: Float.self))
            for (row, index) in indices.enumerated() {
                x[row] = Float(index) / 500 - 1
                y[row] = x[row] * x[row]
            }
        }
    }

    @Test func aModuleAndADataSetOfYourOwn() throws {
        try onTheCPU {
            let model = Scaled()
            #expect(model.namedParameters.map(\.name) == ["layers.0.weight", "layers.0.bias", "layers.1.weight", "layers.1.bias", "scale"])
            let optimizer = try Optimizer(Adam(), for: model, learningRate: 1e-2)
            let trainer = Trainer(model, Regression(model), optimizer, .init(epochs: 20, batchSize: 50, seed: 1))
            let result = try trainer.run(on: Squares(), evaluatingOn: Squares())
            #expect(try #require(result.best).value < 2e-3)
        }
    }

    // MARK: The names

    /// What the tables of names say, as far as nothing else here does.
    @Test func names() throws {
        let files = try TemporaryFolder()
        let path = files.path("names.safetensors")
        try onTheCPU {
            let model = Sequential(Linear(from: 4, to: 3), BatchNorm(3), Identity())
            let w = Parameter(.zeros([3]))
            w.assign(.ones([3]))
            let x = Tensor.randomNormal([2, 3])
            #expect(try gradient(of: (x * w.tensor).sum(), withRespectTo: w.tensor).scalars() == x.sum(alongAxes: 0).scalars())
            #expect(model.parameters.reduce(0) { $0 + $1.shape.count } == 21 && model.namedParameters.count == 4 && model.namedStates.count == 3)
            let groups = model.parameterGroups { name, _ in name.hasPrefix("0") ? .frozen : .usual }
            let optimizer = try Optimizer(
                RMSProp(smoothing: 0.99, isCentered: true), groups: groups, learningRate: Schedule { updates in updates < 10 ? 0.1 : 0.01 },
                clipping: .byNorm(1), averageDecay: 0.999)
            optimizer.learningRate = 1e-4
            #expect(optimizer.parameters.count == 2 && optimizer.learningRate.rate(after: 0) == 1e-4)
            let schedules: [Schedule] = [.steps(0.1, every: 30), .cosine(from: 0.1, over: 10), .linear(from: 0.1, to: 0, over: 10).warmedUp(over: 5)]
            #expect(schedules.map { $0.rate(after: 60) }.map { ($0 * 1e6).rounded() } == [1000, 0, 0])
            try Checkpoint.write(model, optimizer: optimizer, to: path)
            let checkpoint = try Checkpoint(path: path)
            try checkpoint.restore(model)
            try checkpoint.restore(optimizer, of: model)
            let loader = try BatchLoader(training, batchSize: 1000, seed: 1, dropsLast: true)
            let (moved, values): ([Float], [Float]) = (try x.to(Device.named("cpu")).scalars(), try x.scalars())
            #expect(loader.batchesPerEpoch == 1 && moved == values)
        }
    }

    /// The first lines of the table of tensors' names.
    @Test func namesOfTensors() throws {
        try onTheCPU { () throws in
            #expect(Tensor([[1.0, 2.0]]).shape == [1, 2] && Tensor.full([2, 3], 7).count == 6 && Tensor.range(5).shape[0] == 5)
            var x = Tensor.ones(like: Tensor.randomUniform([2, 2]))
            x = x.replacing(at: 0, 1, with: 5)
            #expect(try x.scalars() == [1, 5, 1, 1])
            x[1] = Tensor([2.0, 3.0])
            #expect(try (square(x) - pow(x, 2) + x.clamped(to: 0...2)).scalars() == [1, 2, 2, 2])
            #expect(try ((x .== 5) .&& .!(x .< 0)).scalars() == [0, 1, 0, 0])
            #expect(try Tensor([1, 2, 3]).replacing(at: 1..., with: 9).scalars() == [1, 9, 9])
        }
    }

    // MARK: The page

    /// Every line of a program of the page stands in this file, in order, or the program is a part of an example, which is run elsewhere.
    @Test func thePageShowsThesePrograms() throws {
        let root = #filePath.split(separator: "/").dropLast(3).reduce("") { "\($0)/\($1)" }
        let page = try String(contentsOfFile: root + "/docs/from-pytorch.md", encoding: .utf8)
        let programs = page.components(separatedBy: "```swift\n").dropFirst().compactMap { $0.components(separatedBy: "```").first }
        let examples = try ["ResidualNetwork", "Adversaries"].map {
            try String(contentsOfFile: "\(root)/Examples/\($0)/\($0).swift", encoding: .utf8)
        }
        var here = lines(of: try String(contentsOfFile: #filePath, encoding: .utf8))[...]
        var (count, wholes) = (0, 0)
        for program in programs where !program.contains("import PackageDescription") {
            if examples.contains(where: { $0.contains(program) }) {
                wholes += 1
                continue
            }
            for line in lines(of: program) where !line.isEmpty {
                let place = try #require(here.firstIndex(of: line), "not in this file, or in another order: \(line)")
                here = here[(place + 1)...]
                count += 1
            }
        }
        #expect(count > 50 && wholes == 2)
    }

    /// The packages that the page says a build needs are those that `scripts/setup` requires.
    @Test func thePageNamesThePackages() throws {
        let root = #filePath.split(separator: "/").dropLast(3).reduce("") { "\($0)/\($1)" }
        let script = try String(contentsOfFile: root + "/scripts/setup", encoding: .utf8)
        let required = try #require(script.components(separatedBy: "required=(").last?.components(separatedBy: ")").first)
        let page = try String(contentsOfFile: root + "/docs/from-pytorch.md", encoding: .utf8)
        #expect(page.contains("apt-get install \(required)\n"))
    }

    private func lines(of text: String) -> [String] { text.components(separatedBy: "\n").map { $0.trimmingCharacters(in: .whitespaces) } }
}
