@testable import Soma
@testable import SomaZoo
import Testing

extension OnTheCPU {
    @Suite struct SentimentTests {
        private let recipe = SentimentRecipe()
        private let small = ["units=8", "vocabulary=300", "batch=16"]

        private func table(_ rows: String, in folder: TemporaryFolder, _ name: String = "reviews.csv") throws -> String {
            try AtomicFile.write("text,label\n" + rows, to: "\(folder.path)/\(name)")
            return "\(folder.path)/\(name)"
        }

        /// The label of each sentence follows from its deciding clause, and both classes are there as often.
        @Test func theGrammar() throws {
            let (texts, labels) = ReviewGrammar.sentences(1000, seed: 1)
            #expect(Set(texts).count == 1000 && labels.count { $0 == 1 } == 500)
            for (text, label) in zip(texts, labels) {
                let deciding = text.split(separator: ", ").last.map(String.init) ?? text
                let isPraise = ReviewGrammar.praise.contains { deciding.contains(" \($0)") }
                let isNegated = ReviewGrammar.negations.contains { deciding.contains(" \($0)") }
                // Two clauses that agree say the same.
                if deciding.contains(" and ") { continue }
                #expect((isPraise != isNegated) == (label == 1), "\(text)")
            }
            #expect(ReviewGrammar.sentences(5, seed: 1).texts == Array(texts[..<5]) && ReviewGrammar.sentences(5, seed: 2).texts != Array(texts[..<5]))
        }

        @Test func orderMatters() throws {
            let (folder, device) = (try TemporaryFolder(), try Device.named("cpu"))
            let run = try record(recipe, on: device, ["units=32", "lr=0.005"], epochs: 3, output: folder.path)
            let accuracy = try #require(run.result.test["accuracy"])
            #expect(accuracy > 0.97, "\(accuracy)")
            let bag = try #require(try record(recipe, on: device, ["units=32", "lr=0.005", "model=bag"], epochs: 3).result.test["accuracy"])
            #expect(bag < 0.75, "\(bag)")

            let last = try Checkpoint(path: "\(folder.path)/last.safetensors")
            let session = try recipe.session(last, device: device)
            let test = try recipe.testData(of: last, in: nil)
            #expect(test.origin == "the 500 texts held out of the embedded set")
            #expect(try session.evaluate(test.dataSet).value(of: "accuracy") == accuracy)
            let input = try #require({ if case .text(let input) = session.input { input } else { nil as TextInput? } }())
            let samples = try ["the film was good.", "the film was not good, but the ending was really charming.", "the plot is dull."].map { try input.sample(of: $0) }
            let answers = try session.answers(to: samples)
            #expect(answers.map { $0[1] > 0.5 } == [true, true, false], "\(answers)")
        }

        /// What a text is padded with counts for nothing.
        @Test(arguments: [TextClassifier.Kind.lstm, .gru, .bag]) func paddingCountsForNothing(kind: TextClassifier.Kind) throws {
            try withDevice(Device.named("cpu")) { () throws in
                let network = withRandomSeed(1) { TextClassifier(kind, vocabularyCount: 5, units: 4, classes: 3, dropout: 0) }
                let short = try withInference { try network(Tensor([1, 2, 3, 4, 0, -1] as [Float], shape: [2, 3])).scalars(as: Double.self) }
                let rows: [Float] = [1, 2, 3, -1, -1, -1, 4, 0, -1, -1, -1, -1]
                let long = try withInference { try network(Tensor(rows, shape: [2, 6])).scalars(as: Double.self) }
                #expect(zip(short, long).allSatisfy { abs($0 - $1) < 1e-6 }, "\(short) \(long)")
            }
        }

        @Test(arguments: ["lstm", "gru", "bag"]) func readsTables(model: String) throws {
            let (folder, output, device) = (try TemporaryFolder(), try TemporaryFolder(), try Device.named("cpu"))
            let rows = (0..<40).map { "\"\(["yes, it is so", "no, never"][$0 % 2]) \($0)\",\(["ja", "nein"][$0 % 2])\n" }.joined()
            let path = try table(rows + ",ja\n\"what?\",\n", in: folder)
            let run = try record(recipe, on: device, small + ["model=\(model)", "lr=0.05"], epochs: 6, data: path, output: output.path)
            #expect(run.result.test["accuracy"] == 1 && run.messages.contains { $0 == "2 rows without a text or a class left out" })
            let last = try Checkpoint(path: "\(output.path)/last.safetensors")
            let session = try recipe.session(last, device: device)
            #expect(session.classNames == ["ja", "nein"])
            #expect(try session.evaluate(recipe.testData(of: last, in: path, isTrainedOn: true).dataSet).sampleCount == 8)
            let other = try table("\"no, never\",nein\n", in: folder, "other.csv")
            #expect(try recipe.testData(of: last, in: other).origin == "the 1 texts of \(other)")
            let strange = try table("\"no\",non\n", in: folder, "strange.csv")
            #expect { try recipe.testData(of: last, in: strange) } throws: { "\($0)".contains("strange.csv, line 2: the class 'non' is none of the model's, ja, nein") }
            #expect { try recipe.testData(of: last, in: nil) } throws: { "\($0)".contains("name it by --data") }
        }

        @Test func whatCannotBeTrainedOn() throws {
            let (folder, device) = (try TemporaryFolder(), try Device.named("cpu"))
            func refusal(_ rows: String, _ words: [String] = []) throws -> String {
                let path = try table(rows, in: folder)
                do { _ = try record(recipe, on: device, small + words, epochs: 1, data: path) } catch { return "\(error)" }
                return "nothing"
            }
            #expect(try refusal("good,1\n", ["label=stars"]).contains("has no column 'stars'; its columns are text, label: name them by text= and label="))
            #expect(try refusal("good,1\nbad,1\n").contains("there is nothing to tell apart"))
            #expect(try refusal("good,1\nbad,0\n").contains("too few to train on some and test on others"))
            #expect(try refusal(",1\n,0\n").contains("there is nothing to tell apart"))
            #expect { try record(recipe, on: device, small, data: "\(folder.path)/none.csv") } throws: { "\($0)".contains("none.csv") }
        }

        @Test func goesOnBitByBit() throws {
            let (whole, parts, device) = (try TemporaryFolder(), try TemporaryFolder(), try Device.named("cpu"))
            _ = try record(recipe, on: device, small, epochs: 2, output: whole.path)
            var steps = 0
            _ = try record(recipe, on: device, small, epochs: 2, output: parts.path, isInterrupted: {
                steps += 1
                return steps == 140
            })
            _ = try record(recipe, on: device, small, epochs: 2, output: parts.path, resume: "\(parts.path)/last.safetensors")
            #expect(try contents("\(parts.path)/last.safetensors") == contents("\(whole.path)/last.safetensors"))
        }
    }
}
