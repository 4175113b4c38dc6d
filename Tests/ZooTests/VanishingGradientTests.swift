import Soma
import SomaZoo
import Testing

extension OnTheCPU {
    @Suite struct VanishingGradientTests {
        private let recipe = VanishingGradientRecipe()

        @Test func showsWhereTheGradientEnds() throws {
            let folder = try TemporaryFolder()
            let run = try record(recipe, on: try .named("cpu"), ["depths=2,12", "width=32"], epochs: 4, output: folder.path)
            #expect(run.tables.count == 3 && run.messages.count == 8)
            // Columns: layer; sigmoid begun badly and well; ReLU begun badly and well.
            let norms = run.tables[0].rows.map { $0.dropFirst().compactMap { Double($0) } }
            #expect(norms.count == 12)
            let (first, last) = (norms[0], norms[11])
            #expect(first[0] < 1e-12 * last[0])
            #expect(first[1] < 1e-3 * last[1])
            #expect(last[2] < 1e-6)
            #expect(first[3] > 0.1 * last[3] && first[3] > 1e-2)
            #expect(run.files.count == 2 && folder.names == ["accuracy.svg", "gradients.svg", "last.safetensors"])
        }

        @Test func onlyRectifiersBegunWellLearnWhenDeep() throws {
            let run = try record(recipe, on: try .named("cpu"), ["depths=12", "batch=32"], epochs: 6)
            func accuracy(_ key: String) throws -> Double { try #require(run.result.measures["\(key)_12_accuracy"]) }
            #expect(try accuracy("relu_he") > 0.85)
            for key in ["sigmoid_small", "sigmoid_he", "relu_small"] { #expect(try accuracy(key) < 0.4) }
        }

        @Test func stopsWhenAsked() throws {
            var asked = 0
            let run = try record(recipe, on: try .named("cpu"), ["depths=2,3", "width=8"], epochs: 2, isInterrupted: {
                asked += 1
                return asked == 5
            })
            #expect(run.result.isInterrupted && run.messages.isEmpty && run.tables.isEmpty)
            #expect(run.interruptions == ["at 2 hidden layers, sigmoid, small"])
        }

        /// A run that is interrupted keeps the networks that are done and goes on with the others.
        @Test func goesOnWithTheNetworksThatAreLeft() throws {
            let (folder, device) = (try TemporaryFolder(), try Device.named("cpu"))
            let words = ["depths=2,3", "width=8"]
            let whole = try record(recipe, on: device, words, epochs: 1)
            let updates = 23
            var asked = 0
            let first = try record(recipe, on: device, words, epochs: 1, output: folder.path, isInterrupted: {
                asked += 1
                return asked == 2 * updates + 1
            })
            let last = "\(folder.path)/last.safetensors"
            #expect(first.result.isInterrupted && first.messages.count == 2 && first.result.checkpoint == last)
            asked = 0
            let second = try record(recipe, on: device, words, epochs: 1, output: folder.path, resume: last, isInterrupted: {
                asked += 1
                return false
            })
            #expect(asked == 6 * updates, "six of eight networks are left")
            #expect(second.tables == whole.tables && second.result.measures == whole.result.measures)
            #expect(throws: SomaError.self) { try record(recipe, on: device, words, epochs: 2, resume: last) }
        }
    }
}
