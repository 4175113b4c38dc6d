import Soma
import SomaReference
import Testing

@testable import SomaZoo

extension OnTheCPU {
    /// The models without a network that the recipe `table` has.
    @Suite struct TableRivalTests {
        private let recipe = TableRecipe()
        private let device = try! Device.named("cpu")

        /// Rows whose answer is 3 · size, 20 more where they are red, and a little of the square of the size.
        private func write(_ folder: TemporaryFolder) throws -> String {
            let path = "\(folder.path)/table.csv"
            try CSVWriter.write(to: path, names: ["size", "colour", "noise", "answer"]) { writer in
                for row in 0..<240 {
                    let (size, colour) = (Double(row * 37 % 100) / 10, ["red", "green", "blue"][row * 7 % 3])
                    let answer = 3 * size + 0.1 * size * size + (colour == "red" ? 20 : 0)
                    try writer.append([row % 19 == 3 ? "" : "\(size)", colour, "\(row * 53 % 17)", "\(answer)"])
                }
            }
            return path
        }

        /// What each model reaches on rows that are held out. The 41 rows that the network chooses its epoch by are learnt from.
        @Test(arguments: ["tree", "forest", "extra-trees", "boosted", "svm", "linear", "knn", "bayes"]) func tellsClasses(_ model: String) throws {
            let output = try TemporaryFolder()
            let run = try record(recipe, on: device, ["model=\(model)"], seed: 3, output: output.path)
            #expect(run.messages.first == "species, one of 3 classes, from 7 columns: 275 rows to train on, 69 to test on")
            #expect(run.messages.contains { $0.hasPrefix("\(model): ") })
            #expect(run.result.test.figures.map(\.name) == ["loss", "accuracy", "auc"])
            let (accuracy, area) = (try #require(run.result.test["accuracy"]), try #require(run.result.test["auc"]))
            #expect(accuracy > (model == "bayes" ? 0.8 : 0.9) && area > 0.93, "\(model): accuracy \(accuracy), area \(area)")
            // From the file, in another session, to the bit.
            let checkpoint = try Checkpoint(path: "\(output.path)/best.safetensors")
            #expect(try contents("\(output.path)/last.safetensors") == contents(checkpoint.path))
            let test = try recipe.testData(of: checkpoint, in: nil)
            #expect(test.origin == "the 69 rows held out of penguins.csv")
            let session = try recipe.session(checkpoint, device: device)
            let evaluation = try session.evaluate(test.dataSet)
            for figure in run.result.test.figures { #expect(evaluation[figure.name] == figure.value, "\(model): \(figure.name)") }
            #expect(evaluation.report.figures.map(\.name).contains("calibration_error") && evaluation.report.pictures.count == 1)
            try expectAnswers(session, accuracy)
        }

        /// What a session answers to rows gives the figures that the run has measured.
        private func expectAnswers(_ session: Session, _ accuracy: Double) throws {
            guard case .row(let preparation) = session.input, case .classes(let names) = session.answer, case .rows = session.model else {
                Issue.record("\(session.input) \(session.answer)")
                return
            }
            let schema = try TableSchema(Penguins.table, TableChoice(target: "species"))
            let rows = try TableDataSet(Penguins.table, rows: schema.split(heldOut: 0.2, seed: 3).heldOut, preparation)
            let answers = try session.answers(to: rows, batchSize: 7)
            #expect(answers.allSatisfy { $0.count == names.count && abs($0.reduce(0, +) - 1) < 1e-5 && $0.allSatisfy { $0 >= 0 } })
            let right = zip(answers, rows.labels).count { answer, label in answer.firstIndex(of: answer.max() ?? 0) == Int(label) }
            #expect(Double(right) / Double(rows.count) == accuracy.rounded(toShareOf: rows.count))
            #expect(session.featureMaps(of: rows.sample(0)).isEmpty)
        }

        @Test(arguments: [("tree", 0.9), ("forest", 0.9), ("extra-trees", 0.9), ("boosted", 0.9), ("svm", 0.8), ("linear", 0.8), ("knn", 0.6)])
        func tellsNumbers(_ model: String, _ least: Double) throws {
            let (folder, output) = (try TemporaryFolder(), try TemporaryFolder())
            let path = try write(folder)
            let run = try record(recipe, on: device, ["model=\(model)", "target=answer"], data: path, output: output.path)
            #expect(run.result.test.figures.map(\.name) == ["loss", "rmse", "mae", "r2"])
            #expect(try #require(run.result.test["r2"]) > least, "\(model): \(run.result.test)")
            let checkpoint = try Checkpoint(path: "\(output.path)/best.safetensors")
            let session = try recipe.session(checkpoint, device: device)
            let evaluation = try session.evaluate(try recipe.testData(of: checkpoint, in: path, isTrainedOn: true).dataSet)
            #expect(evaluation["rmse"] == run.result.test["rmse"])
            guard case .row(let preparation) = session.input, case .number("answer", let scale) = session.answer else {
                Issue.record("\(session.input) \(session.answer)")
                return
            }
            // Alone and among others, with a word and a missing number that are known and with a word that is not.
            let table = try DataTable(text: "colour,noise,size\nred,3,4\ngreen,3,4\nred,3,\nviolet,3,4")
            let rows = try TableDataSet(table, preparation, hasTarget: false)
            let answers = try session.answers(to: rows)
            let alone = try (0..<4).map { try session.answers(to: [rows.sample($0)])[0][0] }
            #expect(alone == answers.map { $0[0] })
            #expect(scale.restored(answers[0][0]) - scale.restored(answers[1][0]) > 8 && answers.allSatisfy { $0[0].isFinite })
        }

        /// Of a class with a single row there is none to learn from where that is held out. The others keep their numbers.
        @Test(arguments: ["forest", "knn", "linear", "bayes"]) func aClassWithoutRowsIsNeverTold(_ model: String) throws {
            let output = try TemporaryFolder()
            let lines = (0..<60).map { "\($0 % 7),\($0 % 7 > 3 ? "c" : "a")" }
            let table = try DataTable(text: (["x,y"] + lines + ["9,b"]).joined(separator: "\n"))
            let schema = try TableSchema(table, TableChoice(target: "y"))
            let preparation = try TablePreparation(fittedTo: table, rows: Array(0..<60), schema: schema)
            let settings = try Settings(recipe, arguments: ["model=\(model)"])
            let kind = try #require(settings[TableRecipe.model].estimator)
            let data = try TableDataSet(table, rows: Array(0..<60), preparation)
            let fit = try FittedTable.fit(TableEstimator(kind: kind, settings: settings, seed: 0), data, classWeights: nil)
            let path = "\(output.path)/model.safetensors"
            try fit.model.write(metadata: [:], to: path)
            let model = try FittedTable(Checkpoint(path: path), kind, preparation)
            let answers = try model.answers(to: [data.sample(0), data.sample(6)])
            #expect(answers.map(\.count) == [3, 3] && answers[0][0] > 0.5 && answers[1][2] > 0.5 && answers[0][1] == 0 && answers[1][1] == 0)
            #expect(try fit.model.answers(to: [data.sample(0), data.sample(6)]) == answers)
            #expect(throws: SomaError.self) { try model.answers(to: [[1, 2]]) }
            // The row whose class nobody has learnt is still measured.
            let evaluation = try model.session(preparation, on: device).evaluate(TableDataSet(table, preparation))
            #expect(evaluation["loss"]?.isFinite == true && evaluation["accuracy"] ?? 1 < 1)
        }

        @Test func shows() throws {
            let (folder, output) = (try TemporaryFolder(), try TemporaryFolder())
            let path = try write(folder)
            let tree = try record(recipe, on: device, ["model=tree", "target=answer", "depth=2"], data: path, output: output.path)
            #expect(tree.files.map { $0.split(separator: "/").last } == ["importances.svg", "tree.svg"])
            let svg = String(decoding: try contents("\(output.path)/tree.svg"), as: UTF8.self)
            #expect(svg.contains("colour is not red") && svg.contains("size ≤ ") && svg.contains("What tells answer"))
            let importances = try #require(tree.tables.first?.rows)
            #expect(Set(importances.prefix(2).map { $0[0] }) == ["size", "colour"] && importances.count == 3)
            #expect(abs(importances.compactMap { Double($0[1]) }.reduce(0, +) - 1) < 1e-3)
            let neighbours = try record(recipe, on: device, ["model=knn", "target=answer"], data: path, output: output.path)
            #expect(neighbours.files.isEmpty && neighbours.tables.isEmpty)
        }

        /// Settings take effect.
        @Test(arguments: [
            ["model=forest", "trees=3"], ["model=tree", "depth=1"], ["model=tree", "leaf=60"], ["model=tree", "pruning=0.05"],
            ["model=boosted", "rounds=2"], ["model=boosted", "rate=0.01"], ["model=boosted", "leaves=2"], ["model=boosted", "leaf=100"],
            ["model=svm", "c=0.001"], ["model=svm", "gamma=30"], ["model=svm", "kernel=linear"], ["model=linear", "penalty=100"],
            ["model=knn", "neighbours=60"], ["model=knn", "voting=distance"], ["model=bayes", "smoothing=10"], ["model=linear", "weights=balanced"],
            ["model=forest", "columns=all"], ["model=forest", "columns=1"], ["model=extra-trees", "columns=0.9"],
            ["model=boosted", "stop-after=1"],
        ])
        func settings(_ arguments: [String]) throws {
            let plain = try record(recipe, on: device, [arguments[0]])
            let changed = try record(recipe, on: device, arguments)
            #expect(plain.result.test["loss"] != changed.result.test["loss"], "\(arguments)")
        }

        /// Errors within ε cost nothing, and C is what the rest costs: with a huge ε or hardly any cost the answer is one number for all.
        @Test func settingsOfNumbers() throws {
            let folder = try TemporaryFolder()
            let path = try write(folder)
            func r2(_ arguments: [String]) throws -> Double {
                try #require(record(recipe, on: device, ["target=answer"] + arguments, data: path).result.test["r2"])
            }
            let usual = try r2(["model=svm"])
            #expect(try r2(["model=svm", "epsilon=0.1"]) == usual && r2(["model=svm", "epsilon=0.01"]) > usual && r2(["model=svm", "c=10"]) != usual)
            #expect(try r2(["model=svm", "epsilon=50"]) <= 0 && r2(["model=svm", "c=1e-6"]) < 0.01)
            #expect(try r2(["model=forest", "columns=1"]) != r2(["model=forest"]))
            #expect(try r2(["model=forest", "columns=all"]) == r2(["model=forest", "columns=1.0"]))
            #expect(try r2(["model=forest", "columns=sqrt"]) == r2(["model=forest", "columns=2"]), "6 columns")
        }

        /// Rounds end where the loss of rows held out no longer falls.
        @Test func roundsEndEarly() throws {
            func rounds(_ arguments: [String]) throws -> String {
                try #require(record(recipe, on: device, ["model=boosted"] + arguments).messages.last { $0.hasPrefix("boosted: ") })
            }
            #expect(try rounds([]) == "boosted: 100 rounds")
            let early = try #require(Int(rounds(["stop-after=5", "rounds=1000"]).split(separator: " ")[1]))
            #expect(early > 5 && early < 900, "\(early)")
            #expect(try rounds(["stop-after=5", "stop-share=0.5", "rounds=1000"]) != rounds(["stop-after=5", "rounds=1000"]))
        }

        @Test(arguments: [
            (["model=forest", "columns=50"], "columns=50: there are "),
            (["model=svm", "epsilon=0.2"], "epsilon is for numbers"), (["model=tree", "stop-after=3"], "stop-after is no setting of model=tree"),
            (["model=forest", "dropout=0.3"], "dropout is no setting of model=forest"), (["trees=7"], "trees is no setting of model=mlp"),
            (["model=svm", "neighbours=3"], "which has weights, kernel, c, gamma, epsilon"),
            (["model=knn", "weights=balanced"], "weights is no setting"),
            (["model=linear", "penalty=0"], "penalty=0 is for numbers"),
            (["model=bayes", "target=body_mass_g", "kind=number"], "model=bayes tells classes"),
        ])
        func refusesSettings(_ arguments: [String], _ text: String) throws {
            #expect { try record(recipe, on: device, arguments) } throws: { $0 is UsageError && "\($0)".contains(text) }
        }

        @Test func refusesToGoOn() throws {
            let output = try TemporaryFolder()
            _ = try record(recipe, on: device, ["model=tree"], output: output.path)
            let last = "\(output.path)/last.safetensors"
            #expect { try record(recipe, on: device, ["model=tree"], resume: last) } throws: { "\($0)".contains("there is nothing to go on with") }
            #expect { try record(recipe, on: device, ["model=tree"], epochs: 2) } throws: { "\($0)".contains("has no epochs") }
            var context = RecipeContext(recipe, device: device)
            context.settings = try Settings(recipe, arguments: ["model=tree"])
            #expect { _ = try recipe.probe(context) } throws: { "\($0)".contains("is no network") }
        }

        /// A run that is asked to end before its model is written leaves none.
        @Test func isInterrupted() throws {
            let output = try TemporaryFolder()
            let run = try record(recipe, on: device, ["model=tree"], output: output.path) { true }
            #expect(run.result.isInterrupted && run.interruptions == ["before the model was written"] && output.names.isEmpty)
        }

        // MARK: Files

        private func refusal(_ path: String) -> String {
            do {
                _ = try recipe.session(Checkpoint(path: path), device: device)
                return "none"
            } catch { return "\(error)" }
        }

        /// A file with one array, or one text, in the place of another.
        private func edited(_ file: SafetensorsFile, _ path: String, metadata: [String: String] = [:], _ name: String = "", _ values: [Int32] = []) throws {
            let tensors = try file.tensors.map { tensor -> (tensor: SafetensorsFile.Tensor, bytes: [UInt8]) in
                if tensor.name != name { return (tensor, try file.withBytes(of: tensor.name) { [UInt8]($0) }) }
                return (.init(name: name, elementType: .int32, shape: [values.count]), values.withUnsafeBytes { [UInt8]($0) })
            }
            try SafetensorsFile.write(tensors, metadata: file.metadata.merging(metadata) { _, new in new }, to: path)
        }

        @Test func refusesBrokenFiles() throws {
            let output = try TemporaryFolder()
            _ = try record(recipe, on: device, ["model=forest", "trees=4"], output: output.path)
            let path = "\(output.path)/last.safetensors", broken = "\(output.path)/broken.safetensors"
            let file = try SafetensorsFile(path: path)
            #expect(refusal(path) == "none")
            let bytes = try contents(path)
            for count in [0, 7, 100, bytes.count / 2, bytes.count - 1] {
                try AtomicFile.write(Array(bytes[..<count]), to: broken)
                #expect(refusal(broken).contains("broken.safetensors") && !refusal(broken).contains("\n"), "\(count)")
            }
            let changes: [(metadata: [String: String], name: String, values: [Int32], text: String)] = [
                (["setting.model": "knn"], "", [], "no array 'rows'"), (["setting.model": "boosted"], "", [], "no array 'base'"),
                (["setting.model": "mlp"], "", [], "broken.safetensors"), (["setting.model": "oak"], "", [], "another version"),
                (["estimator.kind": "trees of numbers"], "", [], "'estimator.kind'"), (["table.preparation": "{}"], "", [], "broken.safetensors"),
                ([:], "table.classes", [0, 1], "3 classes and not 2"), ([:], "table.classes", [0, 1, 3], "does not say which"),
                ([:], "table.classes", [0, 0, 1], "does not say which"), ([:], "starts", [0, 1 << 30], "'starts'"), ([:], "feature", [900], "'feature'"),
            ]
            for change in changes {
                try edited(file, broken, metadata: change.metadata, change.name, change.values)
                #expect(refusal(broken).contains(change.text) && !refusal(broken).contains("\n"), "\(change): \(refusal(broken))")
            }
            // A model of another table.
            let other = try TemporaryFolder()
            _ = try record(recipe, on: device, ["model=forest", "trees=4", "leave-out=island"], output: other.path)
            let preparation = try Checkpoint(path: "\(other.path)/last.safetensors").metadata["table.preparation"] ?? ""
            try edited(file, broken, metadata: ["table.preparation": preparation])
            #expect(refusal(broken).contains("columns, and its table has"), "\(refusal(broken))")
        }
    }
}

extension Double {
    /// The nearest share of so many, as a metric's single precision may miss it by a bit.
    fileprivate func rounded(toShareOf count: Int) -> Double { (self * Double(count)).rounded() / Double(count) }
}
