import Soma
import SomaZoo
import Testing

extension OnTheCPU {
    @Suite struct XorTests {
        private let recipe = XorRecipe()

        @Test func learnsOnTheCPU() throws {
            let run = try record(recipe, on: try .named("cpu"), epochs: 6)
            let loss = try #require(run.result.test["loss"])
            #expect(loss < 0.005)
            #expect(run.result.test["accuracy"] == 1)
            #expect(run.models.first?.parameterCount == 2 * 4 + 4 + 4 + 1)
            // What the table tells are the answers that the figures come from.
            let answers = try #require(run.tables.first).rows.compactMap { Double($0[3]) }
            for (answer, target) in zip(answers, [0, 1, 1, 0] as [Double]) { #expect(abs(answer - target) < 0.2) }
        }

        @Test func learnsOnTheReference() throws {
            let run = try record(recipe, on: interpreter(), ["sweeps=100"], epochs: 12)
            #expect(run.result.test["accuracy"] == 1)
        }

        /// One hidden unit is no more than a line with a soft edge.
        @Test func oneHiddenUnitIsNotEnough() throws {
            let run = try record(recipe, on: try .named("cpu"), ["hidden=1", "sweeps=200"], epochs: 4)
            let accuracy = try #require(run.result.test["accuracy"])
            #expect(accuracy <= 0.75)
        }

        @Test func drawsTheDecisionSurface() throws {
            let folder = try TemporaryFolder()
            let run = try record(recipe, on: try .named("cpu"), ["sweeps=10"], epochs: 1, output: folder.path)
            #expect(run.files == ["\(folder.path)/surface.svg"])
            #expect(try contents(run.files[0]).starts(with: Array("<svg".utf8)))
            #expect(folder.names == ["best.safetensors", "last.safetensors", "surface.svg"])
        }

        /// A run that was interrupted and one that goes on from its checkpoint end with the bits of one that was not.
        @Test func goesOnBitByBit() throws {
            let (whole, parts) = (try TemporaryFolder(), try TemporaryFolder())
            let device = try Device.named("cpu")
            _ = try record(recipe, on: device, ["sweeps=20"], epochs: 3, output: whole.path)
            var updates = 0
            let first = try record(recipe, on: device, ["sweeps=20"], epochs: 3, output: parts.path, isInterrupted: {
                updates += 1
                return updates == 27
            })
            #expect(first.result.isInterrupted)
            let last = "\(parts.path)/last.safetensors"
            let saved = try SavedRun(Checkpoint(path: last))
            #expect(saved.recipe.name == "xor" && saved.seed == 1 && saved.epochs == 3)
            #expect(saved.settings == (try Settings(recipe, arguments: ["sweeps=20"])))
            let second = try record(recipe, on: device, ["sweeps=20"], epochs: 3, output: parts.path, resume: last)
            #expect(!second.result.isInterrupted && second.result.epochs == 3)
            #expect(try contents(last) == contents("\(whole.path)/last.safetensors"))
        }
    }
}
