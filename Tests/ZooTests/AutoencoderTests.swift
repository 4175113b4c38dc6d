@testable import Soma
@testable import SomaZoo
import Testing

extension OnTheCPU {
    @Suite struct AutoencoderTests {
        private let recipe = AutoencoderRecipe()
        private let small = ["hidden=16", "code=3", "batch=64"]

        // MARK: Principal components

        /// The shares of the variance of the 1,797 digits that scikit-learn's PCA tells (`explained_variance_ratio_`).
        @Test func principalComponentsOfDigits() throws {
            try withDevice(try .named("cpu")) {
                let components = try PrincipalComponents(of: Digits.dataSet, count: 5)
                let known = [0.14890594, 0.13618771, 0.11794594, 0.08409979, 0.05782415]
                for (variance, share) in zip(components.variances, known) { #expect(abs(variance / components.totalVariance - share) < 1e-6) }
                for (number, axis) in components.axes.enumerated() {
                    for (other, second) in components.axes.enumerated() {
                        let product = zip(axis, second).reduce(0) { $0 + $1.0 * $1.1 }
                        #expect(abs(product - (number == other ? 1 : 0)) < 1e-10)
                    }
                }
                // What is lost on the way through the axes is the variance along all others.
                let lost = try Evaluator(ReconstructionError(reconstruct: components.reconstruction)).evaluate(Digits.dataSet).value(of: ReconstructionError.name)
                #expect(abs(lost * 64 - (components.totalVariance - components.variances.reduce(0, +))) < 1e-4)
                let rows = (0..<Digits.dataSet.count).map { index in (try? Digits.images.withSample(index) { $0.map { Double($0) / 16 } }) ?? [] }
                let onHost = try PrincipalComponents(of: rows, count: 5)
                for (variance, other) in zip(components.variances, onHost.variances) { #expect(abs(variance - other) < 1e-5 * other) }
            }
        }

        /// Those of matrices that are too large for rotations are the same; here of one of rank 3 too.
        @Test(arguments: [40, 3]) func iterationFindsTheSameAxes(rank: Int) throws {
            try withDevice(try .named("cpu")) {
                let (size, count) = (40, 2)
                let noise = NoiseSource(count: size, seed: 4)
                var matrix = [Double](repeating: 0, count: size * size)
                for number in 0..<rank {
                    let (vector, weight) = (noise.values(number).map(Double.init), 1 / Double(1 + number * number))
                    for row in 0..<size { for column in 0..<size { matrix[row * size + column] += weight * vector[row] * vector[column] } }
                }
                let (exact, found) = (try PrincipalComponents.rotated(matrix, size), try PrincipalComponents.iterated(matrix, size, count))
                for number in 0..<count {
                    #expect(abs(found.variances[number] - exact.variances[number]) < 1e-5 * exact.variances[0])
                    let cosine = zip(found.axes[number], exact.axes[number]).reduce(0) { $0 + $1.0 * $1.1 }
                    #expect(abs(abs(cosine) - 1) < 1e-4, "\(cosine)")
                }
            }
        }

        // MARK: Runs

        /// Without hidden layers there is nothing better than principal components, and training finds them.
        @Test func aLinearAutoencoderIsPrincipalComponents() throws {
            let run = try record(recipe, on: try .named("cpu"), ["hidden=none", "code=4", "init=he", "lr=0.005"], epochs: 60)
            let (own, principal) = (try #require(run.result.test["reconstruction_error"]), try #require(run.result.measures["pca_error"]))
            #expect(own > 0.98 * principal && own < 1.05 * principal, "\(own), and \(principal)")
        }

        @Test(arguments: [1, 2] as [UInt64]) func hiddenLayersDoBetter(seed: UInt64) throws {
            let run = try record(recipe, on: try .named("cpu"), seed: seed, epochs: 20)
            let (own, principal) = (try #require(run.result.test["reconstruction_error"]), try #require(run.result.measures["pca_error"]))
            #expect(own < 0.85 * principal, "\(own), and \(principal)")
            #expect(run.tables.count == 1 && run.tables[0].rows.map { $0[0] } == ["2 principal components", "autoencoder of 2 numbers"])
        }

        /// Who was trained on damaged pictures rebuilds them better than who was not.
        @Test func guessesWhatIsHidden() throws {
            let device = try Device.named("cpu")
            let errors = try ["0", "0.5"].map { damage in
                let folder = try TemporaryFolder()
                _ = try record(recipe, on: device, ["hidden=64", "code=16", "denoising=\(damage)"], epochs: 20, output: folder.path)
                let checkpoint = try Checkpoint(path: "\(folder.path)/last.safetensors")
                guard case .network(let module) = try recipe.session(checkpoint, device: device).model else { throw SomaError("no network") }
                let network = try #require(module as? Autoencoder)
                return try withDevice(device) {
                    let seen = NoiseSource(count: 64, seed: 9)
                    let mask = Tensor((0..<359).flatMap(seen.values).map { $0 > 0 ? 1 : 0 as Float }, shape: [359, 64])
                    let pixels = try Minibatch(of: DigitsRecipe.dataSets.heldOut)["image"]
                    return try square(network(pixels * mask) - pixels).mean().item()
                }
            }
            #expect(errors[1] < 0.7 * errors[0], "\(errors)")
        }

        @Test(arguments: ["cpu", "opencl:0"]) func goesOnBitByBit(name: String) throws {
            guard let device = try? Device.named(name) else { return print("skipped: \(name) is not there") }
            let (whole, parts) = (try TemporaryFolder(), try TemporaryFolder())
            let words = small + ["denoising=0.3"]
            _ = try record(recipe, on: device, words, epochs: 2, output: whole.path)
            var steps = 0
            let first = try record(recipe, on: device, words, epochs: 2, output: parts.path, isInterrupted: {
                steps += 1
                return steps == 30
            })
            #expect(first.result.isInterrupted && !parts.names.contains("map.svg"))
            _ = try record(recipe, on: device, words, epochs: 2, output: parts.path, resume: "\(parts.path)/last.safetensors")
            for name in ["last.safetensors", "best.safetensors", "map.svg", "reconstructions.png", "reconstructions/epoch-0002.png"] {
                #expect(try contents("\(parts.path)/\(name)") == contents("\(whole.path)/\(name)"), "\(name)")
            }
        }

        @Test func showsWhatItMakes() throws {
            let (folder, device) = (try TemporaryFolder(), try Device.named("cpu"))
            let run = try record(recipe, on: device, small, epochs: 1, output: folder.path)
            #expect(run.files.map { $0.dropFirst(folder.path.count + 1) } == ["reconstructions.png", "map.svg"])
            let sheet = try Picture(path: "\(folder.path)/reconstructions/epoch-0001.png")
            #expect(sheet.width == 16 * 58 - 2 && sheet.height == 2 * 58 - 2)
            let map = String(decoding: try contents("\(folder.path)/map.svg"), as: UTF8.self)
            #expect(map.ranges(of: "<circle").count == 359 && map.contains("first principal axis of the codes"))
            let checkpoint = try Checkpoint(path: "\(folder.path)/last.safetensors")
            let evaluation = try recipe.session(checkpoint, device: device).evaluate(try recipe.testData(of: checkpoint, in: nil).dataSet)
            let (again, first) = (try #require(evaluation["reconstruction_error"]), try #require(run.result.test["reconstruction_error"]))
            #expect(abs(again - first) < 1e-5 * first)
        }

        @Test func mapsOfCodes() throws {
            let pairs = try LatentMap.chart("t", [[1, 2], [3, 4], [5, 6]], [7, 0, 7])
            #expect(pairs.groups.count == 10 && pairs.groups[7].points == [.init(1, 2), .init(5, 6)] && pairs.groups[0].points == [.init(3, 4)])
            #expect(try LatentMap.chart("t", [[1.5], [2]], [3, 4]).groups[4].points == [.init(2, 4)])
            // Along (1, 1, 0) the codes vary, and across it not.
            let line = try LatentMap.chart("t", [[0, 0, 5], [1, 1, 5], [2, 2, 5]], [0, 0, 0])
            for (point, place) in zip(line.groups[0].points, [-1.0, 0, 1]) {
                #expect(abs(abs(point.x) - abs(place) * 2.squareRoot()) < 1e-9 && abs(point.y) < 1e-9)
            }
            #expect(line.x.label.contains("100 %"))
        }

        @Test func readsFiles() throws {
            let (folder, output, device) = (try TemporaryFolder(), try TemporaryFolder(), try Device.named("cpu"))
            for part in ["train", "t10k"] { try folder.writeIDX(part, count: 40, side: 28) }
            let run = try record(recipe, on: device, ["hidden=8", "batch=20"], epochs: 1, data: folder.path, output: output.path)
            #expect((run.result.measures["pca_error"] ?? -1) >= 0)
            let last = try Checkpoint(path: "\(output.path)/last.safetensors")
            #expect(try recipe.session(last, device: device).evaluate(recipe.testData(of: last, in: folder.path).dataSet).sampleCount == 40)
            #expect { try recipe.testData(of: last, in: nil) } throws: { "\($0)".contains("needs --data") }
            #expect { try record(recipe, on: device, ["hidden=8"], epochs: 2, resume: last.path) } throws: { "\($0)".contains("name it by --data") }
        }

        @Test func probes() throws {
            var context = RecipeContext(recipe, device: try .named("cpu"), seed: 3)
            context.settings = try Settings(recipe, arguments: ["hidden=5", "batch=4", "denoising=0.2"])
            let tensors = try recipe.probe(context)
            #expect(tensors.count == 9)
            #expect(try context.device.firstDivergence(of: tensors, against: interpreter()) == nil)
        }
    }
}
