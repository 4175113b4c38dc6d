import Soma
import SomaZoo
import Testing

extension OnTheCPU {
    @Suite struct LeNetTests {
        private let recipe = LeNetRecipe()

        @Test(arguments: [[], ["activation=tanh", "pooling=average", "shift=0"]]) func readsPictures(arguments: [String]) throws {
            let (folder, output) = (try TemporaryFolder(), try TemporaryFolder())
            for part in ["train", "t10k"] { try folder.writeIDX(part, count: 40, side: 28) }
            let device = try Device.named("cpu")
            let run = try record(recipe, on: device, ["batch=20"] + arguments, epochs: 1, data: folder.path, output: output.path)
            #expect(run.models.first?.parameterCount == 61_706)
            #expect(run.result.test["accuracy"] != nil)
            let checkpoint = try Checkpoint(path: run.checkpoints[0])
            let session = try recipe.session(checkpoint, device: device)
            let test = try recipe.testData(of: checkpoint, in: folder.path)
            let evaluation = try session.evaluate(test.dataSet, batchSize: 15)
            #expect(evaluation.sampleCount == 40 && evaluation["accuracy"] == run.epochs.first?.evaluation?["accuracy"])
            let probabilities = try session.answers(to: [Array(repeating: 0.5, count: 784)])
            #expect(abs((probabilities.first?.reduce(0, +) ?? 0) - 1) < 1e-5)
        }

        @Test func takesPicturesOfItsSizeOnly() throws {
            let folder = try TemporaryFolder()
            for part in ["train", "t10k"] { try folder.writeIDX(part, count: 10, side: 20) }
            #expect { try record(recipe, on: try .named("cpu"), epochs: 1, data: folder.path) } throws: { "\($0)".contains("20×20") }
            #expect(throws: UsageError.self) { try record(recipe, on: try .named("cpu")) }
        }
    }
}
