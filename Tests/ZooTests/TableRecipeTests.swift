import Soma
import SomaReference
import SomaZoo
import Testing

extension OnTheCPU {
    @Suite struct TableRecipeTests {
        private let recipe = TableRecipe()

        /// Rows of which the third column follows from the other two; the fourth says nothing.
        private func write(_ folder: TemporaryFolder, rows: Int = 200, target: (Double, String) -> String) throws -> String {
            let path = "\(folder.path)/table.csv"
            try CSVWriter.write(to: path, names: ["size", "colour", "answer", "constant"]) { writer in
                for row in 0..<rows {
                    let (size, colour) = (Double(row * 37 % 100) / 10, ["red", "green", "blue"][row * 7 % 3])
                    try writer.append([row % 19 == 3 ? "" : "\(size)", colour, target(size, colour), "1"])
                }
            }
            return path
        }

        @Test(arguments: [(try! Device.named("cpu"), 5), (interpreter(), 2)]) func tellsClasses(_ device: Device, _ members: Int) throws {
            let output = try TemporaryFolder()
            let words = members == 5 ? [] : ["members=\(members)", "hidden=16", "lr=0.01"]
            let run = try record(recipe, on: device, words, seed: 3, epochs: 12, output: output.path)
            let what = "275 rows to train on, each left out by one of \(members) networks, 69 to test on"
            #expect(run.messages.first == "species, one of 3 classes, from 7 columns: \(what)")
            #expect(run.epochs.last?.evaluation?.report.figures.map(\.name) == ["loss", "accuracy", "auc"])
            #expect(try #require(run.result.test["accuracy"]) > 0.9 && run.result.test["auc"] ?? 0 > 0.98)
            let checkpoint = try Checkpoint(path: "\(output.path)/best.safetensors")
            let test = try recipe.testData(of: checkpoint, in: nil)
            #expect(test.origin == "the 69 rows held out of penguins.csv")
            let evaluation = try recipe.session(checkpoint, device: device).evaluate(test.dataSet)
            #expect(evaluation["accuracy"] == run.result.test["accuracy"] && evaluation["auc"] == run.result.test["auc"])
            #expect(evaluation.report.figures.map(\.name).contains("balanced_accuracy") && evaluation.report.pictures.count == 1)
        }

        @Test func tellsNumbers() throws {
            let (folder, output) = (try TemporaryFolder(), try TemporaryFolder())
            let path = try write(folder) { size, colour in "\(3 * size + (colour == "red" ? 20 : 0) - 50)" }
            let run = try record(
                recipe, on: try .named("cpu"), ["target=answer", "dropout=0", "lr=0.01"], epochs: 60, data: path, output: output.path)
            #expect(run.messages.contains { $0.contains("constant") })
            #expect(try #require(run.result.test["r2"]) > 0.9 && run.result.test["rmse"] ?? 99 < 5)
            let session = try recipe.session(try Checkpoint(path: "\(output.path)/best.safetensors"), device: .named("cpu"))
            guard case .row(let preparation) = session.input, case .number("answer", let scale) = session.answer else {
                Issue.record("\(session.input) \(session.answer)")
                return
            }
            let table = try DataTable(path: path)
            let answers = try session.answers(to: TableDataSet(table, rows: [0, 1, 2], preparation, hasTarget: false), batchSize: 2)
            #expect(answers.count == 3 && abs(scale.restored(answers[1][0]) - (3 * 3.7 - 50)) < 8)
        }

        @Test func resumesWithTheSameBits() throws {
            func result(_ folder: TemporaryFolder) throws -> [UInt8] { try contents("\(folder.path)/last.safetensors") }
            let (whole, stopped) = (try TemporaryFolder(), try TemporaryFolder())
            _ = try record(recipe, on: try .named("cpu"), epochs: 3, output: whole.path)
            var steps = 0
            _ = try record(recipe, on: try .named("cpu"), epochs: 3, output: stopped.path, isInterrupted: {
                steps += 1
                return steps == 13
            })
            _ = try record(recipe, on: try .named("cpu"), epochs: 3, output: stopped.path, resume: "\(stopped.path)/last.safetensors")
            #expect(try result(stopped) == result(whole))
        }

        /// Rare classes count as much as others where that is asked for.
        @Test func weighsClasses() throws {
            let folder = try TemporaryFolder()
            var count = 0
            let path = try write(folder) { _, _ in
                count += 1
                return count % 10 == 0 ? "rare" : "usual"
            }
            let plain = try record(recipe, on: try .named("cpu"), ["target=answer", "lr=0.02"], epochs: 12, data: path)
            let weighed = try record(recipe, on: try .named("cpu"), ["target=answer", "weights=balanced", "lr=0.02"], epochs: 12, data: path)
            let losses = [plain, weighed].map { $0.epochs.last?.loss ?? 0 }
            // There is nothing to tell by: with weights the best guess is a half, without it is nine of ten.
            #expect(losses[0] < 0.45 && losses[1] > 0.55, "\(losses)")
        }

        @Test func refusesOtherTables() throws {
            let (folder, output) = (try TemporaryFolder(), try TemporaryFolder())
            let path = try write(folder) { size, _ in size > 5 ? "large" : "small" }
            let device = try Device.named("cpu")
            #expect { try record(recipe, on: device, epochs: 1, data: path) } throws: { "\($0)".contains("target=COLUMN") }
            #expect { try record(recipe, on: device, ["target=anser"], epochs: 1, data: path) } throws: { "\($0)".contains("anser") && "\($0)".contains("answer") }
            _ = try record(recipe, on: device, ["target=answer"], epochs: 1, data: path, output: output.path)
            let last = "\(output.path)/last.safetensors"
            let checkpoint = try Checkpoint(path: last)
            _ = try write(folder) { size, _ in size > 4 ? "large" : "small" }
            #expect { try record(recipe, on: device, ["target=answer"], epochs: 2, data: path, resume: last) } throws: {
                "\($0)".contains("\(path) is not what \(last) was trained on: its rows are others")
            }
            #expect { try recipe.testData(of: checkpoint, in: path, isTrainedOn: true) } throws: { error in
                ["is not what", "cannot be told"].allSatisfy("\(error)".contains)
            }
            // As another table it is one to test on.
            #expect(try recipe.testData(of: checkpoint, in: path).dataSet.count == 200)
            try AtomicFile.write(Array("size,answer\n1,large\n".utf8), to: path)
            #expect { try recipe.testData(of: checkpoint, in: path) } throws: { "\($0)".contains("colour") }
            _ = try write(folder) { _, _ in "same" }
            #expect { try record(recipe, on: device, ["target=answer"], epochs: 1, data: path) } throws: { "\($0)".contains("answer") }
        }
    }
}
