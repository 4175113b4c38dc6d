import Glibc
import Soma
@testable import SomaZoo
import Testing

extension OnTheCPU {
    @Suite struct DeepBeliefTests {
        private let recipe = DeepBeliefRecipe()
        private let small = ["hidden=24,16", "pretrain=2"]

        /// Six layers of sigmoids learn nothing from random weights, and what they are for once each layer was trained by itself.
        @Test(arguments: [1, 2, 3] as [UInt64]) func pretrainingMakesADeepNetworkLearn(seed: UInt64) throws {
            let run = try record(recipe, on: try .named("cpu"), ["hidden=64,64,64,64,64", "pretrain=15"], seed: seed, epochs: 8)
            let (pretrained, random) = (try #require(run.result.measures["pretrained_accuracy"]), try #require(run.result.measures["random_accuracy"]))
            #expect(pretrained > 0.85 && random < 0.3)
            #expect(run.result.test["accuracy"] == pretrained)
            let norms = run.tables[1].rows.map { $0.dropFirst().compactMap { Double($0) } }
            #expect(norms.count == 5 && norms.allSatisfy { $0.count == 3 && $0.allSatisfy { $0 > 0 } })
            // What the gradient keeps on its way from the last layer to the first.
            #expect(norms[0][1] / norms[4][1] < 0.1 * norms[0][0] / norms[4][0])
        }

        @Test(arguments: [["layer=autoencoder"], ["persistent=yes", "cd=5", "pretrain-lr=0.02"], ["cd=3"]]) func everyWayRebuildsWhatItSees(words: [String]) throws {
            let run = try record(recipe, on: try .named("cpu"), ["hidden=48,32", "pretrain=20"] + words, epochs: 1)
            let errors = run.epochs.compactMap { $0.evaluation?["reconstruction_error"] }
            #expect(errors.count == 40)
            let figures = run.epochs.compactMap { $0.evaluation?.report.figures }.filter { $0[0].name == "reconstruction_error" }
            let titles = figures.map { $0.map(\.title) }
            #expect(titles == [[String]](repeating: ["reconstruction error"], count: 40))
            // The mean picture alone, which needs no hidden units, leaves 0.075.
            #expect(errors[19] < 0.04 && errors[19] < errors[0])
            #expect(errors[39] < errors[20])
        }

        /// p(h = 1 | v) and p(v = 1 | h) of a machine against sums by hand.
        @Test func conditionalProbabilities() throws {
            let device = try Device.named("cpu")
            try withDevice(device) {
                let networks = withRandomSeed(5) { DeepBeliefNetworks(pixels: 4, hidden: [3], initialization: .uniform, chainCount: nil) }
                let machine = networks.machine(0)
                let pixels: [Float] = [0, 1, 1, 0, 1, 1, 0, 0.5]
                let seen = Tensor(pixels, shape: [2, 4])
                let weights: [Float] = try machine.layer.weight.tensor.scalars()
                let probabilities: [Float] = try machine.hidden(seen).scalars()
                for (row, unit) in [(0, 0), (1, 2)] {
                    let sum = (0..<4).reduce(0.0) { $0 + Double(weights[unit * 4 + $1] * pixels[row * 4 + $1]) }
                    #expect(abs(Double(probabilities[row * 3 + unit]) - 1 / (1 + exp(-sum))) < 1e-6)
                }
                let rebuilt: [Float] = try machine.visible(Tensor([1, 0, 1] as [Float], shape: [1, 3])).scalars()
                for unit in 0..<4 { #expect(abs(Double(rebuilt[unit]) - 1 / (1 + exp(-Double(weights[unit] + weights[8 + unit])))) < 1e-6) }
            }
        }

        @Test(arguments: ["cpu", "opencl:0"]) func goesOnBitByBitInAnyPhase(name: String) throws {
            guard let device = try? Device.named(name) else { return print("skipped: \(name) is not there") }
            let whole = try TemporaryFolder()
            let words = small + ["persistent=yes"]
            _ = try record(recipe, on: device, words, epochs: 1, output: whole.path)
            // An epoch has 45 updates, and phases have 1, 1, 2, 2 and 1 epochs.
            for stop in name == "cpu" ? [20, 60, 150, 200, 290] : [150, 290] {
                let folder = try TemporaryFolder()
                var asked = 0
                let first = try record(recipe, on: device, words, epochs: 1, output: folder.path, isInterrupted: {
                    asked += 1
                    return asked == stop
                })
                #expect(first.result.isInterrupted)
                let last = "\(folder.path)/last.safetensors"
                let checkpoint = try Checkpoint(path: last)
                #expect(checkpoint.completedEpochs == (stop == 290 ? 0 : nil), "epochs of a phase that others follow are not those of the run")
                _ = try record(recipe, on: device, words, epochs: 1, output: folder.path, resume: last)
                #expect(try contents(last) == contents("\(whole.path)/last.safetensors"), "\(stop)")
            }
        }

        @Test func showsWhatLayersSee() throws {
            let folder = try TemporaryFolder()
            let run = try record(recipe, on: try .named("cpu"), small, epochs: 1, output: folder.path)
            #expect(run.files.map { $0.dropFirst(folder.path.count + 1) } == ["gradients.svg", "filters-pretrained.png", "filters-random.png", "filters-rectified.png"])
            let filters = try Picture(path: "\(folder.path)/filters-pretrained.png")
            // 24 units in rows of 5, each of 8×8 pixels drawn as 7×7, and lines of 2 between them.
            #expect(filters.width == 5 * 58 - 2 && filters.height == 5 * 58 - 2)
            let rebuilt = try Picture(path: "\(folder.path)/layer-2/epoch-0002.png")
            #expect(rebuilt.width == 16 * 58 - 2 && rebuilt.height == 2 * 58 - 2)
            let checkpoint = try Checkpoint(path: "\(folder.path)/last.safetensors")
            let session = try recipe.session(checkpoint, device: try .named("cpu"))
            #expect(session.classNames == (0..<10).map(String.init))
            #expect(try session.evaluate(try recipe.testData(of: checkpoint, in: nil).dataSet)["accuracy"] == run.result.test["accuracy"])
        }
    }
}
