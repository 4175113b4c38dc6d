import Glibc
import Soma
import Testing

@testable import SomaCLI

/// The command `soma bench`, with the least work that gives an answer.
@Suite struct BenchCommandTests {
    let folder = TestFolder()

    private func bench(_ words: String...) -> Command { bench(words) }

    private func bench(_ words: [String]) -> Command {
        Command.run(["\(Command.folder)/soma", "bench", "--allow-debug", "--budget", "0.001"] + words, in: folder)
    }

    @Test func aDebugBuildIsRefused() {
        #if DEBUG
        guard getenv("SOMA_BIN") == nil else { return print("skipped: SOMA_BIN may name a release build") }
        Command.soma("bench", "--workload", "gemm_256", "--device", "cpu", in: folder).expectComplaint(1, "debug", "release")
        #endif
    }

    /// What cannot be kept is told last, and rows and comparison are there all the same.
    @Test func aReportThatCannotBeKeptIsStillTold() throws {
        #expect(bench("--device", "cpu", "--workload", "gemm_256", "--no-limits", "--save", "b.json").status == 0)
        let command = bench("--device", "cpu", "--workload", "gemm_256", "--no-limits", "--compare", "b.json", "--save", "/dev/full")
        command.expectEnd(1, "/dev/full", "No space")
        #expect(command.output.contains("verdict") && command.output.contains("gemm_256"))
    }

    /// A run that ends early leaves the file of an earlier one.
    @Test func rowsThatAreThereStandAside() throws {
        try folder.write("a.json", Array("earlier".utf8))
        let command = bench("--device", "cpu", "--workload", "gemm_256", "--no-limits", "--save", "a.json")
        #expect(command.status == 0 && folder.text("a.json").hasPrefix("{"), "\(command.complaint)")
        #expect(access("\(folder.path)/a.json.partial", F_OK) != 0)
        #expect(try BenchReport(path: "\(folder.path)/a.json").isComplete)
    }

    @Test func memoryOfTheProcessIsThatOfTheWorkload() throws {
        let words = ["--device", "cpu", "--workload", "gemm_256", "--json"]
        #expect(try JSON(parsing: bench(words).lines[0])["resident_peak_bytes"] == .null, "limits were measured too")
        let alone = try JSON(parsing: bench(words + ["--no-limits"]).lines[0])
        #expect(try #require(alone["resident_peak_bytes"]?.integer) < 1 << 30)
    }

    @Test func optionsThatWouldDoNothing() {
        for words in [
            ["--show", "a.json", "--device", "cpu"], ["--show", "a.json", "--interleave"], ["--list", "--save", "x.json"], ["--list", "--baseline", "cpu"],
            ["--compare", "a.json", "b.json", "--workload", "gemm_256"], ["--compare", "a.json", "--save", "a.json"], ["--json", "--format", "md"],
            ["--workload", ",gemm_256"], ["--workload", "gemm_256,,"], ["--device", "cpu", "--no-limits", "--chart", "x.svg"],
        ] { #expect(bench(words).status == 2, "\(words)") }
    }

    @Test func aListMeasuresNothing() throws {
        let command = bench("--list", "--workload", "latency_lenet,gemm_*", "--json", "--device", "no such device")
        #expect(command.status == 0 && command.lines.count == 6, "\(command.complaint)")
        #expect(try JSON(parsing: command.lines[5]) == ["workload": "latency_lenet", "batch": 1, "metric": "ms", "summary": .string(
            "LeNet-5 on one image, from the call to its answer")])
    }

    @Test func rowsAsTheyCome() throws {
        let command = bench("--device", "cpu", "--workload", "gemm_256,softmax_8192x1024,infer_lenet", "--batch", "1,2", "--json", "--save", "a.json")
        #expect(command.status == 0, "\(command.complaint)")
        let rows = try command.lines.map { try JSON(parsing: $0) }
        #expect(rows.map { $0["workload"]?.string } == ["gemm_256", "softmax_8192x1024", "infer_lenet", "infer_lenet"])
        #expect(rows.map { $0["batch"]?.integer } == [nil, nil, 1, 2])
        for row in rows {
            #expect(try #require(row["value"]?.double) > 0)
            #expect(try #require(row["repetitions"]?.integer) >= 5)
        }
        #expect(try JSON(parsing: folder.text("a.json"))["rows"]?.array?.count == 4)
    }

    @Test func devicesTakeTurns() throws {
        guard Device.all().count > 1 else { return print("skipped: only one device") }
        let command = bench("--device", "all", "--workload", "gemm_256", "--interleave", "--no-limits", "--format", "csv")
        #expect(command.status == 0 && command.lines.count == 1 + Device.all().count, "\(command.complaint)")
        let row = try #require(command.lines.last).split(separator: ",", omittingEmptySubsequences: false)
        #expect(try #require(Double(row[14])) > 0, "the ratio to the baseline")
    }

    /// A device that is gone fails the gate, and a spreadsheet gets one table.
    @Test func theGateMissesWhatIsGone() throws {
        let words = ["--device", "cpu", "--workload", "tiny_adds", "--no-limits"]
        #expect(bench(words + ["--save", "a.json"]).status == 0)
        var report = try BenchReport(path: "\(folder.path)/a.json")
        report.rows += report.rows.map { row in
            var row = row
            row.device = "cpu:9"
            return row
        }
        try report.save(to: "\(folder.path)/a.json")
        let gate = ["--compare", "a.json", "--fail-below", "0.001", "--format", "csv"]
        let some = bench(words + gate)
        #expect(some.status == 0 && some.lines.count == 5 && some.lines.allSatisfy { $0.hasSuffix(",a.json,") || $0.hasSuffix("_file") }, "\(some.output)")
        let all = bench(["--device", "all"] + words.dropFirst(2) + gate)
        #expect(all.status == 1 && all.complaint.contains("tiny_adds on cpu:9 (not measured again)"), "\(all.complaint)")
    }

    /// A disk that is full is told when all is measured and printed.
    @Test func aReportThatCannotBeKept() {
        let words = "bench --allow-debug --budget 0.001 --device cpu --no-limits --workload tiny_adds --save a.json"
        let script = "(ulimit -f 1; \(Command.folder)/soma \(words); echo status $?) | cat"
        let command = Command.run(["/bin/sh", "-c", script], in: folder)
        command.expectEnd(0, "cannot write a.json")
        #expect(command.lines.contains { $0.hasPrefix("tiny_adds") } && command.lines.last == "status 1", "\(command.output)")
        #expect(!folder.exists("a.json"))
    }

    /// What one workload lacks does not keep the next from being measured.
    @Test func aWorkloadThatDoesNotFit() {
        let command = bench("--device", "cpu", "--workload", "infer_lenet,tiny_adds", "--batch", "16777216", "--no-limits")
        #expect(command.status == 1)
        #expect(command.lines.contains { $0.hasPrefix("infer_lenet ×16777216") && $0.contains("does not fit: ") }, "\(command.output)")
        #expect(command.lines.contains { $0.hasPrefix("tiny_adds") && $0.contains("µs lazy") })
        #expect(command.complaint.contains("1 of 3 rows have no value"))
    }

    @Test func whatCannotBeIsSaidBeforeAnythingIsMeasured() {
        for (words, parts) in [
            (["--precision", "float16"], ["--precision float16", "float32"]), (["--precision", "float32,bf16"], ["bf16"]),
            (["--batch", "0"], ["--batch"]), (["--batch", "1,1"], ["different"]), (["--batch", "x"], ["--batch"]),
            (["--baseline", "gpu"], ["'gpu'", "cpu"]), (["--workload", "gemm"], ["'gemm'"]), (["--format", "xml"], ["xml", "csv"]),
            (["--batch", "2", "--workload", "gemm_256"], ["--batch", "infer_"]), (["--interleave"], ["--interleave", "several"]),
            (["--device", ""], ["--device", "empty"]), (["--device", "cpu,"], ["empty"]), (["--device", "cpu,cpu"], ["cpu twice"]),
        ] {
            let command = Command.run(["\(Command.folder)/soma", "bench", "--allow-debug", "--device", "cpu"] + words, in: folder)
            #expect(command.status == 2 && command.output.isEmpty)
            for part in parts { #expect(command.complaint.contains(part), "\(command.complaint)") }
        }
        for path in ["none/a.json", ".", "sub/", "/proc/a.json"] {
            let command = bench("--device", "cpu", "--workload", "gemm_256", "--save", path)
            command.expectComplaint(1, "cannot write", path)
            #expect(command.output.isEmpty)
        }
    }
}
