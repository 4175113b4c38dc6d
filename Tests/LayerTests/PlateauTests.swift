import Soma
import SomaReference
import Testing

/// Learning rates that are reduced where a figure no longer improves, against PyTorch's ReduceLROnPlateau.
@Suite struct PlateauTests {
    private static let answers = Answers.file("schedules.json")

    /// A task of one weight without samples to learn from, whose figure is what it is told.
    private struct Told: TrainingTask {
        let weights = Sequential(Linear(from: 2, to: 1))
        let player: Player
        let values: Tensor
        let epoch = State(Tensor(0, dtype: .int32))
        let criterion: Criterion?

        init(_ values: [Double], _ criterion: Criterion?) throws {
            player = Player("model", try Optimizer(SGD(), for: weights, learningRate: 0.3))
            self.values = try Tensor(values.map { Float($0) }).realize()
            self.criterion = criterion
        }

        var module: any Module { weights }
        var players: [Player] { [player] }
        func step(_ batch: Minibatch, _ context: StepContext) throws {
            epoch.assign(epoch.tensor + 1)
            try context.minimize(square(weights(batch["image"])).mean(), by: player)
        }
        func metrics(_ batch: Minibatch) -> [Metric] {
            [.mean("figure", sum: values.gathered(atIndices: epoch.tensor - 1, alongAxis: 0) * Double(batch.count))]
        }
    }

    private let data = Quadrants(count: 8)

    /// The rate of each epoch, of one update, and what was told of reductions.
    private func rates(
        _ values: [Double], _ plateau: ReductionOnPlateau, by criterion: Criterion = .lowest("figure")
    ) throws -> (rates: [Double], remarks: [String]) {
        try withDevice(TestDevices.interpreter) {
            var options = Trainer.Options(epochs: values.count, batchSize: 8, seed: 1)
            options.plateau = plateau
            var (rates, remarks): ([Double], [String]) = ([], [])
            try Trainer(Told(values, criterion), options).run(on: data, evaluatingOn: data) { event in
                if case .step(let progress, _) = event { rates.append(progress.learningRate) }
                if case .remark(let text) = event { remarks.append(text) }
            }
            return (rates, remarks)
        }
    }

    private func check(_ name: String, _ values: [Double], _ plateau: ReductionOnPlateau, by criterion: Criterion = .lowest("figure")) throws {
        let (rates, answers) = (try rates(values, plateau, by: criterion).rates, Self.answers.part(name).doubles)
        #expect(rates.count == answers.count && answers.count > 5 && Set(answers).count > 1)
        for (epoch, (rate, answer)) in zip(rates, answers).enumerated() {
            #expect(abs(rate - answer) <= 1e-14 * answer, "\(name), epoch \(epoch): \(rate), not \(answer)")
        }
    }

    @Test func ratesAreThoseOfPyTorch() throws {
        let values = Self.answers.part("plateauValues").doubles
        try check("plateau", values, ReductionOnPlateau(by: 0.5, patience: 1))
        try check("plateauCooldown", values, ReductionOnPlateau(by: 0.5, patience: 1, cooldown: 2, leastRate: 0.05))
        try check("plateauAbsolute", values, ReductionOnPlateau(by: 0.5, patience: 0, threshold: .absolute(0.06)))
        try check("plateauHigh", values.map { 10 - $0 }, ReductionOnPlateau(by: 0.5, patience: 1, threshold: .relative(1e-3)), by: .highest("figure"))
        try check("plateauNaN", [.nan, .nan, 1, .nan, .nan, .infinity], ReductionOnPlateau(by: 0.5, patience: 1))
    }

    @Test func reductionsAreTold() throws {
        let told = try rates([1, 1, 1, 1], ReductionOnPlateau(by: 0.5, patience: 1)).remarks
        #expect(told == ["figure has not improved for 2 epochs: the learning rate is multiplied by 0.5"])
    }

    @Test func figuresThatAreNotThereAreNamed() throws {
        #expect { try rates([1, 1], ReductionOnPlateau(of: "auc")) } throws: { "\($0)".contains("'auc', which is none of the figures") }
    }

    /// A run that is interrupted between two reductions goes on with the same rates and the same bits.
    @Test(arguments: TestDevices.all) func resumedRunsHaveTheSameBits(_ device: Device) throws {
        func run(_ folder: TemporaryFolder, epochs: Int, from checkpoint: String? = nil) throws -> (rates: [Double], weights: [UInt32]) {
            let generator = RandomGenerator(seed: 7)
            return try withDevice(device) {
                try withRandomGenerator(generator) {
                    let model = Sequential(Linear(from: 2, to: 4), Tanh(), Linear(from: 4, to: 2))
                    let optimizer = try Optimizer(Adam(), for: model, learningRate: 0.05)
                    var options = Trainer.Options(epochs: epochs, batchSize: 9, seed: 3)
                    options.folder = folder.path("")
                    // The loss of training, which improves by less than this.
                    options.plateau = ReductionOnPlateau(of: "loss", by: 0.5, patience: 1, threshold: .absolute(10))
                    let trainer = Trainer(model, Classification(model), optimizer, options, generator: generator)
                    if let checkpoint { try trainer.resume(from: Checkpoint(path: checkpoint)) }
                    var rates: [Double] = []
                    try trainer.run(on: Quadrants(count: 20)) { if case .step(let progress, _) = $0 { rates.append(progress.learningRate) } }
                    return (rates, try model.parameters.flatMap { try $0.tensor.contiguous().scalars(as: Float.self).map(\.bitPattern) })
                }
            }
        }
        let (whole, parts) = (try TemporaryFolder(), try TemporaryFolder())
        let straight = try run(whole, epochs: 7)
        let first = try run(parts, epochs: 4)
        let second = try run(parts, epochs: 7, from: parts.path("last.safetensors"))
        #expect(first.rates + second.rates == straight.rates)
        #expect(second.weights == straight.weights)
        #expect(Set(straight.rates).count == 3, "\(straight.rates)")
    }
}
