import Glibc
import Soma
import SomaBackend
import SomaReference
import Synchronization
import Testing

/// What was trained is kept whatever ends a run, and no more work waits for a slow device than can be waited for.
@Suite struct TrainerMisfortuneTests {
    private let data = Quadrants(count: 40)

    private func makeTrainer(
        _ device: Device, _ folder: TemporaryFolder?, epochs: Int = 3, reading: Int = 3, learningRate: Schedule = 0.05
    ) throws -> (Sequential, Trainer) {
        let generator = RandomGenerator(seed: 7)
        return try withDevice(device) {
            try withRandomGenerator(generator) {
                let model = Sequential(Linear(from: 2, to: 6), ReLU(), Linear(from: 6, to: 2))
                let optimizer = try Optimizer(Adam(), for: model, learningRate: learningRate)
                var options = Trainer.Options(epochs: epochs, batchSize: 9, seed: 3)
                (options.folder, options.readingInterval) = (folder?.path(""), reading)
                return (model, Trainer(model, Classification(model), optimizer, options, generator: generator))
            }
        }
    }

    private func bits(_ model: Sequential) throws -> [[UInt32]] {
        try model.parameters.map { try $0.tensor.contiguous().scalars(as: Float.self).map(\.bitPattern) }
    }

    /// A log that is full in the middle of an epoch, at its end, or at its evaluation.
    @Test func aReportThatFailsLosesNothing() throws {
        let device = TestDevices.interpreter
        let (whole, trainer) = try makeTrainer(device, nil)
        let best = try trainer.run(on: data, evaluatingOn: data).best
        for failing in [2, 5, 6, 13] {
            let folder = try TemporaryFolder()
            var events = 0
            expectError("the log is full; what was trained until then is kept in \(folder.path("/last.safetensors"))") {
                _ = try makeTrainer(device, folder).1.run(on: data, evaluatingOn: data) { event in
                    switch event {
                    case .step, .epoch: events += 1
                    default: break
                    }
                    if events >= failing { throw SomaError("the log is full") }
                }
            }
            #expect(events == failing, "nothing is told once that has failed")
            let (model, resumed) = try makeTrainer(device, folder)
            try resumed.resume(from: Checkpoint(path: resumed.lastPath))
            let result = try resumed.run(on: data, evaluatingOn: data)
            #expect(try bits(model) == bits(whole), "failed at event \(failing)")
            #expect(result.best?.value == best?.value && result.best?.epoch == best?.epoch)
        }
    }

    /// A data set whose samples cannot be read from some reading on.
    private final class Failing: DataSet {
        let base = Quadrants(count: 40)
        let count = 40
        private let left: Atomic<Int>
        var fields: [Field] { base.fields }

        init(after readings: Int) { left = Atomic(readings) }

        func read(_ indices: [Int], into batch: BatchMemory) throws {
            guard left.subtract(1, ordering: .relaxed).newValue >= 0 else { throw SomaError("the disk has failed") }
            base.read(indices, into: batch)
        }
    }

    /// Data that fail in training, or in the evaluation at the end of an epoch, which is then made up for.
    @Test(arguments: [(7, 100), (100, 1)]) func dataThatFailLoseNothing(training: Int, heldOut: Int) throws {
        let device = TestDevices.interpreter
        let (whole, trainer) = try makeTrainer(device, nil)
        var expected: [Double] = []
        _ = try trainer.run(on: data, evaluatingOn: data) { if case .epoch(let summary) = $0 { expected.append(summary.loss) } }
        let folder = try TemporaryFolder()
        var losses: [Double] = []
        expectError("the disk has failed; what was trained until then is kept in") {
            _ = try makeTrainer(device, folder).1.run(on: Failing(after: training), evaluatingOn: Failing(after: heldOut)) {
                if case .epoch(let summary) = $0 { losses.append(summary.loss) }
            }
        }
        let (model, resumed) = try makeTrainer(device, folder)
        let checkpoint = try Checkpoint(path: resumed.lastPath)
        #expect(checkpoint.completedEpochs == 1)
        try resumed.resume(from: checkpoint)
        _ = try resumed.run(on: data, evaluatingOn: data) { if case .epoch(let summary) = $0 { losses.append(summary.loss) } }
        #expect(try bits(model) == bits(whole))
        #expect(losses == expected)
    }

    private func expectError(_ words: String, sourceLocation: SourceLocation = #_sourceLocation, _ body: () throws -> Void) {
        do {
            try body()
            Issue.record("nothing was thrown", sourceLocation: sourceLocation)
        } catch {
            #expect("\(error)".contains(words), sourceLocation: sourceLocation)
        }
    }

    /// An evaluation of which one measure is NaN is never the best, though the one that decides is as good as ever.
    @Test(arguments: TestDevices.all) func noMeasureOfTheBestIsNaN(_ device: Device) throws {
        let folder = try TemporaryFolder()
        let trainer = try makeTrainer(device, folder).1
        var evaluations: [Evaluation] = []
        let result = try trainer.run(on: data, evaluatingOn: Quadrants(count: 40, broken: 3)) { event in
            if case .epoch(let summary) = event {
                if let evaluation = summary.evaluation { evaluations.append(evaluation) }
                #expect(!summary.isBest)
            }
            if case .checkpoint(_, let isBest) = event { #expect(!isBest) }
        }
        #expect(evaluations.count == 3 && evaluations.allSatisfy { $0["loss"]?.isNaN == true && $0["accuracy"]?.isFinite == true })
        #expect(result.best == nil && access(trainer.bestPath, F_OK) != 0)
        #expect(try Checkpoint(path: trainer.lastPath).metadata["best.value"] == nil)
    }

    /// Weights that are no numbers after the last update of an epoch, though its loss is one, replace no checkpoint.
    @Test(arguments: TestDevices.all) func aCheckpointHoldsNumbers(_ device: Device) throws {
        for heldOut in [nil, data] {
            let folder = try TemporaryFolder()
            let (model, trainer) = try makeTrainer(device, folder, learningRate: Schedule { $0 == 9 ? .infinity : 0.05 })
            var losses: [Double] = []
            expectError("holds a NaN or an infinity; a lower learning rate, or the optimiser's argument `clipping`, may help; the last good state is") {
                _ = try trainer.run(on: data, evaluatingOn: heldOut) { event in
                    guard case .epoch(let summary) = event else { return }
                    losses.append(summary.loss)
                    #expect(summary.epoch == 0 || !summary.isBest)
                }
            }
            #expect(losses.count == 2 && losses.allSatisfy(\.isFinite))
            #expect(try model.parameters.contains { try !$0.tensor.contiguous().scalars(as: Float.self).allSatisfy(\.isFinite) })
            let checkpoint = try Checkpoint(path: trainer.lastPath)
            #expect(checkpoint.completedEpochs == 1)
            try checkpoint.restore(model)
            #expect(try model.parameters.allSatisfy { try $0.tensor.contiguous().scalars(as: Float.self).allSatisfy(\.isFinite) })
        }
    }

    /// A device that takes its time for each run of a program, and knows what it has not been waited for.
    private final class Slow: ForwardingBackend, @unchecked Sendable {
        let waiting = Atomic(0), most = Atomic(0), runs = Atomic(0)

        override func enqueue(_ steps: [PreparedStep], _ bindings: Bindings) throws {
            usleep(40_000)
            runs.add(1, ordering: .relaxed)
            let count = waiting.add(1, ordering: .relaxed).newValue
            most.max(count, ordering: .relaxed)
            try super.enqueue(steps, bindings)
        }

        override func synchronize() throws {
            waiting.store(0, ordering: .relaxed)
            try super.synchronize()
        }

        override func download(_ source: BufferSlice, into target: UnsafeMutableRawBufferPointer) throws {
            waiting.store(0, ordering: .relaxed)
            try super.download(source, into: target)
        }
    }

    /// Steps of 40 ms: no more than a second of them waits, and progress is of what is done.
    @Test func littleWaitsForASlowDevice() throws {
        let backend = Slow(RecordingBackend())
        let trainer = try makeTrainer(Device(running: backend), nil, epochs: 1, reading: 1000).1
        backend.most.store(0, ordering: .relaxed)
        var (places, most) = ([Int](), 0)
        _ = try trainer.run(on: Quadrants(count: 540)) { event in
            guard case .step(let progress, _) = event else { return }
            #expect((0...progress.batch).contains(progress.waitingUpdates))
            places.append(progress.updateCount - progress.waitingUpdates)
            most = max(most, progress.waitingUpdates)
            if progress.waitingUpdates > 0 { #expect(backend.waiting.load(ordering: .relaxed) > 0, "more is done than is told") }
        }
        #expect(backend.most.load(ordering: .relaxed) <= 25)
        #expect(places == places.sorted() && places.last == 60 && most > 0)
    }
}
