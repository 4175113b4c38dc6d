import Soma
@testable import SomaZoo
import Testing

extension OnTheCPU {
    @Suite struct ShallowDeepTests {
        private let recipe = ShallowDeepRecipe()
        private let small = ["depths=1,3", "parameters=1500", "function-parameters=80", "folds=2", "bits=4", "batch=64"]

        /// A saw-tooth of 2^k slopes is k layers of two rectifiers, and one layer of 2^k; either is it exactly.
        @Test(arguments: 1...8) func theSawToothIsBothNetworks(folds: Int) throws {
            let grid = SawTooth(folds: folds, grid: 4096).points
            let x = Tensor(grid)
            let (deep, shallow) = (ConstructedSawTooth.deep(x, folds: folds), ConstructedSawTooth.shallow(x, folds: folds))
            #expect(deep.units == 2 * folds && shallow.units == 1 << folds)
            // By its definition: how far 2^folds x is from the nearest even number.
            let right: [Float] = grid.map { x in
                let slopes = x * Float(1 << folds)
                return abs(slopes - 2 * (slopes / 2).rounded())
            }
            let (deepest, shallowest): ([Float], [Float]) = (try deep.y.scalars(), try shallow.y.scalars())
            #expect(deepest == right && shallowest == right)
            let turns = zip(grid, grid.dropFirst()).count { (SawTooth.value($0, folds: folds) > 0.5) != (SawTooth.value($1, folds: folds) > 0.5) }
            #expect(turns == 1 << folds)
        }

        @Test func networksHaveAsManyParameters() throws {
            let digits = DepthProblem(
                title: "digits", key: "digits", training: DigitsRecipe.dataSets.training, heldOut: DigitsRecipe.dataSets.heldOut, inputs: 64, classes: 10)
            for depth in [1, 2, 5] {
                let sizes = try digits.sizes(depth: depth, within: 8000)
                let model = MLP(sizes, activation: .relu, initialization: .he)
                let count = model.parameters.reduce(0) { $0 + $1.shape.count }
                #expect(sizes.count == depth + 2 && count == DepthProblem.parameterCount(sizes) && count <= 8000)
                let wider = DepthProblem.parameterCount([64] + sizes.dropFirst().dropLast().map { $0 + 1 } + [10])
                #expect(wider > 8000)
            }
            #expect { try digits.sizes(depth: 1, within: 80) } throws: { "\($0)".contains("parameters=80 are too few for 1 hidden layer") }
        }

        @Test func countsBits() throws {
            let batch = try Minibatch(of: Parity(bits: 3), 0..<8)
            let (bits, labels): ([Float], [Int32]) = (try batch["image"].scalars(), try batch["label"].scalars())
            #expect(labels == [0, 1, 1, 0, 1, 0, 0, 1])
            for row in 0..<8 {
                let product = bits[3 * row] * bits[3 * row + 1] * bits[3 * row + 2]
                #expect(labels[row] == (product > 0 ? 1 : 0), "three bits, of which one or three are 1")
            }
        }

        @Test func comparesDepths() throws {
            let folder = try TemporaryFolder()
            let run = try record(recipe, on: try .named("cpu"), small, epochs: 12, output: folder.path)
            #expect(run.epochs.count == 6 * 12 && run.models.count == 1)
            #expect(Set(run.result.measures.keys) == Set(["digits", "sawtooth", "parity"].flatMap { key in [1, 3].map { "\(key)_\($0)_accuracy" } }))
            #expect((run.result.measures["digits_1_accuracy"] ?? 0) > 0.8)
            #expect(run.tables[0].rows.map { $0[0] } == ["1", "3"] && run.tables[1].rows.map { $0[1] } == ["4", "4"])
            #expect(run.files == ["accuracy.svg", "sawtooth.svg"].map { "\(folder.path)/\($0)" })
            let plain = try record(recipe, on: try .named("cpu"), small + ["functions="], epochs: 1)
            #expect(plain.tables[0].columns == ["hidden layers", "digits", "units, digits"])
        }

        /// Phases have data of their own, and a run goes on within any of them.
        @Test func goesOnBitByBit() throws {
            let (whole, device) = (try TemporaryFolder(), try Device.named("cpu"))
            _ = try record(recipe, on: device, small, epochs: 1, output: whole.path)
            // 23 updates of each network for digits, 64 for the saw-tooth, one for parity.
            for stop in [10, 30, 60, 150] {
                let folder = try TemporaryFolder()
                var asked = 0
                let first = try record(recipe, on: device, small, epochs: 1, output: folder.path, isInterrupted: {
                    asked += 1
                    return asked == stop
                })
                #expect(first.result.isInterrupted)
                let last = "\(folder.path)/last.safetensors"
                _ = try record(recipe, on: device, small, epochs: 1, output: folder.path, resume: last)
                #expect(try contents(last) == contents("\(whole.path)/last.safetensors"), "\(stop)")
            }
        }
    }
}
