import Glibc
@testable import Soma
import Testing

@testable import SomaZoo

extension OnTheCPU {
    @Suite struct ClothesTests {
        private let recipe = ClothesRecipe()
        private let small = ["width=2", "noise=8", "judge=1", "batch=16", "pictures=64"]

        private func pictures(_ dataSet: GarmentDataSet, _ indices: [Int]) throws -> [[Float]] {
            let batch = try Minibatch(of: dataSet, 0..<dataSet.count)
            let (values, size): ([Float], Int) = (try batch["image"].scalars(), 3 * 64 * 64)
            return indices.map { Array(values[$0 * size..<($0 + 1) * size]) }
        }

        /// The same garment whoever asks, in whatever order; all kinds in turn, and none like another.
        @Test func drawsGarments() throws {
            let (some, others) = (GarmentDataSet(seed: 3, range: 0..<32), GarmentDataSet(seed: 3, range: 8..<16))
            let drawn = try pictures(some, Array(0..<32))
            #expect(try pictures(others, [5, 0]) == [drawn[13], drawn[8]])
            #expect(try pictures(GarmentDataSet(seed: 4, range: 0..<1), [0]) != [drawn[0]])
            let labels: [Int32] = try Minibatch(of: some, 0..<32)["label"].scalars()
            #expect(labels == (0..<32).map { Int32($0 % 8) })
            for (index, picture) in drawn.enumerated() {
                #expect(picture.allSatisfy { (0...1).contains($0) })
                // A light ground at the corner, and cloth on a good part of the picture.
                let ground = picture[0]
                #expect(ground > 0.9)
                let covered = picture.prefix(4096).count { abs($0 - ground) > 0.02 }
                #expect((400...3000).contains(covered), "\(Garment.of(index).title): \(covered)")
                for other in drawn[..<index] { #expect(zip(picture, other).contains { abs($0 - $1) > 0.1 }) }
            }
            // Symmetric but for how it lies: half of a pullover's outline is the other half's mirror image.
            var cut = Cut(numbers: Philox(seed: 1))
            let body = Garment.pullover.parts(&cut)[0]
            for (x, y) in [(0.1, 0.3), (0.2, 0.5), (0.3, 0.6), (0.35, 0.2), (0.05, 0.75)] {
                #expect(body.contains(0.5 + x, y) == body.contains(0.5 - x, y))
            }
        }

        @Test func hasTheNetworksOfThePaper() {
            let networks = withRandomSeed(1) { DCGAN(noise: 100, width: 64, format: .colour64) }
            func count(_ module: some Module) -> Int { module.parameters.reduce(0) { $0 + $1.shape.count } }
            let maps = [512, 256, 128, 64, 3]
            let enlarging: Int = zip(maps, maps.dropFirst()).reduce(0) { $0 + $1.0 * $1.1 * 16 + 2 * $1.0 } + 3
            #expect(count(networks.generator) == 101 * 512 * 16 + enlarging)
            let judging: Int = zip(maps.reversed(), maps.reversed().dropFirst()).reduce(0) { $0 + $1.0 * $1.1 * 16 } + 64 + 2 * (128 + 256 + 512)
            #expect(count(networks.discriminator) == judging + 512 * 16 + 1)
            #expect(networks.generator(.randomNormal([2, 100])).shape == [2, 3, 64, 64])
        }

        @Test func designsAndGoesOnBitByBit() throws {
            let (whole, parts, device) = (try TemporaryFolder(), try TemporaryFolder(), try Device.named("cpu"))
            let run = try record(recipe, on: device, small + ["falling=yes", "average=0.9"], epochs: 2, output: whole.path)
            #expect(run.files == ["samples.png", "nearest.png"].map { "\(whole.path)/\($0)" })
            let nearest = try Picture(path: "\(whole.path)/nearest.png")
            #expect(nearest.width == 12 * 66 - 2 && nearest.height == 6 * 66 - 2 && nearest.channels == 3)
            var asked = 0
            _ = try record(recipe, on: device, small + ["falling=yes", "average=0.9"], epochs: 2, output: parts.path, isInterrupted: {
                asked += 1
                return asked == 6
            })
            let last = "\(parts.path)/last.safetensors"
            let more = try record(recipe, on: device, small + ["falling=yes", "average=0.9"], epochs: 3, resume: last)
            #expect(more.messages.contains { $0.hasPrefix("the schedule linear is over 3 epochs now and not 2: the learning rate goes on at") })
            _ = try record(recipe, on: device, small + ["falling=yes", "average=0.9"], epochs: 2, output: parts.path, resume: last)
            #expect(try contents(last) == contents("\(whole.path)/last.safetensors"))
            let checkpoint = try Checkpoint(path: last)
            let session = try recipe.session(checkpoint, device: device)
            let some = Subset(try recipe.testData(of: checkpoint, in: nil).dataSet, indices: Array(0..<128))
            let report = try session.evaluate(some, batchSize: 128).report
            #expect(report.tables[0].rows.map { $0[0] } == Garment.names)
            for name in ["precision", "recall"] { #expect((0...1).contains(report[name] ?? .nan)) }
            #expect { try recipe.testData(of: checkpoint, in: "flowers") } throws: { "\($0)".contains("leave out --data") }
        }

        /// Of points on a line by hand: the first neighbour of 0 is 1, of 1 is 0, of 10 is 1.
        @Test func precisionAndRecallOfPoints() throws {
            func shares(_ real: [Double], _ generated: [Double]) -> [Double]? {
                GeneratorPrecision(real: real.map { [$0] }, generated: generated.map { [$0] }, neighbours: 1).map { [$0.precision, $0.recall] }
            }
            // Around 0 and 1 lie −1 … 2, around 10 lie 1 … 19; around the generated 0.5 and 1.5 lie −0.5 … 2.5, around 30 nearly all.
            #expect(shares([0, 1, 10], [0.5, 1.5, 30])! == [2.0 / 3, 1])
            #expect(shares([0, 1, 10], [100, 101, 102])! == [0, 0])
            #expect(shares([0, 1, 2], [0, 1, 2])! == [1, 1])
            #expect(shares([0], [1]) == nil && shares([0, .nan], [1, 2]) == nil)
            let metric = Metric.precisionAndRecall(real: Tensor([[0.0], [1.0], [10.0]]), generated: Tensor([[0.5], [1.5], [30.0]]), neighbours: 1)
            #expect(metric.rows.count == 2)
        }
    }
}
