import Glibc
@testable import Soma
import Testing

@testable import SomaCLI

/// Files of a run folder that somebody else has written to.
@Suite struct MetricsTextTests {
    let folder = TestFolder()

    private let names = ["loss", "test_loss", "test_accuracy"]
    private let rows = ["digits,1,46,0.5,0.4,0.9,0.001,1000.0,4096,1.5", "digits,2,92,0.25,,,0.0005,,4096,3.0"]
    private var header: String { MetricsFile.header(names) }

    private func text(_ text: String) -> MetricsText { MetricsText(Array(text.utf8)) }
    private func lines(_ text: MetricsText) -> [String] { text.rows.map { $0.text(text.names) } }

    @Test func everyEndOfALineIsRead() throws {
        let lines = [header] + rows
        let plain = text(lines.joined(separator: "\n") + "\n")
        #expect(plain.isUnderstood && plain.names == names && self.lines(plain) == rows)
        #expect(plain.rows[0] == MetricsFile.Row(
            model: "digits", epoch: 1, step: 46, values: ["loss": 0.5, "test_loss": 0.4, "test_accuracy": 0.9], learningRate: 0.001,
            samplesPerSecond: 1000, memoryBytes: 4096, seconds: 1.5))
        for end in ["\r\n", "\r", "\n\n", "\r\n\r\n"] {
            let other = text("\u{FEFF}" + lines.joined(separator: end) + end)
            #expect(other.isUnderstood && other.rows == plain.rows, "\(end.debugDescription)")
        }
        // As spreadsheets save it.
        let quoted = lines.map { $0.split(atEach: ",").map { "\"\($0)\"" }.joined(separator: " , ") }
        #expect(text(quoted.joined(separator: "\r\n")).isUnderstood && text(quoted.joined(separator: "\r\n")).rows == plain.rows)
    }

    @Test(arguments: [
        "digits,1,46,0.5", "digits,1,46,0.5,0.4,0.9,0;001,1000.0,4096,1.5", "digits,1,-46,0.5,0.4,0.9,0.001,1000.0,4096,1.5",
        "digits,1,46,0.5,0.4,0.9,0.001,1000.0,4096,inf", "# a note of mine", "digits,1,99999999999999999999,0.5,0.4,0.9,0.001,1000.0,4096,1.5",
        "di\"gits,1,46,0.5,0.4,0.9,0.001,1000.0,4096,1.5", "digits,1,46,0.5,0.4,0.9,0.001,1000.0,4096,1.5,more",
    ]) func otherLinesAreNotUnderstood(line: String) {
        let found = text(([header] + [rows[0], line, rows[1]]).joined(separator: "\r\n"))
        #expect(!found.isUnderstood && lines(found) == rows)
    }

    /// A column that somebody has added holds words; the others are read, and a copy is kept.
    @Test func columnsOfSomebodysOwn() {
        let found = text("\(header),note\n\(rows[0]),the best so far\n\(rows[1]),\n")
        #expect(!found.isUnderstood && found.rows.map { $0.text(names) } == rows)
    }

    @Test func bytesThatAreNoTextAndFilesWithoutAHeader() {
        let bytes = Array("\(header)\n".utf8) + [0xFF] + Array("\(rows[0])\n\(rows[1])\n".utf8)
        #expect(!MetricsText(bytes).isUnderstood && lines(MetricsText(bytes)) == [rows[1]])
        #expect(!text(rows.joined(separator: "\n")).isUnderstood && text(rows.joined(separator: "\n")).rows.isEmpty)
        #expect(text("").isUnderstood && text("").rows.isEmpty)
    }

    /// A number is taken for what its column is called, or for nothing.
    @Test func columnsInAnotherOrderAndRowsCutShort() {
        let earlier = "model,epoch,step,loss,test_loss,test_accuracy,learning_rate,samples_per_second,memory_bytes,seconds,test_top5_accuracy"
        let sorted = text([earlier, "digits,1,46,0.5,0.4,0.9,0.001,1000.0,4096,1.5,0.99"].joined(separator: "\n"))
        #expect(sorted.isUnderstood && sorted.rows.first?.values == ["loss": 0.5, "test_loss": 0.4, "test_accuracy": 0.9, "test_top5_accuracy": 0.99])
        #expect(sorted.rows.first?.seconds == 1.5 && sorted.rows.first?.memoryBytes == 4096)
        for columns in ["\(header),loss", header.replacing("seconds", with: "minutes"), "\(header),"] {
            #expect(!text([columns, rows[0] + ",1"].joined(separator: "\n")).isUnderstood)
        }
        let cut = text([header, rows[0], String(rows[1].dropLast(4))].joined(separator: "\n"))
        #expect(!cut.isUnderstood && lines(cut) == [rows[0]])
    }

    @Test func namesThatWouldBreakARow() throws {
        var row = try #require(text(header + "\n" + rows[0]).rows.first)
        for name in ["a,b", "a\r\nb", "a,\u{301}b", "a\"b"] {
            row.model = name
            #expect(text(header + "\n" + row.text(names)).isUnderstood, "\(row.text(names).debugDescription)")
        }
    }

    /// A value that comes up later gets a column, and earlier rows an empty cell there.
    @Test func columnsGrow() throws {
        let file = try MetricsFile(path: "\(folder.path)/metrics.csv", resumes: false)
        var row = MetricsFile.Row(model: "m", epoch: 1, step: 1, values: ["b_loss": 1, "a_loss": 2], learningRate: 1, memoryBytes: 0, seconds: 0)
        try file.append(row, ["b_loss", "a_loss"])
        row.values["test_score"] = 3
        try file.append(row, ["b_loss", "a_loss", "test_score"])
        #expect(folder.text("metrics.csv") == """
            model,epoch,step,b_loss,a_loss,test_score,learning_rate,samples_per_second,memory_bytes,seconds
            m,1,1,1.0,2.0,,1.0,,0,0.0
            m,1,1,1.0,2.0,3.0,1.0,,0,0.0

            """)
        let resumed = try MetricsFile(path: "\(folder.path)/metrics.csv", resumes: true)
        #expect(resumed.names == ["b_loss", "a_loss", "test_score"] && resumed.rows.count == 2)
    }

    private func train(_ more: String...) -> Command {
        Command.run(["\(Command.folder)/soma", "train"] + more + ["--device", "cpu"], in: folder)
    }

    /// What an editor changes loses nothing: neither rows that can be read nor what cannot.
    @Test func resumingKeepsEarlierEpochs() throws {
        #expect(train("digits", "hidden=8", "--epochs", "2").status == 0)
        let path = "runs/digits/metrics.csv"
        let first = folder.text(path).split(separator: "\n").map(String.init)
        try folder.write(path, Array((first.joined(separator: "\r\n") + "\r\n").utf8))
        let resumed = train("--resume", "runs/digits", "--epochs", "3")
        #expect(resumed.status == 0 && !resumed.output.contains("metrics.csv"), "\(resumed.complaint)")
        #expect(Array(folder.text(path).split(separator: "\n").map(String.init).prefix(3)) == first)
        #expect(folder.text(path).split(separator: "\n").count == 4 && !folder.exists("\(path).1"))
        // A line of somebody's own is no row, and is not lost.
        let noted = folder.text(path).replacing("digits,2", with: "my note,\ndigits,2")
        try folder.write(path, Array(noted.utf8))
        let again = train("--resume", "runs/digits", "--epochs", "4")
        #expect(again.status == 0 && again.output.contains("not all lines of \(path) are understood: as it was it is kept in \(path).1"))
        #expect(folder.text("\(path).1") == noted && folder.text(path).split(separator: "\n").count == 5)
        // One that cannot be read ends the run before it begins.
        unlink("\(folder.path)/\(path)")
        mkdir("\(folder.path)/\(path)", 0o777)
        train("--resume", "runs/digits", "--epochs", "5").expectComplaint(1, "metrics.csv", "not a regular file")
    }

    /// A run folder whose texts an editor has saved with a mark, or in another encoding.
    @Test func encodingsOfEditors() throws {
        #expect(train("digits", "hidden=8", "--epochs", "1").status == 0)
        let (configuration, metrics) = (folder.text("runs/digits/config.json"), folder.text("runs/digits/metrics.csv"))
        try folder.write("runs/digits/config.json", Array("\u{FEFF}\(configuration)".utf8))
        try folder.write("runs/digits/metrics.csv", Array("\u{FEFF}\(metrics)".utf8))
        let marked = train("--resume", "runs/digits", "--epochs", "2")
        #expect(marked.status == 0 && !marked.output.contains("kept in"), "\(marked.complaint)")
        #expect(folder.text("runs/digits/metrics.csv").hasPrefix(metrics) && !folder.exists("runs/digits/metrics.csv.1"))
        func wide(_ text: String) -> [UInt8] { [0xFF, 0xFE] + text.utf16.flatMap { [UInt8($0 & 0xFF), UInt8($0 >> 8)] } }
        try folder.write("runs/digits/metrics.csv", wide(metrics))
        let resumed = train("--resume", "runs/digits", "--epochs", "3")
        let remark = "runs/digits/metrics.csv is a text in UTF-16, and UTF-8 is read: as it was it is kept in runs/digits/metrics.csv.1"
        #expect(resumed.status == 0 && resumed.output.contains(remark))
        #expect(folder.bytes("runs/digits/metrics.csv.1") == wide(metrics))
        try folder.write("runs/digits/config.json", wide(configuration))
        let refused = train("--resume", "runs/digits", "--epochs", "4")
        refused.expectComplaint(1, "runs/digits/config.json is not a configuration but a text in UTF-16; save it as UTF-8")
        // An evaluation can do without, and says so.
        let evaluated = Command.soma("evaluate", "runs/digits", "--device", "cpu", in: folder)
        evaluated.expectComplaint(0, "a text in UTF-16", "so what the run was trained on is not known")
        try folder.write("runs/digits/config.json", Array("{\"recipe\": \"digits\"}".utf8))
        Command.soma("evaluate", "runs/digits", "--device", "cpu", in: folder).expectComplaint(0, "no usable 'device'", "is not known")
    }

    /// Neither a link nor a file of another program in the place of a run's own is written through or over.
    @Test func filesOfOthersInARunFolder() throws {
        try folder.write("victim", [1, 2, 3])
        try folder.write("run/config.json", Array("{\"hidden_size\": 768}".utf8))
        symlink("../victim", "\(folder.path)/run/metrics.csv")
        let command = train("digits", "hidden=8", "--epochs", "1", "--output", "run")
        #expect(command.status == 0, "\(command.complaint)")
        #expect(command.output.contains("run/config.json was no configuration of a run: as it was it is kept in run/config.json.1"))
        #expect(folder.text("run/config.json.1") == "{\"hidden_size\": 768}")
        #expect(folder.bytes("victim") == [1, 2, 3] && folder.bytes("run/metrics.csv.1") == [1, 2, 3])
        #expect(folder.text("run/metrics.csv").hasPrefix("model,epoch,step,loss,test_loss,test_accuracy,learning_rate"))
        // A checkpoint is no place to write through either.
        for name in ["last.safetensors", "best.safetensors", "curves.svg", "config.json", "metrics.csv"] {
            rename("\(folder.path)/run/\(name)", "\(folder.path)/\(name)")
            symlink("../\(name)", "\(folder.path)/run/\(name)")
        }
        let before = ["last.safetensors", "best.safetensors", "curves.svg", "config.json", "metrics.csv"].map { folder.bytes($0) }
        #expect(train("--resume", "run", "--epochs", "2").status == 0)
        #expect(["last.safetensors", "best.safetensors", "curves.svg", "config.json", "metrics.csv"].map { folder.bytes($0) } == before)
    }
}
