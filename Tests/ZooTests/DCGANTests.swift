import Glibc
@testable import Soma
import Testing

@testable import SomaZoo

extension OnTheCPU {
    @Suite struct DCGANTests {
        private let recipe = DCGANRecipe()
        private let small = ["width=2", "noise=8", "judge=1", "batch=256"]

        private func names(in folder: String) -> Set<String> {
            Set((opendir(folder).map { listing in
                defer { closedir(listing) }
                var names: [String] = []
                while let entry = readdir(listing) {
                    names.append(withUnsafeBytes(of: &entry.pointee.d_name) { String(decoding: $0.prefix { $0 != 0 }, as: UTF8.self) })
                }
                return names
            } ?? []).filter { !$0.hasPrefix(".") })
        }

        /// Removes the sheets, which are in a folder of their own.
        private func clear(_ folder: TemporaryFolder) {
            for name in names(in: "\(folder.path)/samples") { unlink("\(folder.path)/samples/\(name)") }
            rmdir("\(folder.path)/samples")
        }

        // MARK: Networks

        /// As many parameters as Radford's networks have at this size, drawn as theirs.
        @Test func networks() throws {
            let networks = withRandomSeed(1) { DCGAN() }
            func count(_ module: some Module) -> Int { module.parameters.reduce(0) { $0 + $1.shape.count } }
            let sizes: [[Int]] = [[100 * 6272, 6272, 2 * 128, 128 * 64 * 16, 2 * 64, 64 * 16, 1], [64 * 16, 64, 64 * 128 * 16, 2 * 128, 6272, 1]]
            #expect(count(networks.generator) == sizes[0].reduce(0, +))
            #expect(count(networks.discriminator) == sizes[1].reduce(0, +))
            let weights = try networks.generator.project.weight.tensor.scalars(as: Float.self)
            let square = weights.reduce(0) { $0 + Double($1) * Double($1) } / Double(weights.count)
            #expect(abs(square.squareRoot() - 0.02) < 2e-4)
            let penalized = DCGAN(noise: 3, width: 2, normalizesDiscriminator: false)
            let fewer: [Int] = [2 * 16, 2, 2 * 4 * 16, 4, 4 * 49, 1]
            #expect(penalized.discriminator.namedStates.isEmpty)
            #expect(count(penalized.discriminator) == fewer.reduce(0, +))
            let pictures: [Float] = try penalized.generator(.randomNormal([2, 3])).scalars()
            #expect(pictures.count == 2 * 784 && pictures.allSatisfy { abs($0) <= 1 })
        }

        /// Hand-computed for logits 2 and −1.
        @Test func losses() throws {
            let (real, generated) = (Tensor([[2.0], [0.5]] as [[Float]]), Tensor([[-1.0], [3.0]] as [[Float]]))
            func values(_ form: AdversarialLoss) throws -> [Double] {
                try [form.ofDiscriminator(real: real, generated: generated), form.ofGenerator(generated)].map { try $0.item() }
            }
            func softplus(_ x: Double) -> Double { log1p(exp(x)) }
            let standard = try values(.standard), hinge = try values(.hinge), wasserstein = try values(.wasserstein)
            let verdicts: Double = (softplus(-2) + softplus(-0.5) + softplus(-1) + softplus(3)) / 2
            let deceptions: Double = (softplus(1) + softplus(-3)) / 2
            for (values, answers) in [(standard, [verdicts, deceptions]), (hinge, [2.25, -1]), (wasserstein, [-0.25, -1])] {
                for (value, answer) in zip(values, answers) { #expect(abs(value - answer) < 1e-5, "\(value) is not \(answer)") }
            }
        }

        /// Of a linear discriminator the slope is its weight wherever one looks, and so is the penalty's gradient known: 2 (1 − 1/‖w‖) w.
        @Test func penaltyOfTheSlope() throws {
            let weight = Parameter(Tensor([3, 4] as [Float]))
            let (real, generated) = (Tensor([[1, 2], [5, 6]] as [[Float]]), Tensor([[0, 1], [2, 2]] as [[Float]]))
            let penalty = AdversarialLoss.gradientPenalty(real: real, generated: generated) { ($0 * weight.tensor).sum(alongAxes: 1) }
            #expect(abs(try penalty.item() - 16) < 1e-5)
            let slope: [Float] = try gradient(of: penalty, withRespectTo: weight.tensor).scalars()
            #expect(abs(slope[0] - 2 * 4 * 0.6) < 1e-5 && abs(slope[1] - 2 * 4 * 0.8) < 1e-5)
        }

        @Test func enlargesDigits() throws {
            let parts = EnlargedDigits.parts
            #expect(parts.training.count == 1438 && parts.heldOut.count == 359)
            let loader = try BatchLoader(EnlargedDigits(), batchSize: 2, seed: nil, epochs: 1)
            let batch = try #require(try loader.next())
            let pictures = batch.withBytes(of: "image") { Array($0.bindMemory(to: Float.self)) }
            let small = try Digits.images.withSample(1) { $0.map { Float($0) / 16 } }
            // The centre of each pixel is that of nine, and the margin is empty.
            func pixel(_ row: Int, _ column: Int) -> Float { pictures[784 + row * 28 + column] }
            for place in 0..<64 { #expect(pixel(3 + place / 8 * 3, 3 + place % 8 * 3) == small[place]) }
            for place in 0..<28 { #expect(pixel(1, place) == 0 && pixel(place, 26) == 0) }
            let between = (2 * pixel(3, 12) + pixel(6, 12)) / 3
            #expect(abs(pixel(4, 12) - between) < 1e-6 && between > 0)
        }

        /// Of the embedded digits there are more epochs, of the classifier's training too, where nobody has chosen; all else is as with MNIST.
        @Test func epochsFollowTheData() throws {
            var context = RecipeContext(recipe, device: try .named("cpu"), seed: 1)
            func settings(_ context: RecipeContext) -> [String] { context.settings.texts.map { "\($0.key)=\($0.value)" } }
            let usual = ["loss=standard", "batch=32", "lr=0.001", "falling=yes", "noise=16", "width=64", "critic=1", "average=0"]
            let embedded = try recipe.fitted(context)
            #expect(embedded.epochs == 60 && settings(embedded) == usual + ["judge=20"])
            context.data = "mnist"
            let files = try recipe.fitted(context)
            #expect(files.epochs == recipe.defaultEpochs && settings(files) == usual + ["judge=2"])
            (context.data, context.epochs) = (nil, 3)
            context.settings = try Settings(recipe, arguments: ["judge=4"])
            let chosen = try recipe.fitted(context)
            #expect(chosen.epochs == 3 && settings(chosen) == usual + ["judge=4"])
        }

        // MARK: Runs

        @Test(arguments: ["standard", "hinge", "wasserstein"]) func makesPictures(_ loss: String) throws {
            let (output, device) = (try TemporaryFolder(), try Device.named("cpu"))
            defer { clear(output) }
            let run = try record(recipe, on: device, small + ["loss=\(loss)"], epochs: 2, output: output.path)
            #expect(run.files == ["\(output.path)/samples.png", "\(output.path)/nearest.png"] && names(in: "\(output.path)/samples") == ["epoch-0001.png", "epoch-0002.png"])
            #expect(output.names == ["best.safetensors", "last.safetensors", "nearest.png", "samples", "samples.png"])
            #expect(run.epochs.count == 2 && run.epochs.allSatisfy { $0.losses.map(\.name) == ["discriminator_loss", "generator_loss"] })
            #expect(run.epochs[0].evaluation?.report.figures.map(\.name) == ["frechet_distance", "inception_score", "coverage"])
            let distance = try #require(run.result.test["frechet_distance"]), score = try #require(run.result.test["inception_score"])
            #expect(distance.isFinite && distance > 0 && (1...10).contains(score))
            #expect(run.messages.contains { $0.hasPrefix("the classifier that measures the pictures was trained for 1 epoch and is right about 0.") })
            let last = try Checkpoint(path: "\(output.path)/last.safetensors")
            #expect(last.metadata["setting.critic"] == (loss == "wasserstein" ? "5" : "1"))
            let updates = ["discriminator", "generator"].map { last.metadata["optimizer.updates.\($0)"] }
            #expect(updates == ["12", loss == "wasserstein" ? "2" : "12"])
            // What evaluates is what has measured in the run, and the sheet is made by the session too.
            let session = try recipe.session(last, device: device)
            let evaluation = try session.evaluate(recipe.testData(of: last, in: nil).dataSet, batchSize: 100)
            #expect(abs((evaluation["frechet_distance"] ?? .nan) - distance) <= 1e-3 * distance && evaluation["coverage"] == run.result.test["coverage"])
            #expect((evaluation["real_inception_score"] ?? 0) > score && (evaluation["classifier_accuracy"] ?? 0) > 0.2 && evaluation.report.tables.first?.rows.count == 10)
            let noise = NoiseSource(count: 8, seed: 1)
            var sheet = try PictureSheet(count: 64, tile: PictureSize(28), channels: 1)
            for picture in try session.answers(to: (0..<64).map(noise.values)) { sheet.add(picture, from: -1...1) }
            let drawn = try Picture(path: "\(output.path)/samples/epoch-0002.png")
            #expect(zip(drawn.pixels, sheet.picture.pixels).allSatisfy { abs(Int($0) - Int($1)) <= 1 })
        }

        /// A run that is stopped at any turn and goes on ends with the bits of one that was not; the classifier is trained once.
        @Test(arguments: [["loss=standard"], ["loss=wasserstein", "critic=2"]]) func goesOnBitByBit(_ arguments: [String]) throws {
            let device = try Device.named("cpu")
            let (whole, parts) = (try TemporaryFolder(), try TemporaryFolder())
            defer { for folder in [whole, parts] { clear(folder) } }
            _ = try record(recipe, on: device, small + arguments, epochs: 2, output: whole.path)
            var steps = 0
            let first = try record(recipe, on: device, small + arguments, epochs: 2, output: parts.path, isInterrupted: {
                steps += 1
                return steps == 9
            })
            #expect(first.result.isInterrupted && !names(in: parts.path).contains("samples.png"))
            let second = try record(recipe, on: device, small + arguments, epochs: 2, output: parts.path, resume: "\(parts.path)/last.safetensors")
            #expect(!second.messages.contains { $0.contains("classifier") })
            for name in ["last.safetensors", "best.safetensors", "samples.png", "samples/epoch-0002.png"] {
                #expect(try contents("\(parts.path)/\(name)") == contents("\(whole.path)/\(name)"), "\(name)")
            }
        }

        @Test func readsFiles() throws {
            let (folder, output, device) = (try TemporaryFolder(), try TemporaryFolder(), try Device.named("cpu"))
            defer { clear(output) }
            for part in ["train", "t10k"] { try folder.writeIDX(part, count: 40, side: 28) }
            let words = ["width=2", "noise=8", "judge=1", "batch=20"]
            _ = try record(recipe, on: device, words, epochs: 1, data: folder.path, output: output.path)
            let last = try Checkpoint(path: "\(output.path)/last.safetensors")
            #expect(try recipe.session(last, device: device).evaluate(recipe.testData(of: last, in: folder.path).dataSet).sampleCount == 40)
            #expect { try recipe.testData(of: last, in: nil) } throws: { "\($0)".contains("name it by --data") }
            #expect { try record(recipe, on: device, words, epochs: 2, resume: last.path) } throws: { "\($0)".contains("name it by --data") }
            try folder.writeIDX("t10k", count: 41, side: 28)
            let what = "is not what \(last.path) was trained on: it has 81 pictures and had 80"
            #expect { try record(recipe, on: device, words, epochs: 2, data: folder.path, resume: last.path) } throws: { "\($0)".contains(what) }
            for part in ["train", "t10k"] { try folder.writeIDX(part, count: 10, side: 20) }
            #expect { try record(recipe, on: device, words, epochs: 1, data: folder.path) } throws: { "\($0)".contains("20×20, and dcgan takes 28×28") }
        }

        // MARK: Misfortune

        /// A player that breaks is named, and the last good state stays.
        @Test func aBrokenPlayerIsNamed() throws {
            let (output, device) = (try TemporaryFolder(), try Device.named("cpu"))
            defer { clear(output) }
            _ = try record(recipe, on: device, small, epochs: 1, output: output.path)
            let (last, broken) = ("\(output.path)/last.safetensors", "\(output.path)/broken.safetensors")
            let file = try SafetensorsFile(path: last)
            try SafetensorsFile.write(file.tensors, metadata: file.metadata, to: broken) { tensor, append in
                guard tensor.name == "discriminator.0.bias" else { return try file.withBytes(of: tensor.name, append) }
                try [Float](repeating: .nan, count: 2).withUnsafeBytes(append)
            }
            #expect { try record(recipe, on: device, small, epochs: 2, resume: broken) } throws: {
                "\($0)".contains("the discriminator loss became NaN at step 7 (epoch 2)") && !"\($0)".contains("\n")
            }
        }

        @Test func aCheckpointWithoutAPlayerIsRefused() throws {
            let (output, device) = (try TemporaryFolder(), try Device.named("cpu"))
            defer { clear(output) }
            _ = try record(recipe, on: device, small, epochs: 1, output: output.path)
            let file = try SafetensorsFile(path: "\(output.path)/last.safetensors")
            for lost in ["optimizer/exp_avg/generator.project.weight", "judge.classes.weight"] {
                let path = "\(output.path)/lost.safetensors"
                try SafetensorsFile.write(file.tensors.filter { $0.name != lost }, metadata: file.metadata, to: path) { tensor, append in
                    try file.withBytes(of: tensor.name, append)
                }
                #expect { try record(recipe, on: device, small, epochs: 2, resume: path) } throws: { "\($0)".contains("'\(lost)'") }
            }
        }

        /// Both devices of a machine begin alike, gradients of second order included.
        @Test(arguments: ["standard", "wasserstein"]) func probes(_ loss: String) throws {
            var context = RecipeContext(recipe, device: try .named("cpu"), seed: 3)
            context.settings = try Settings(recipe, arguments: ["width=1", "noise=2", "batch=4", "critic=1", "loss=\(loss)"])
            let tensors = try recipe.probe(context)
            #expect(tensors.count > 15)
            #expect(try context.device.firstDivergence(of: tensors, against: interpreter()) == nil)
        }
    }
}
