import Foundation
import Glibc
import Soma
import SomaReference
import Testing

/// Tasks with several players, and what the loop does for any task.
@Suite struct TaskTests {
    /// A generator that is to give what a critic takes for the data; every `turnCount`-th step moves the generator too.
    private struct Game: TrainingTask {
        struct Pair: Module {
            let generator = Sequential(Linear(from: 3, to: 8), ReLU(), Linear(from: 8, to: 2))
            let critic = Sequential(Linear(from: 2, to: 8), ReLU(), Linear(from: 8, to: 1))
        }

        let pair = Pair()
        let generator, critic: Player
        var turnCount = 1
        var turns: [String] { Array(repeating: "critic", count: turnCount - 1) + ["both"] }
        /// The update of the generator from which its loss is no number.
        var breaksAt: Int?
        /// The same of the critic, which is listed behind the generator and moves before it.
        var criticBreaksAt: Int?

        init(turnCount: Int = 1) throws {
            generator = Player("generator", try Optimizer(Adam(), for: pair.generator, learningRate: 0.01, averageDecay: 0.5))
            critic = Player("critic", try Optimizer(SGD(momentum: 0.9), for: pair.critic, learningRate: 0.01))
            self.turnCount = turnCount
        }

        var module: any Module { pair }
        var players: [Player] { [generator, critic] }
        let criterion: Criterion? = .lowest("distance")
        var lossNames: [String] { ["generator_loss", "critic_loss", "gap"] }

        func step(_ batch: Minibatch, _ context: StepContext) throws {
            let fake = pair.generator(.randomNormal([batch.count, 3]))
            let (real, made) = (pair.critic(batch["image"]), pair.critic(fake.withoutGradient()))
            context.tell("gap", (real.mean() - made.mean()).withoutGradient())
            let isCriticBroken = Tensor.asked { [critic, criticBreaksAt] in critic.optimizer.updateCount >= criticBreaksAt ?? .max ? 1 : 0 }
            let verdicts = square(real - 1).mean() + square(made).mean()
            try context.minimize(criticBreaksAt == nil ? verdicts : verdicts / (1 - isCriticBroken), by: critic)
            guard context.turn == "both" else { return }
            let loss = square(pair.critic(fake) - 1).mean()
            guard let breaksAt else { return try context.minimize(loss, by: generator) }
            let isBroken = Tensor.asked { [generator] in generator.optimizer.updateCount >= breaksAt ? 1 : 0 }
            try context.minimize(loss / (1 - isBroken), by: generator)
        }

        func metrics(_ batch: Minibatch) -> [Metric] {
            let made = pair.generator(batch["image"].padded([(0, 0), (0, 1)]))
            let rows = made.expandingDims(at: 1)[0..., 0, 0]
            let median = Metric(rows: [rows]) { totals in
                let values = totals.rows[0].sorted()
                return Report([Figure("median", values.isEmpty ? .nan : values[values.count / 2], better: nil)])
            }
            return [.mean("distance", sum: square(made - batch["image"]).sum(), over: Tensor.ones([batch.count]).sum()), median]
        }

        func preview() throws -> [Preview] {
            let points: [Float] = try pair.generator(.ones([1, 3])).scalars()
            let pixels = points.map { UInt8(max(0, min(255, 128 + 64 * $0))) }
            return [Preview("points", .text("\(points)\n")), Preview("pictures", .picture(Picture(width: 2, height: 1, channels: 1, pixels: pixels)))]
        }
    }

    private let data = Quadrants(count: 40)

    private func makeTrainer(
        _ device: Device, _ folder: TemporaryFolder? = nil, epochs: Int = 3, change: (inout Game, inout Trainer.Options) -> Void = { _, _ in }
    ) throws -> (game: Game, trainer: Trainer) {
        let generator = RandomGenerator(seed: 5)
        return try withDevice(device) {
            try withRandomGenerator(generator) {
                var (game, options) = (try Game(), Trainer.Options(epochs: epochs, batchSize: 9, seed: 3))
                (options.folder, options.readingInterval) = (folder.map { String($0.path("").dropLast()) }, 2)
                change(&game, &options)
                return (game, Trainer(game, options, generator: generator))
            }
        }
    }

    private func bits(_ module: some Module) throws -> [[UInt32]] {
        try module.parameters.map { try $0.tensor.contiguous().scalars(as: Float.self).map(\.bitPattern) }
    }

    /// Losses by their names, measures that are sums and rows, and a preview of each epoch.
    @Test(arguments: TestDevices.all) func tellsOfEveryPlayer(_ device: Device) throws {
        let folder = try TemporaryFolder()
        let (game, trainer) = try makeTrainer(device, folder)
        var (names, files, summaries) = (Set<[String]>(), [String](), [EpochSummary]())
        let result = try trainer.run(on: data, evaluatingOn: data) { event in
            switch event {
            case .step(_, let losses): if let losses { names.insert(losses.map(\.name)) }
            case .file(let path): files.append(path)
            case .epoch(let summary): summaries.append(summary)
            default: break
            }
        }
        #expect(names == [["generator_loss", "critic_loss", "gap"]] && summaries.count == 3)
        #expect(summaries.allSatisfy { $0.evaluation?.report.figures.map(\.name) == ["distance", "median"] })
        #expect(summaries.allSatisfy { $0.losses.allSatisfy { $0.value.isFinite } })
        #expect(files == (1...3).flatMap { [folder.path("points/epoch-000\($0).txt"), folder.path("pictures/epoch-000\($0).png")] })
        #expect(files.allSatisfy { access($0, R_OK) == 0 })
        #expect(game.generator.optimizer.updateCount == 15 && game.critic.optimizer.updateCount == 15 && result.progress.updateCount == 15)
        let checkpoint = try Checkpoint(path: trainer.lastPath)
        #expect(checkpoint.metadata["optimizer.updates.generator"] == "15" && checkpoint.metadata["optimizer.updates.critic"] == "15")
    }

    /// The mean and the median are those of all samples, however they come in minibatches.
    @Test(arguments: TestDevices.all) func measuresWholeDataSets(_ device: Device) throws {
        let game = try makeTrainer(device).game
        let evaluator = Evaluator(game, device: device)
        let whole = try evaluator.evaluate(data, batchSize: 40)
        let parts = try evaluator.evaluate(data, batchSize: 7)
        #expect(whole["median"] == parts["median"])
        #expect(abs((whole["distance"] ?? 0) - (parts["distance"] ?? 1)) < 1e-5)
        let loader = try BatchLoader(data, batchSize: 40, seed: nil, epochs: 1)
        let batch = try Minibatch(try #require(try loader.next()), device: device)
        let made: [Float] = try withDevice(device) { game.pair.generator(batch["image"].padded([(0, 0), (0, 1)])) }.scalars()
        let values = stride(from: 0, to: 80, by: 2).map { Double(made[$0]) }.sorted()
        #expect(abs((whole["median"] ?? 0) - values[20]) < 1e-6)
    }

    /// Two players, in turns of two: a run that is interrupted at any step ends like one that is not.
    @Test(arguments: TestDevices.all) func resumesWithTheSameBits(_ device: Device) throws {
        func figures(_ event: TrainingEvent) -> [Double] {
            switch event {
            case .epoch(let summary): (summary.losses + (summary.evaluation?.report.figures ?? [])).map(\.value)
            case .step(_, let losses): losses?.map(\.value) ?? []
            default: []
            }
        }
        let twoTurns = { (game: inout Game, options: inout Trainer.Options) in game.turnCount = 2 }
        let whole = try makeTrainer(device, change: twoTurns)
        var expected: [Double] = []
        _ = try whole.trainer.run(on: data, evaluatingOn: data) { expected += figures($0) }
        #expect(whole.game.critic.optimizer.updateCount == 15 && whole.game.generator.optimizer.updateCount == 7)
        for stop in [1, 6, 9] {
            let folder = try TemporaryFolder()
            var (got, steps) = ([Double](), 0)
            let first = try makeTrainer(device, folder, change: twoTurns).trainer
            let interrupted = try first.run(on: data, evaluatingOn: data) { event in
                if case .step = event { steps += 1 }
                got += figures(event)
            } isInterrupted: {
                steps == stop
            }
            #expect(interrupted.isInterrupted)
            let second = try makeTrainer(device, folder, change: twoTurns)
            try second.trainer.resume(from: Checkpoint(path: first.lastPath))
            _ = try second.trainer.run(on: data, evaluatingOn: data) { got += figures($0) }
            #expect(got == expected, "\(stop)")
            #expect(try bits(second.game.pair) == bits(whole.game.pair), "\(stop)")
        }
    }

    /// A loss that is told in every other step is a mean over the samples of those.
    @Test func lossesOfTurnsAreMeansOverTheirOwnSamples() throws {
        struct Constant: TrainingTask {
            let players: [Player]
            let model = Sequential(Linear(from: 2, to: 1), Linear(from: 1, to: 1))
            var turns: [String] { players.map(\.name) }
            let criterion: Criterion? = nil
            var module: any Module { model }
            init() throws {
                players = try ["p", "q"].enumerated().map { Player($1, try Optimizer(SGD(), for: [Linear(from: 2, to: 1), Linear(from: 1, to: 1)][$0], learningRate: 0)) }
            }
            func metrics(_ batch: Minibatch) -> [Metric] { [] }
            func step(_ batch: Minibatch, _ context: StepContext) throws {
                context.tell("\(context.turn)_loss", Tensor.ones([], device: batch["image"].device))
            }
        }
        let device = try Device.named("cpu")
        try withDevice(device) {
            var losses: [Figure] = []
            let trainer = try Trainer(Constant(), Trainer.Options(epochs: 1, batchSize: 9, seed: 1))
            try trainer.run(on: data, evaluatingOn: data) { if case .epoch(let summary) = $0 { losses = summary.losses } }
            #expect(losses.map(\.name) == ["p_loss", "q_loss"] && losses.map(\.value) == [1, 1])
        }
    }

    /// Sums of int32 are added up beyond what that holds, and shares of tokens are over tokens.
    @Test(arguments: TestDevices.all) func measuresManyThings(_ device: Device) throws {
        struct Counting: Measured {
            let criterion: Criterion? = nil
            func metrics(_ batch: Minibatch) -> [Metric] {
                let many = Tensor([Int32](repeating: 1 << 30, count: 1), shape: .scalar, device: batch["image"].device)
                return [
                    Metric(sums: [many]) { Report([Figure("many", $0.sums[0][0], better: nil)]) },
                    .share("positive", of: batch["image"] .> 0),
                ]
            }
        }
        let evaluation = try Evaluator(Counting(), device: device).evaluate(data, batchSize: 4)
        #expect(evaluation["many"] == 10 * Double(1 << 30) && evaluation["positive"] == 0.5)
    }

    /// The mean over what counts does not depend on how samples come in minibatches.
    @Test func regressionOverWhatCounts() throws {
        let device = try Device.named("cpu")
        let data = try TensorDataSet([
            "x": Tensor([1, 2, 3, 4, 5, 6] as [Float], shape: [6, 1], device: device), "y": Tensor([0, 0, 1, 0, 2, 0] as [Float], shape: [6, 1], device: device),
        ])
        let objective = Regression(Sequential(), loss: { square($0 - $1).mean(alongAxes: 1).mean(weightedBy: $1.reshaped(to: [$1.shape[0]])) })
        for size in [1, 2, 3, 6] {
            let loss = try #require(try Evaluator(objective, device: device).evaluate(data, batchSize: size)["loss"])
            #expect(abs(loss - (4 * 1 + 9 * 2) / 3.0) < 1e-5, "\(size)")
        }
    }

    /// A loss of two means, one over what counts and one over samples, is that of all samples however they come.
    @Test func lossesOfSeveralMeans() throws {
        let device = try Device.named("cpu")
        let data = try TensorDataSet([
            "x": Tensor([1, 2, 3, 4, 5, 6] as [Float], shape: [6, 1], device: device), "y": Tensor([0, 0, 1, 0, 2, 0] as [Float], shape: [6, 1], device: device),
        ])
        let objective = Regression(Sequential(), loss: { x, y in
            let (x, y) = (x.reshaped(to: [x.shape[0]]), y.reshaped(to: [y.shape[0]]))
            return 2 * square(x - y).mean(weightedBy: y) + square(x).mean() + x.mean(weightedBy: (y .== 0).as(.float32)) * 0.5
        })
        for size in [1, 2, 3, 4, 6] {
            let loss = try #require(try Evaluator(objective, device: device).evaluate(data, batchSize: size)["loss"])
            #expect(abs(loss - (2 * (4.0 * 1 + 9 * 2) / 3 + 91.0 / 6 + 0.5 * 13 / 4)) < 1e-5, "\(size): \(loss)")
        }
        let infinite = Regression(Sequential(), loss: { x, y in (x / 0).mean(weightedBy: y) })
        #expect(try Evaluator(infinite, device: device).evaluate(data, batchSize: 2)["loss"] == .infinity)
    }

    /// A run in phases keeps the rows of all of them.
    @Test func phasesAreRecorded() throws {
        let folder = try TemporaryFolder()
        let device = try Device.named("cpu")
        try withDevice(device) {
            let net = Sequential(Linear(from: 2, to: 2))
            let phases = ["first", "second"].map { name in
                TrainingPhase(name, epochs: 2) { SupervisedTask(net, Classification(net), try Optimizer(SGD(), for: net, learningRate: 0.1)) }
            }
            var options = Trainer.Options(epochs: 0, batchSize: 9, seed: 1)
            options.folder = String(folder.path("").dropLast())
            let record = try RunRecord(folder: String(folder.path("").dropLast()), title: "net", device: device, resumes: false)
            _ = try PhasedTrainer(phases, options).run(on: data, evaluatingOn: data, report: { try record.note($0) })
            try record.draw()
            let bytes = try String(contentsOfFile: folder.path("metrics.csv"), encoding: .utf8)
            #expect(bytes.split(separator: "\n").map { $0.prefix { $0 != "," } } == ["model"] + Array(repeating: "net: first", count: 2) + Array(repeating: "net: second", count: 2))
            // Nothing but a run in phases goes on with it.
            let trainer = Trainer(net, Classification(net), try Optimizer(SGD(), for: net, learningRate: 0.1), options)
            #expect { try trainer.resume(from: Checkpoint(path: folder.path("last.safetensors"))) } throws: { "\($0)".contains("run in phases") }
        }
    }

    /// Of phases that rows of `metrics.csv` would call alike each has its own, and a run that goes on in the second keeps those of the first.
    @Test func phasesOfOneNameKeepTheirRowsApart() throws {
        let folder = try TemporaryFolder()
        let (device, path) = (try Device.named("cpu"), String(folder.path("").dropLast()))
        func models() throws -> [Substring] {
            try String(contentsOfFile: folder.path("metrics.csv"), encoding: .utf8).split(separator: "\n").dropFirst().map { $0.prefix { $0 != "," } }
        }
        try withDevice(device) {
            let net = Sequential(Linear(from: 2, to: 2))
            func train(_ names: [String], resumes: Bool, _ isInterrupted: @escaping () -> Bool = { false }) throws {
                let phases = names.map { name in
                    TrainingPhase(name, epochs: 1) { SupervisedTask(net, Classification(net), try Optimizer(SGD(), for: net, learningRate: 0.1)) }
                }
                var options = Trainer.Options(epochs: 0, batchSize: 9, seed: 1)
                options.folder = path
                let record = try RunRecord(folder: path, title: "net", device: device, resumes: resumes)
                let trainer = PhasedTrainer(phases, options)
                if resumes { try trainer.resume(from: Checkpoint(path: folder.path("last.safetensors"))) }
                _ = try trainer.run(on: data, report: { try record.note($0) }, isInterrupted: isInterrupted)
                try record.draw()
            }
            try train(["part (2)", "part", "part", "a,b", "a b"], resumes: false)
            #expect(try models() == ["net: part (2)", "net: part", "net: part (3)", "net: a b", "net: a b (2)"])
            var steps = 0
            try train(["part", "part"], resumes: false) {
                steps += 1
                return steps == 7
            }
            try train(["part", "part"], resumes: true)
            #expect(try models() == ["net: part", "net: part (2)"])
        }
    }

    @Test func aBrokenPlayerIsNamed() throws {
        let folder = try TemporaryFolder()
        let trainer = try makeTrainer(try .named("cpu"), folder) { game, _ in game.breaksAt = 6 }.trainer
        #expect { try trainer.run(on: data) } throws: { "\($0)".contains("the generator loss became infinite at step 7") }
        #expect(try Checkpoint(path: trainer.lastPath).completedEpochs == 1)
    }

    /// A player that breaks takes the others along: the first is named, however they are listed and however often each moves.
    @Test(arguments: [1, 2]) func thePlayerThatBrokeFirstIsNamed(turnCount: Int) throws {
        let critic = try makeTrainer(try .named("cpu")) { game, _ in (game.criticBreaksAt, game.turnCount) = (6, turnCount) }.trainer
        #expect { try critic.run(on: data) } throws: { "\($0)".contains(/the critic loss became (infinite|NaN) at step 7\b/) }
        let generator = try makeTrainer(try .named("cpu")) { game, _ in (game.breaksAt, game.turnCount) = (2, turnCount) }.trainer
        #expect { try generator.run(on: data) } throws: { "\($0)".contains(/the generator loss became (infinite|NaN) at step 3\b/) }
    }

    @Test func aCheckpointWithoutAPlayerIsRefused() throws {
        let (device, folder) = (try Device.named("cpu"), try TemporaryFolder())
        let (game, trainer) = try makeTrainer(device, folder, epochs: 1)
        _ = try trainer.run(on: data)
        let file = try SafetensorsFile(path: trainer.lastPath)
        func write(_ name: String, _ metadata: [String: String], _ isKept: (String) -> Bool) throws -> String {
            let path = folder.path(name)
            try SafetensorsFile.write(file.tensors.filter { isKept($0.name) }, metadata: metadata, to: path) { tensor, append in
                try file.withBytes(of: tensor.name, append)
            }
            return path
        }
        let before = try bits(game.pair)
        var metadata = file.metadata
        metadata["optimizer.updates.critic"] = nil
        let lost = try write("lost.safetensors", metadata) { _ in true }
        #expect { try trainer.resume(from: Checkpoint(path: lost)) } throws: { "\($0)".contains("no state of the optimiser of 'critic'") }
        let halved = try write("halved.safetensors", file.metadata) { !$0.hasPrefix("optimizer/momentum") }
        #expect { try trainer.resume(from: Checkpoint(path: halved)) } throws: { "\($0)".contains("critic") }
        #expect(try bits(game.pair) == before)
    }

    // MARK: Phases

    /// First the output alone, then all: interrupted in either phase a run ends like one that is not.
    @Test(arguments: TestDevices.all) func phasesResumeWithTheSameBits(_ device: Device) throws {
        func makeRun(_ folder: TemporaryFolder?) -> (net: Sequential, trainer: PhasedTrainer) {
            let generator = RandomGenerator(seed: 11)
            return withDevice(device) {
                withRandomGenerator(generator) {
                    let net = Sequential(Linear(from: 2, to: 6), ReLU(), Linear(from: 6, to: 2))
                    @Sendable func task(_ isFrozen: @escaping (String) -> Bool) throws -> any TrainingTask {
                        let groups = net.parameterGroups { name, _ in isFrozen(name) ? .frozen : .usual }
                        return SupervisedTask(net, Classification(net), try Optimizer(Adam(), groups: groups, learningRate: 0.01))
                    }
                    var options = Trainer.Options(epochs: 0, batchSize: 9, seed: 3)
                    options.folder = folder.map { String($0.path("").dropLast()) }
                    let phases = [
                        TrainingPhase("output", epochs: 2) { try withDevice(device) { try task { $0.hasPrefix("0.") } } },
                        TrainingPhase("whole", epochs: 1) { try withDevice(device) { try task { _ in false } } },
                    ]
                    return (net, PhasedTrainer(phases, options, generator: generator))
                }
            }
        }
        let whole = makeRun(nil)
        let start = try bits(whole.net)
        var atSecond: [[UInt32]] = []
        let result = try whole.trainer.run(on: data, report: { if case .phase(_, 1, _) = $0 { atSecond = try bits(whole.net) } })
        #expect(result.progress.updateCount == 5 && result.progress.epoch == 1)
        #expect(atSecond.prefix(2) == start.prefix(2) && atSecond.suffix(2) != start.suffix(2))
        for stop in [3, 10, 12] {
            let folder = try TemporaryFolder()
            var steps = 0
            let first = makeRun(folder)
            let interrupted = try first.trainer.run(
                on: data, report: { if case .step = $0 { steps += 1 } }, isInterrupted: { steps == stop })
            // After step 10 the first phase is over: what was to stop after its last update is done.
            #expect(interrupted.isInterrupted == (stop != 10))
            let second = makeRun(folder)
            try second.trainer.resume(from: Checkpoint(path: folder.path("last.safetensors")))
            _ = try second.trainer.run(on: data)
            #expect(try bits(second.net) == bits(whole.net), "\(stop)")
        }
    }

    // MARK: The loop

    /// Training ends when no epoch was better for as many as were asked for, and does not go on when it is resumed.
    @Test func endsEarly() throws {
        let folder = try TemporaryFolder()
        let still = { (game: inout Game, options: inout Trainer.Options) in
            options.patience = 2
            game.generator.optimizer.learningRate = 0
        }
        let first = try makeTrainer(try .named("cpu"), folder, epochs: 9, change: still).trainer
        var early = 0
        let result = try first.run(on: data, evaluatingOn: data) { if case .stoppedEarly = $0 { early += 1 } }
        #expect(result.isStoppedEarly && result.progress.epoch == 3 && result.best?.epoch == 0 && early == 1)
        let second = try makeTrainer(try .named("cpu"), folder, epochs: 9, change: still).trainer
        try second.resume(from: Checkpoint(path: first.lastPath))
        // It is told at once that there is nothing left.
        var told: [String] = []
        let again = try second.run(on: data, evaluatingOn: data) { event in
            switch event {
            case .started(let progress): told.append(progress.isOver ? "over" : "goes on")
            case .stoppedEarly: told.append("stopped")
            default: break
            }
        }
        #expect(again.progress.epoch == 3 && told == ["over", "stopped"], "\(told)")
        let third = try makeTrainer(try .named("cpu"), epochs: 3, change: still).trainer
        #expect(try !third.run(on: data, evaluatingOn: data).isStoppedEarly, "it was the last epoch")
    }

    /// A checkpoint within an epoch goes on like one that an interruption leaves.
    @Test func checkpointsBySteps() throws {
        let device = try Device.named("cpu")
        let (folder, other) = (try TemporaryFolder(), try TemporaryFolder())
        let often = { (game: inout Game, options: inout Trainer.Options) in options.checkpointStepInterval = 2 }
        let whole = try makeTrainer(device, folder, change: often)
        var copies: [String] = []
        _ = try whole.trainer.run(on: data) { event in
            guard case .checkpoint(let path, false) = event else { return }
            copies.append(other.path("\(copies.count).safetensors"))
            try AtomicFile.copy(path, to: copies[copies.count - 1])
        }
        // After steps 2 and 4 of 5, and at the end of each of three epochs.
        #expect(copies.count == 9)
        let second = try makeTrainer(device, folder, change: often)
        try second.trainer.resume(from: Checkpoint(path: copies[4]))
        _ = try second.trainer.run(on: data)
        #expect(try bits(second.game.pair) == bits(whole.game.pair))
    }
}
