import Glibc
import Soma
import Testing

@testable import SomaCLI

/// The command with tables in place of pictures.
@Suite struct TableCommandTests {
    let folder = TestFolder()

    private func soma(_ words: String...) -> Command { Command.run(["\(Command.folder)/soma"] + words, in: folder) }

    /// Whether the square of x is more than 0.25, with a column of words beside it.
    private func table(_ name: String, rows: Range<Int>, _ separator: String = ",", hasAnswer: Bool = true) throws {
        let lines = rows.map { row -> String in
            let x = Double(row * 61 % 200 - 100) / 100
            return ["\(x)", row % 3 == 0 ? "a;b" : "c"].map { $0.contains(separator) ? "\"\($0)\"" : $0 }.joined(separator: separator)
                + (hasAnswer ? "\(separator)\(x * x > 0.25 ? "far" : "near")" : "")
        }
        let header = ["x", "kind"].joined(separator: separator) + (hasAnswer ? "\(separator)where" : "")
        try folder.write(name, Array(([header] + lines).joined(separator: "\r\n").utf8) + [13, 10])
    }

    @Test func trainEvaluateAndPredict() throws {
        try table("points.csv", rows: 0..<400)
        let train = soma("train", "table", "--data", "points.csv", "--target", "where", "--device", "cpu", "--epochs", "40", "lr=0.02", "dropout=0", "--json")
        #expect(train.status == 0, "\(train.complaint)")
        let result = try JSON(parsing: try #require(train.lines.last))
        #expect(try #require(result["test_accuracy"]?.double) > 0.9 && result["test_auc"]?.double ?? 0 > 0.95)
        let header = try #require(folder.text("runs/table/metrics.csv").split(separator: "\n").first)
        #expect(header == "model,epoch,step,loss,test_loss,test_accuracy,test_auc,learning_rate,samples_per_second,memory_bytes,seconds")
        let evaluation = try JSON(parsing: soma("evaluate", "runs/table", "--device", "cpu", "--json").output)
        #expect(evaluation["samples"] == 80 && evaluation["accuracy"] == result["test_accuracy"] && evaluation["auc"] == result["test_auc"])
        #expect(evaluation["data"]?.string?.hasPrefix("the 80 rows held out of ") == true && evaluation["balanced_accuracy"] != nil)

        // Other rows, with other separators and the columns in the same places, and a word that training did not have.
        try table("new.csv", rows: 400..<420, ";", hasAnswer: false)
        try folder.write("new.csv", Array((folder.text("new.csv").replacing("\r\n", with: "\n") + "0.9;z\n").utf8))
        let text = soma("predict", "runs/table", "new.csv", "--index", "20", "--device", "cpu")
        #expect(text.status == 0 && text.output.hasPrefix("new.csv[20]: far ") && text.complaint.contains("“z”"), "\(text.output) \(text.complaint)")
        let written = soma("predict", "runs/table", "new.csv", "--device", "cpu", "--output", "answers.csv")
        #expect(written.status == 0 && written.output.contains("wrote answers.csv: 21 rows"), "\(written.complaint)")
        let answers = try DataTable(path: "\(folder.path)/answers.csv")
        #expect(answers.names == ["x", "kind", "predicted where", "probability"] && answers.rowCount == 21)
        let right = (0..<20).count { row in
            let cells = answers.row(row)
            return (Double(cells[0]).map { $0 * $0 > 0.25 } ?? false) == (cells[2] == "far")
        }
        #expect(right >= 17)
        let objects = try soma("predict", "runs/table", "new.csv", "--device", "cpu", "--json").lines.map { try JSON(parsing: $0) }
        #expect(objects.count == 21 && objects[20]["class"] == "far" && objects[20]["top"]?.array?.count == 2)
    }

    @Test func crossValidation() throws {
        try table("points.csv", rows: 0..<120)
        let words = [
            "cross-validate", "table", "--data", "points.csv", "--target", "where", "--device", "cpu", "--epochs", "30", "lr=0.02", "--folds", "3",
        ]
        let json = Command.run(["\(Command.folder)/soma"] + words + ["--json"], in: folder)
        #expect(json.status == 0 && json.lines.count == 4, "\(json.output) \(json.complaint)")
        let folds = try json.lines.prefix(3).map { try JSON(parsing: $0) }
        let last = try #require(json.lines.last)
        let result = try #require(JSON(parsing: last)["test_accuracy"])
        #expect(result["folds"]?.array == folds.map { $0["test_accuracy"] ?? .null })
        let mean = try folds.map { try #require($0["test_accuracy"]?.double) }.reduce(0, +) / 3
        #expect(abs(try #require(result["mean"]?.double) - mean) < 1e-9 && mean > 0.6)
        let text = Command.run(["\(Command.folder)/soma"] + words, in: folder)
        #expect(text.status == 0 && text.lines.first?.hasPrefix("fold 1 of 3: loss ") == true && text.output.contains("Over 3 folds"), "\(text.output)")
        #expect(!folder.exists("runs"), "no model of a fold is kept")
        soma("cross-validate", "digits").expectComplaint(2, "digits")
        let one = soma("cross-validate", "table", "--folds", "1")
        #expect(one.status == 2 && one.complaint.contains("--folds takes a whole number from 2 on"), "\(one.status) \(one.complaint)")
        soma("cross-validate", "table", "--data", "points.csv", "target=where", "--folds", "121").expectComplaint(1, "120 rows", "121 folds")
    }

    /// A model without a network: the same commands, and the same rows to test on.
    @Test func aForest() throws {
        try table("points.csv", rows: 0..<400)
        let train = soma("train", "table", "--data", "points.csv", "--target", "where", "--model", "forest", "--trees", "30", "--device", "cpu", "--json")
        #expect(train.status == 0, "\(train.complaint)")
        let result = try JSON(parsing: try #require(train.lines.last))
        #expect(try #require(result["test_accuracy"]?.double) > 0.9 && result["checkpoint"] == "runs/table/last.safetensors")
        let configuration = try JSON(parsing: folder.text("runs/table/config.json"))
        #expect(configuration["settings"]?["trees"] == "30" && configuration["settings"]?["dropout"] == nil && configuration["epochs"] == 1)
        #expect(folder.exists("runs/table/importances.svg") && !folder.exists("runs/table/tree.svg"))
        let evaluation = try JSON(parsing: soma("evaluate", "runs/table", "--device", "cpu", "--json", "--chart", "confusion.svg").output)
        #expect(evaluation["samples"] == 80 && evaluation["accuracy"] == result["test_accuracy"] && evaluation["auc"] == result["test_auc"])
        #expect(folder.exists("confusion.svg"))
        try table("new.csv", rows: 400..<420, hasAnswer: false)
        let written = soma("predict", "runs/table", "new.csv", "--device", "cpu", "--output", "answers.csv")
        #expect(written.status == 0 && written.output.contains("wrote answers.csv: 20 rows"), "\(written.complaint)")
        let answers = try DataTable(path: "\(folder.path)/answers.csv")
        let right = (0..<20).count { row in
            let cells = answers.row(row)
            return (Double(cells[0]).map { $0 * $0 > 0.25 } ?? false) == (cells[2] == "far")
        }
        #expect(answers.names == ["x", "kind", "predicted where", "probability"] && right >= 18)
        #expect(soma("inspect", "runs/table/best.safetensors").output.contains("estimator.kind = trees of classes"))
        soma("features", "runs/table").expectComplaint(1, "rows of tables")
        soma("generate", "runs/table").expectComplaint(1, "rows of tables")

        // There is nothing to go on with, and all files stay.
        let before = folder.text("runs/table/config.json")
        soma("train", "table", "--resume").expectComplaint(2, "nothing to go on with")
        #expect(folder.text("runs/table/config.json") == before && folder.exists("runs/table/best.safetensors") && !folder.exists("runs/table.1"))
        soma("train", "table", "--data", "points.csv", "target=where", "model=forest", "dropout=0").expectComplaint(2, "dropout is no setting of model=forest")
        soma("train", "table", "--data", "points.csv", "target=where", "model=oak").expectComplaint(2, "extra-trees")
        soma("profile", "table", "--data", "points.csv", "target=where", "model=forest").expectComplaint(2, "no steps to look into")
        soma("explain-graph", "table", "model=forest").expectComplaint(2, "no steps to look into")
        #expect(folder.exists("runs/table/best.safetensors") && !folder.exists("runs/table.1"))
    }

    /// A fit has nothing to keep before its end: a signal ends it then and there.
    @Test(arguments: [SIGINT, SIGTERM]) func aFitThatIsInterrupted(_ signal: Int32) throws {
        try table("points.csv", rows: 0..<400)
        let words = ["train", "table", "--data", "points.csv", "target=where", "model=boosted", "rounds=100000", "rate=0.0001", "--device", "cpu"]
        let fit = Command.run(["\(Command.folder)/soma"] + words, in: folder, interrupt: (signal, { folder.exists("runs/table/config.json") }))
        #expect(fit.status == 130 && fit.complaint == "soma: interrupted before there was anything new to keep\n", "\(fit.status) \(fit.complaint)")
        #expect(!folder.exists("runs/table/best.safetensors") && !folder.exists("runs/table/last.safetensors"))
    }

    /// A run that ended early has nothing to go on with.
    @Test func anEndThatWasEarlyIsToldOnce() throws {
        try table("points.csv", rows: 0..<200)
        let train = soma("train", "table", "--data", "points.csv", "--target", "where", "--device", "cpu", "--epochs", "400", "lr=1", "patience=1")
        #expect(train.status == 0 && train.output.contains("none was better for as long as asked for"), "\(train.output) \(train.complaint)")
        let resumed = soma("train", "--resume", "runs/table")
        #expect(resumed.status == 0 && resumed.output.contains("none was better for as long as asked for"), "\(resumed.output) \(resumed.complaint)")
        #expect(!resumed.output.contains("goes on"), "\(resumed.output)")
    }

    @Test func whatDoesNotFit() throws {
        try table("points.csv", rows: 0..<60)
        soma("train", "table", "--data", "points.csv").expectComplaint(2, "target=COLUMN")
        soma("train", "table", "--data", "points.csv", "target=were").expectComplaint(1, "were", "where")
        soma("train", "table", "--data", "none.csv", "target=where").expectComplaint(1, "none.csv")
        try folder.write("empty.csv", [])
        soma("train", "table", "--data", "empty.csv", "target=where").expectComplaint(1, "empty.csv")
        try folder.write("ragged.csv", Array("x,where\n1,a\n2\n3,b\n".utf8))
        soma("train", "table", "--data", "ragged.csv", "target=where").expectComplaint(1, "ragged.csv", "3")
        #expect(!folder.exists("runs"), "nothing is left of a run that could not begin")
        #expect(soma("train", "table", "--data", "points.csv", "target=where", "--device", "cpu", "--epochs", "1").status == 0)
        try folder.write("other.csv", Array("y,where\n1,far\n2,near\n".utf8))
        soma("predict", "runs/table", "other.csv").expectComplaint(1, "other.csv", "'x'")
        soma("evaluate", "runs/table", "--data", "other.csv").expectComplaint(1, "other.csv", "'x'")
        soma("features", "runs/table").expectComplaint(1, "rows of tables")
        soma("predict", "runs/table", "points.csv", "points.csv", "--output", "a.csv").expectComplaint(2, "one file")
        soma("predict", "runs/table", "points.csv", "--index", "60").expectComplaint(1, "--index 59")
    }
}
