import Glibc
import Soma
import SomaReference
import Testing

/// Points in the plane, of class 1 where x·y > 0: no line tells them apart.
struct Quadrants: DataSet {
    let count: Int
    /// A sample whose x is NaN.
    var broken: Int?
    let fields = [Field("image", .float32, [2]), Field("label", .int32, [])]

    func read(_ indices: [Int], into batch: BatchMemory) {
        let (points, labels) = (batch.values(of: "image", as: Float.self), batch.values(of: "label", as: Int32.self))
        for (row, index) in indices.enumerated() {
            let angle = 2 * Double.pi * (Double(index) + 0.5) / Double(count)
            (points[2 * row], points[2 * row + 1]) = (index == broken ? .nan : Float(cos(angle)), Float(sin(angle)))
            labels[row] = cos(angle) * sin(angle) > 0 ? 1 : 0
        }
    }
}

/// The training loop: that it learns, tells what happens, and goes on with the same bits.
@Suite struct TrainerTests {
    private let training = Quadrants(count: 40)
    private let heldOut = Quadrants(count: 24)

    private struct Run {
        let model: Sequential
        let trainer: Trainer
    }

    private func makeRun(
        _ device: Device, epochs: Int = 3, folder: TemporaryFolder? = nil, averageDecay: Double? = nil
    ) throws -> Run {
        let generator = RandomGenerator(seed: 7)
        return try withDevice(device) {
            try withRandomGenerator(generator) {
                let model = Sequential(Linear(from: 2, to: 12), ReLU(), Dropout(rate: 0.1), Linear(from: 12, to: 2))
                let optimizer = try Optimizer(
                    Adam(), for: model, learningRate: .cosine(from: 0.1, over: max(5 * epochs, 1)), averageDecay: averageDecay)
                var options = Trainer.Options(epochs: epochs, batchSize: 9, seed: 3)
                options.folder = folder?.path("")
                options.readingInterval = 3
                options.evaluationBatchSize = 10
                options.metadata = ["recipe": "quadrants"]
                return Run(
                    model: model,
                    trainer: Trainer(model, Classification(model), optimizer, options, generator: generator))
            }
        }
    }

    /// A data set that takes its time, and has something to tell.
    private struct Slow: DataSet {
        let base = Quadrants(count: 40)
        let count = 40
        let delay: useconds_t
        var fields: [Field] { base.fields }

        func read(_ indices: [Int], into batch: BatchMemory) {
            usleep(delay)
            base.read(indices, into: batch)
        }

        func takeRemarks() -> [String] { ["slow"] }
    }

    @Test func tellsHowLongTheDeviceWaitedForData() throws {
        // It has nothing to do at any time.
        let device = Device.recording()
        var (waits, remarks) = ([Double](), 0)
        _ = try makeRun(device).trainer.run(on: Slow(delay: 30_000)) { event in
            if case .step(let progress, _) = event, let wait = progress.dataWait { waits.append(wait) }
            if case .remark(let text) = event { remarks += text == "slow" ? 1 : 0 }
        }
        #expect(remarks == 15)
        // Nothing can be told of the first update, which compiles.
        #expect(waits.count == 14)
        #expect(waits.allSatisfy { (0...1).contains($0) } && waits.max() ?? 0 > 0.5, "\(waits)")
    }

    /// Every checkpoint says what its bits were computed with.
    @Test func checkpointsTellWhatDecidesTheirBits() throws {
        let (device, folder) = (try Device.named("cpu"), try TemporaryFolder())
        let trainer = try makeRun(device, epochs: 1, folder: folder).trainer
        _ = try trainer.run(on: training, evaluatingOn: heldOut)
        for path in [trainer.lastPath, trainer.bestPath] {
            let checkpoint = try Checkpoint(path: path)
            #expect(checkpoint.arithmetic == Arithmetic(of: device) && checkpoint.metadata["recipe"] == "quadrants")
        }
    }

    private func bits(_ model: Sequential) throws -> [[UInt32]] {
        try model.parameters.map { try $0.tensor.contiguous().scalars(as: Float.self).map(\.bitPattern) }
    }

    @Test(arguments: TestDevices.all) func learnsAndTells(_ device: Device) throws {
        let run = try makeRun(device, epochs: 12)
        var (steps, reads, losses) = (0, 0, [Double]())
        let result = try run.trainer.run(on: training, evaluatingOn: heldOut) { event in
            switch event {
            case .step(let progress, let losses):
                steps += 1
                if losses != nil { reads += 1 }
                #expect(
                    progress.updateCount == steps && progress.batch == (steps - 1) % 5 + 1
                        && progress.batchesPerEpoch == 5)
            case .epoch(let summary): losses.append(summary.loss)
            case .checkpoint, .file: Issue.record("a file without a folder")
            case .stoppedEarly: Issue.record("nobody asked for that")
            case .compiled(let programs): #expect(programs.count == 1 && programs[0].steps.reduce(0) { $0 + $1.count } > 0)
            case .remark(let text): Issue.record("\(text)")
            case .started, .interrupted, .phase: break
            }
        }
        #expect(steps == 60)
        #expect(reads == 24, "after three batches and at the end of an epoch")
        #expect(losses.count == 12 && losses[11] < losses[0] / 2)
        #expect(try #require(result.lastEpoch?.evaluation?["accuracy"]) > 0.9)
        #expect(!result.isInterrupted && result.progress.epoch == 12)
    }

    /// A run that is interrupted at any batch and goes on from its checkpoint ends like one that is not, in weights and
    /// in figures.
    @Test(arguments: TestDevices.all) func resumesWithTheSameBits(_ device: Device) throws {
        func figures(_ event: TrainingEvent) -> [Double] {
            switch event {
            case .epoch(let summary):
                [summary.loss] + (summary.evaluation?.report.figures.map(\.value) ?? [])
            case .step(_, let losses): losses?.map(\.value) ?? []
            default: []
            }
        }
        let whole = try makeRun(device, averageDecay: 0.5)
        var expected: [Double] = []
        let result = try whole.trainer.run(on: training, evaluatingOn: heldOut) { expected += figures($0) }
        for stop in [1, 5, 8] {
            let folder = try TemporaryFolder()
            var got: [Double] = []
            let first = try makeRun(device, folder: folder, averageDecay: 0.5)
            var steps = 0
            let interrupted = try first.trainer.run(on: training, evaluatingOn: heldOut) { event in
                if case .step = event { steps += 1 }
                got += figures(event)
            } isInterrupted: {
                steps == stop
            }
            #expect(interrupted.isInterrupted && interrupted.progress.updateCount == stop)
            let second = try makeRun(device, folder: folder, averageDecay: 0.5)
            try second.trainer.resume(from: Checkpoint(path: second.trainer.lastPath))
            let resumed = try second.trainer.run(on: training, evaluatingOn: heldOut) { got += figures($0) }
            #expect(try bits(second.model) == bits(whole.model), "stopped after \(stop)")
            #expect(got == expected, "stopped after \(stop)")
            #expect(resumed.best?.value == result.best?.value && resumed.best?.epoch == result.best?.epoch)
        }
    }

    /// Counts that would overflow, and sums that are no numbers, are refused by name.
    @Test func brokenProgressIsRefused() throws {
        let folder = try TemporaryFolder()
        let run = try makeRun(TestDevices.interpreter, folder: folder)
        _ = try run.trainer.run(on: training, evaluatingOn: heldOut)
        let file = try SafetensorsFile(path: run.trainer.lastPath)
        for key in ["epoch", "batch", "optimizer.updates", "unread.samples", "unread.batches", "epoch.samples", "best.epoch"] {
            for value in ["9223372036854775807", "-1", "", "two"] { try expectRefusal(key, value) }
        }
        for key in ["epoch.loss_sum", "unread.loss_sum", "best.value"] {
            for value in ["nan", "inf", ""] { try expectRefusal(key, value) }
        }

        func expectRefusal(_ key: String, _ value: String) throws {
            var metadata = file.metadata
            #expect(metadata.updateValue(value, forKey: key) != nil, "\(key)")
            let path = folder.path("broken.safetensors")
            try SafetensorsFile.write(file.tensors, metadata: metadata, to: path) { tensor, append in
                try file.withBytes(of: tensor.name, append)
            }
            let other = try makeRun(TestDevices.interpreter)
            #expect { try other.trainer.resume(from: Checkpoint(path: path)) } throws: {
                "\($0)" == "\(path) is broken: its '\(key)' cannot be '\(value)'"
            }
        }
    }

    /// A run without an update gives the weights it began with, and one that was complete its checkpoint.
    @Test func everyRunHasACheckpoint() throws {
        let (folder, other) = (try TemporaryFolder(), try TemporaryFolder())
        let untrained = try makeRun(TestDevices.interpreter, epochs: 0, folder: folder)
        let path = try #require(try untrained.trainer.run(on: training).checkpoint)
        #expect(path == untrained.trainer.lastPath)
        let copy = try makeRun(TestDevices.interpreter, epochs: 0, folder: other)
        try copy.trainer.resume(from: Checkpoint(path: path))
        #expect(try copy.trainer.run(on: training).checkpoint == path)
        #expect(try bits(copy.model) == bits(untrained.model))
        #expect(try makeRun(TestDevices.interpreter, epochs: 0).trainer.run(on: training).checkpoint == nil)
    }

    @Test(arguments: TestDevices.all) func checkpointsHoldTheBest(_ device: Device) throws {
        let folder = try TemporaryFolder()
        let run = try makeRun(device, folder: folder, averageDecay: 0.5)
        var written: [Bool] = []
        let result = try run.trainer.run(on: training, evaluatingOn: heldOut) { event in
            if case .checkpoint(_, let isBest) = event { written.append(isBest) }
        }
        #expect(written.filter { !$0 }.count == 3)
        #expect(result.checkpoint == run.trainer.lastPath)
        let best = try #require(result.best)
        let other = try makeRun(device)
        let checkpoint = try Checkpoint(path: run.trainer.bestPath)
        #expect(checkpoint.metadata["recipe"] == "quadrants")
        #expect(checkpoint.metadata["best.value"] == String(best.value))
        try checkpoint.restore(other.model)
        #expect(try other.trainer.evaluate(heldOut)["accuracy"] == best.value)
    }

    /// A sample that is NaN, met in the second batch of an epoch or in the last.
    @Test(arguments: TestDevices.all) func divergenceIsTold(_ device: Device) throws {
        var batches: [[Int]] = []
        let loader = try BatchLoader(training, batchSize: 9, seed: 3, epochs: 1)
        while let batch = try loader.next() { batches.append(batch.indices) }
        for number in [1, 4] {
            let folder = try TemporaryFolder()
            let run = try makeRun(device, folder: folder)
            _ = try run.trainer.run(on: training, evaluatingOn: heldOut, isInterrupted: { true })
            let before = try Checkpoint(path: run.trainer.lastPath).metadata
            #expect {
                try run.trainer.run(on: Quadrants(count: 40, broken: batches[number][0]), evaluatingOn: heldOut)
            } throws: { error in
                "\(error)".hasPrefix("the loss became NaN at step \(number + 1) (epoch 1)")
                    && "\(error)".contains(run.trainer.lastPath)
            }
            #expect(try Checkpoint(path: run.trainer.lastPath).metadata == before, "the last good state is kept")
        }
    }
}
