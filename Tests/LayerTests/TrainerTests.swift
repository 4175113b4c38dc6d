import Soma
import SomaReference
import Testing

#if canImport(Glibc)
import Glibc
#endif

/// Points in the plane, of class 1 where x·y > 0: no line tells them apart.
struct Quadrants: DataSet {
    let count: Int
    let fields = [Field("image", .float32, [2]), Field("label", .int32, [])]

    func read(_ indices: [Int], into batch: BatchMemory) {
        let (points, labels) = (batch.values(of: "image", as: Float.self), batch.values(of: "label", as: Int32.self))
        for (row, index) in indices.enumerated() {
            let angle = 2 * Double.pi * (Double(index) + 0.5) / Double(count)
            (points[2 * row], points[2 * row + 1]) = (Float(cos(angle)), Float(sin(angle)))
            labels[row] = cos(angle) * sin(angle) > 0 ? 1 : 0
        }
    }
}

@Suite struct TrainerTests {
    struct Run {
        let model: Sequential
        let trainer: Trainer<Sequential>
        let backend: InterpretingBackend
    }

    private func makeRun(_ device: Device, epochs: Int = 3, folder: String? = nil, rate: Schedule = 0.05, averageDecay: Double? = nil) throws -> Run {
        let backend = InterpretingBackend()
        let generator = RandomGenerator(seed: 7)
        return try withDevice(Device(running: backend)) {
            try withRandomGenerator(generator) {
                let model = Sequential(Linear(from: 2, to: 16), ReLU(), Dropout(rate: 0.1), Linear(from: 16, to: 2))
                let optimizer = try Optimizer(Adam(), for: model, learningRate: rate, averageDecay: averageDecay)
                var options = Trainer<Sequential>.Options(epochs: epochs, batchSize: 16, seed: 3)
                options.folder = folder
                options.readingInterval = 3
                let trainer = Trainer(model, Classification(model), optimizer, options, generator: generator)
                return Run(model: model, trainer: trainer, backend: backend)
            }
        }
    }

    private func bits(_ model: Sequential) throws -> [[UInt32]] {
        try model.parameters.map { try $0.tensor.contiguous().scalars(as: Float.self).map(\.bitPattern) }
    }

    @Test func learns() throws {
        let run = try makeRun(.current, epochs: 20)
        var steps = 0
        var losses: [Double] = []
        let result = try run.trainer.run(on: Quadrants(count: 72), evaluatingOn: Quadrants(count: 40)) { event in
            switch event {
            case .step: steps += 1
            case .epoch(let summary): losses.append(summary.trainingLoss)
            default: break
            }
        }
        #expect(steps == 20 * 5)
        #expect(losses.count == 20 && losses[19] < losses[0] / 2)
        #expect(try #require(result.lastEpoch?.evaluation?["accuracy"]) > 0.9)
        #expect(result.best.map { $0.value > 0.9 } == true)
        #expect(!result.isInterrupted && result.progress.updateCount == 100)
    }
}
