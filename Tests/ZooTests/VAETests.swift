import Glibc
@testable import Soma
@testable import SomaZoo
import Testing

extension OnTheCPU {
    @Suite struct VAETests {
        private let recipe = VAERecipe()
        private let small = ["hidden=16", "latents=3", "batch=64"]

        /// Both parts of the bound against sums in double precision, for a network whose logits are large too.
        @Test(arguments: [1, 60] as [Double]) func partsOfTheBound(scale: Double) throws {
            try withDevice(try .named("cpu")) {
                let network = withRandomSeed(2) { VariationalAutoencoder(pixels: 6, hidden: [5], latents: 2, activation: .tanh) }
                network.decoder.output.weight.assign(network.decoder.output.weight.tensor * scale)
                let pixels = withRandomSeed(3) { Tensor.randomUniform([3, 6]) }
                let noise = withRandomSeed(4) { Tensor.randomNormal([3, 2]) }
                let (mean, logVariance) = network.posterior(pixels)
                let (m, l) = (try mean.scalars(as: Double.self), try logVariance.scalars(as: Double.self))
                let logits = try network.decoder(mean + exp(logVariance * 0.5) * noise).scalars(as: Double.self)
                let x = try pixels.scalars(as: Double.self)
                let losses = network.losses(pixels, noise: noise)
                let (reconstruction, divergence) = (try losses.reconstruction.scalars(as: Double.self), try losses.divergence.scalars(as: Double.self))
                for row in 0..<3 {
                    let cost = (0..<6).reduce(0.0) { sum, place in
                        let (logit, target) = (logits[row * 6 + place], x[row * 6 + place])
                        return sum - target * logit + max(logit, 0) + log1p(exp(-abs(logit)))
                    }
                    let distance = (0..<2).reduce(0.0) { $0 + 0.5 * (exp(l[row * 2 + $1]) + m[row * 2 + $1] * m[row * 2 + $1] - 1 - l[row * 2 + $1]) }
                    #expect(abs(reconstruction[row] - cost) < 1e-5 * max(1, cost) && abs(divergence[row] - distance) < 1e-6)
                }
            }
        }

        /// With one latent the bound is no more than log p(x), which an integral over z tells, and rises to it where q(z | x) is the true posterior.
        @Test func theBoundIsBelowTheLikelihood() throws {
            try withDevice(try .named("cpu")) {
                let network = withRandomSeed(5) { VariationalAutoencoder(pixels: 4, hidden: [3], latents: 1, activation: .tanh) }
                let pixels = Tensor([1, 0, 1, 1] as [Float], shape: [1, 4])
                let count = 4001
                let grid = (0..<count).map { -8 + 16 * Float($0) / Float(count - 1) }
                let logits = network.decoder(Tensor(grid, shape: [count, 1]))
                let costs = try binaryCrossEntropy(logits: logits, pixels.expanded(to: [count, 4]), reduction: .none).sum(alongAxes: 1).scalars(as: Double.self)
                let likelihood = zip(grid, costs).reduce(0.0) { $0 + exp(-$1.1 - Double($1.0 * $1.0) / 2) } * 16 / Double(count - 1) / (2 * Double.pi).squareRoot()
                let draws = NoiseSource(count: 1, seed: 6)
                let noise = Tensor((0..<20_000).flatMap(draws.values), shape: [20_000, 1])
                let (reconstruction, divergence) = network.losses(pixels.expanded(to: [20_000, 4]), noise: noise)
                let bound = -(try (reconstruction + divergence).mean().item())
                #expect(bound < log(likelihood) && bound > log(likelihood) - 0.5, "\(bound), and \(log(likelihood))")
            }
        }

        @Test(arguments: [1, 2] as [UInt64]) func learns(seed: UInt64) throws {
            let run = try record(recipe, on: try .named("cpu"), ["hidden=100", "latents=8"], seed: seed, epochs: 15)
            let report = run.result.test
            #expect(report.figures.map(\.name) == ["elbo", "bits_per_dimension", "reconstruction", "kl"])
            let (bound, cost, divergence) = (try #require(report["elbo"]), try #require(report["reconstruction"]), try #require(report["kl"]))
            #expect(abs(bound + cost + divergence) < 1e-9 && abs((report["bits_per_dimension"] ?? 0) * 64 * log(2) + bound) < 1e-9)
            #expect(run.epochs.allSatisfy { $0.losses.map(\.name) == ["loss", "reconstruction_loss", "kl_loss"] })
            // Each pixel by itself, lit as often as in training, which needs no latents.
            let alone = try withDevice(try .named("cpu")) {
                let (training, heldOut) = DigitsRecipe.dataSets
                let share = try Minibatch(of: training)["image"].mean(alongAxes: 0).clamped(to: 1e-3...(1 - 1e-3))
                let pixels = try Minibatch(of: heldOut)["image"]
                return -(try (pixels * log(share) + (1 - pixels) * log(1 - share)).sum().item()) / Double(heldOut.count)
            }
            #expect(-bound < alone - 1 && divergence > 1, "\(bound), and alone \(-alone)")
        }

        /// The dearer the divergence, the less there is of it.
        @Test func betaWeighsTheDivergence() throws {
            let divergences = try ["0.1", "1", "8"].map { beta in
                try #require(try record(recipe, on: try .named("cpu"), ["hidden=64", "latents=8", "beta=\(beta)"], epochs: 8).result.test["kl"])
            }
            #expect(divergences[0] > 1.5 * divergences[1] && divergences[1] > 3 * divergences[2], "\(divergences)")
        }

        @Test(arguments: ["cpu", "opencl:0"]) func goesOnBitByBit(name: String) throws {
            guard let device = try? Device.named(name) else { return print("skipped: \(name) is not there") }
            let (whole, parts) = (try TemporaryFolder(), try TemporaryFolder())
            _ = try record(recipe, on: device, small, epochs: 2, output: whole.path)
            var steps = 0
            let first = try record(recipe, on: device, small, epochs: 2, output: parts.path, isInterrupted: {
                steps += 1
                return steps == 30
            })
            #expect(first.result.isInterrupted && !parts.names.contains("map.svg"))
            _ = try record(recipe, on: device, small, epochs: 2, output: parts.path, resume: "\(parts.path)/last.safetensors")
            for name in ["last.safetensors", "best.safetensors", "map.svg", "samples.png", "samples/epoch-0002.png"] {
                #expect(try contents("\(parts.path)/\(name)") == contents("\(whole.path)/\(name)"), "\(name)")
            }
        }

        @Test func makesPictures() throws {
            let (folder, device) = (try TemporaryFolder(), try Device.named("cpu"))
            let run = try record(recipe, on: device, small, epochs: 2, output: folder.path)
            #expect(run.files.map { $0.dropFirst(folder.path.count + 1) } == ["samples.png", "map.svg"])
            let last = try Checkpoint(path: "\(folder.path)/last.safetensors")
            let session = try recipe.session(last, device: device)
            // The sheet of the run is made by the session too; each pixel is drawn as 7×7.
            let noise = NoiseSource(count: 3, seed: 1)
            let drawn = try Picture(path: "\(folder.path)/samples/epoch-0002.png")
            #expect(drawn.width == 8 * 58 - 2 && drawn.height == 8 * 58 - 2)
            for (number, picture) in try session.answers(to: (0..<64).map(noise.values)).enumerated() {
                for (place, value) in picture.enumerated() {
                    let (row, column) = (number / 8 * 58 + place / 8 * 7, number % 8 * 58 + place % 8 * 7)
                    #expect(abs(Double(drawn.pixels[row * drawn.width + column]) - 255 * Double(value)) <= 1)
                }
            }
            let evaluation = try session.evaluate(recipe.testData(of: last, in: nil).dataSet, batchSize: 100)
            for name in ["elbo", "kl"] {
                let (again, first) = (try #require(evaluation[name]), try #require(run.result.test[name]))
                #expect(abs(again - first) < 1e-5 * abs(first))
            }
        }

        @Test func readsFiles() throws {
            let (folder, output, device) = (try TemporaryFolder(), try TemporaryFolder(), try Device.named("cpu"))
            for part in ["train", "t10k"] { try folder.writeIDX(part, count: 40, side: 28) }
            _ = try record(recipe, on: device, small, epochs: 1, data: folder.path, output: output.path)
            let last = try Checkpoint(path: "\(output.path)/last.safetensors")
            let session = try recipe.session(last, device: device)
            #expect(try session.evaluate(recipe.testData(of: last, in: folder.path).dataSet).sampleCount == 40)
            #expect(try session.answers(to: [[0, 1, 2]])[0].count == 784)
            #expect { try recipe.testData(of: last, in: nil) } throws: { "\($0)".contains("needs --data") }
            #expect { try record(recipe, on: device, small, epochs: 2, resume: last.path) } throws: { "\($0)".contains("name it by --data") }
        }

        @Test func probes() throws {
            var context = RecipeContext(recipe, device: try .named("cpu"), seed: 3)
            context.settings = try Settings(recipe, arguments: ["hidden=5", "latents=2", "batch=4"])
            let tensors = try recipe.probe(context)
            #expect(tensors.count == 11)
            #expect(try context.device.firstDivergence(of: tensors, against: interpreter()) == nil)
        }
    }
}
