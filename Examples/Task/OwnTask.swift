import Soma

struct Circle: DataSet {  // points at radius 1
    let count = 2048
    let fields = [Field("angle", .float32, [])]
    func read(_ indices: [Int], into batch: BatchMemory) {
        for (row, index) in indices.enumerated() { batch.values(of: "angle", as: Float.self)[row] = Float(index) * 2 * .pi / Float(count) }
    }
}

struct Pair: Module {
    let generator = Sequential(Linear(from: 4, to: 64), ReLU(), Linear(from: 64, to: 2))
    let critic = Sequential(Linear(from: 2, to: 64), LeakyReLU(slope: 0.2), Linear(from: 64, to: 1))
}

struct Game: TrainingTask {
    let pair = Pair()
    let generator, critic: Player
    init() throws {
        generator = Player("generator", try Optimizer(Adam(beta1: 0.5), for: pair.generator, learningRate: 1e-3))
        critic = Player("critic", try Optimizer(Adam(beta1: 0.5), for: pair.critic, learningRate: 1e-3))
    }

    var module: any Module { pair }
    var players: [Player] { [generator, critic] }
    var criterion: Criterion? { .lowest("error") }

    func step(_ batch: Minibatch, _ context: StepContext) throws {
        let real = Tensor(stacking: [cos(batch["angle"]), sin(batch["angle"])], alongAxis: 1)
        let fake = pair.generator(.randomNormal([batch.count, 4]))
        let (good, bad) = (pair.critic(real), pair.critic(fake.withoutGradient()))
        try context.minimize((softplus(-good) + softplus(bad)).mean(), by: critic)
        try context.minimize(softplus(-pair.critic(fake)).mean(), by: generator)
    }

    func metrics(_ batch: Minibatch) -> [Metric] {  // how far from the circle the generator's points are
        let points = pair.generator(.randomNormal([batch.count, 4]))
        return [.mean("error", sum: abs(sqrt(square(points).sum(alongAxes: 1)) - 1).sum())]
    }
}

@main struct Example {
    static func main() throws {
        let resumes = CommandLine.arguments.contains("--resume")
        let (device, profile) = try Device.default.profiling()
        try withDevice(device) {
            let game = try Game()
            let folder = RunFolder(path: "runs/circle")
            try folder.open()
            let trainer = Trainer(game, .init(epochs: 20, batchSize: 64, seed: 1, folder: folder.path))
            if resumes { try trainer.resume(from: Checkpoint(path: trainer.lastPath)) }
            let record = try RunRecord(folder: folder.path, title: "circle", resumes: resumes)
            try profile.start()
            try trainer.run(on: Circle(), evaluatingOn: Circle()) { event in
                try record.note(event)  // metrics.csv
                if let epoch = event.epoch { print(epoch) }
            }
            let launches = try profile.stop().launches
            print("profile: \(launches.count) launches, \(launches.map(\.duration).reduce(0, +) / 1_000_000) ms")
            try record.draw()  // curves.svg

            try Checkpoint(path: trainer.bestPath).restore(game.pair)
            print("best: \(try Evaluator(game).evaluate(Circle()))")
            let noise = NoiseSource(count: 4, seed: 7).values(0)
            print("a point: \(try game.pair.generator(Tensor([noise])).scalars())")
        }
    }
}
