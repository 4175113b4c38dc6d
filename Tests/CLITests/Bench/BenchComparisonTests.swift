import Soma
import Testing

@testable import SomaCLI

/// What changed between two reports.
@Suite struct BenchComparisonTests {
    private func report(_ rows: [(Workload, BenchRow.Outcome)]) -> BenchReport {
        BenchReport(rows: rows.map { BenchRow($0, on: "cpu", $1) })
    }

    private func measured(_ samples: Double...) -> BenchRow.Outcome { .measured(Measurement(samples: samples)) }

    @Test func verdicts() throws {
        let comparison = BenchComparison(
            report([
                (.gemm(256), measured(1, 1.01, 1.02)), (.gemm(512), measured(1, 1.01, 1.02)), (.chain, measured(1, 2, 3)), (.sum, measured(1)),
                (.copy, measured(1)), (.softmax, .failed("lost")), (.trainGPT, .lacks("attention")),
            ]),
            report([
                (.gemm(256), measured(0.5, 0.5, 0.5)), (.gemm(512), measured(2, 2, 2)), (.chain, measured(1.5, 2.5, 3.5)),
                (.sum, .failed("does not fit")), (.layerNorm, measured(1)), (.softmax, measured(1)), (.trainGPT, .lacks("attention")),
            ]))
        let verdicts = Dictionary(uniqueKeysWithValues: comparison.lines.map { ($0.key.workload, $0.verdict) })
        #expect(verdicts == [
            "gemm_256": .faster, "gemm_512": .slower, "chain_16m": .tooNoisy, "sum_16m": .failed("does not fit"), "copy_16m": .onlyBefore,
            "layernorm_8192x1024": .onlyAfter, "softmax_8192x1024": .onlyAfter,
        ])
        #expect(comparison.lines[0].ratio == 2.02 && comparison.lines[1].ratio == 0.505)
        #expect(!comparison.isEmpty)
    }

    /// The gate: too slow, or without a figure that there was before; not what a run was not asked for again.
    @Test func failures() {
        let before = report([(.gemm(256), measured(1)), (.sum, measured(1)), (.copy, measured(1))])
        let after = report([(.gemm(256), measured(1.2)), (.sum, .failed("lost"))])
        let comparison = BenchComparison(before, after)
        #expect(comparison.failures(below: 0.9).map(\.key.workload) == ["gemm_256", "sum_16m", "copy_16m"])
        #expect(comparison.failures(below: 0.8) { $0.workload != "copy_16m" }.map(\.key.workload) == ["sum_16m"])
        // For a time as for a rate: less of it is faster.
        let latency = BenchComparison(report([(.startup, measured(2))]), report([(.startup, measured(1))]))
        #expect(latency.lines[0].ratio == 2 && latency.failures(below: 1.5).isEmpty)
    }

    /// What the verdict does not call slower is not failed.
    @Test func noiseIsNotSlowness() {
        let before = report([(.gemm(256), measured(1, 1.1, 1.6)), (.sum, measured(1, 1.01, 1.02)), (.copy, measured(1, 1.04, 1.08))])
        let after = report([(.gemm(256), measured(1, 1.5, 1.6)), (.sum, measured(1.5, 1.51, 1.52)), (.copy, measured(1.05, 1.07, 1.09))])
        let comparison = BenchComparison(before, after)
        #expect(comparison.lines.map(\.verdict) == [.tooNoisy, .slower, .withinSpread])
        #expect(comparison.failures(below: 0.99).map(\.key.workload) == ["sum_16m"])
        #expect(comparison.doubts(below: 0.9).map(\.key.workload) == ["gemm_256"] && comparison.doubts(below: 0.5).isEmpty)
    }

    /// A single repetition has no spread that tells noise from slowness.
    @Test func fewRepetitionsProveNothing() {
        let few = { (seconds: Double) in BenchRow.Outcome.measured(Measurement(samples: [seconds], isCapped: true)) }
        let comparison = BenchComparison(report([(.gemm(256), few(1))]), report([(.gemm(256), few(2))]))
        #expect(comparison.lines[0].verdict == .tooNoisy && comparison.failures(below: 0.9).isEmpty && comparison.doubts(below: 0.9).count == 1)
    }

    @Test func whatARunIsAskedFor() {
        func isNamed(_ workload: String, _ batch: Int?, _ list: String, _ batches: [Int]? = nil) -> Bool {
            WorkloadList.isNamed(.init(workload: workload, batch: batch, metric: "", device: "cpu"), in: list, batches: batches)
        }
        #expect(isNamed("gemm_256", nil, "gemm_*") && isNamed("gone", nil, "all") && isNamed("infer_lenet", 32, "infer_lenet"))
        #expect(!isNamed("sum_16m", nil, "gemm_*,copy_16m") && !isNamed("gemm_4096", nil, "all") && !isNamed("infer_lenet", 32, "all", [1]))
        #expect(isNamed("latency_lenet", 1, "all", [32]))
    }

    @Test func rowsOfOtherKindsAreNotCompared() {
        var batch = BenchReport(rows: InferenceWorkload.all[0].workloads(batches: [2]).map { BenchRow($0, on: "cpu", measured(1)) })
        let comparison = BenchComparison(report([(.gemm(256), measured(1))]), batch)
        #expect(comparison.isEmpty)
        let before = batch
        for place in batch.rows.indices { batch.rows[place].device = "opencl:0" }
        #expect(BenchComparison(before, batch).isEmpty, "another device is another row")
    }

    @Test func lines() throws {
        var (before, after) = (BenchReportTests.report, BenchReportTests.report)
        before.devices[0].driver = "0\u{1B}[2J"
        after.rows[0].outcome = .measured(Measurement(samples: [4e-3]))
        let text = BenchComparison(before, after).lines(.text)
        #expect(text.contains("cpu was a | \"model\", 2 units, 0 [2J, and is a | \"model\", 2 units, 1"), "no control character gets through")
        #expect(text.contains { $0.hasPrefix("gemm_256  cpu         33.55    8.389  GFLOP/s  0.250  slower") }, "\(text)")
        #expect(text.contains { $0.contains("opencl:0") && $0.hasSuffix("1.000  too noisy to judge") }, "one repetition")
        #expect(!text.contains { $0.hasPrefix("the machine was") })
        after.environment.host = "other"
        #expect(BenchComparison(before, after).lines(.text).contains("the machine was unknown, and is other ()"))
        before.devices[0].driver = "1"
        before.devices[0].choices = ["matmul": "a"]
        after.devices[0].choices = ["matmul": "b"]
        #expect(BenchComparison(before, after).lines(.text).contains("cpu computes by other tuned choices"))
        (before, after) = (BenchReportTests.report, BenchReportTests.report)
        after.rows[0].outcome = .measured(Measurement(samples: [4e-3]))
        let csv = BenchComparison(before, after).lines(.csv)
        #expect(csv[0] == "workload,device,before,after,unit,ratio,verdict,before_file,after_file")
        #expect(csv[1] == "gemm_256,cpu,33.554432,8.388608,GFLOP/s,0.25,slower,,")
        let json = try BenchComparison(before, after).lines(.json, files: ("a.json", nil)).map { try JSON(parsing: $0) }
        #expect(json.allSatisfy { $0["before_file"] == "a.json" && $0["after_file"] == .null })
        #expect(json[0]["ratio"]?.double == 0.25 && json[0]["verdict"] == "slower" && json[0]["comparison"] != nil)
        #expect(BenchComparison(before, after).lines(.md).contains("|---|---|---:|---:|---|---:|---|"))
    }

    /// For people they are one line, for programs a line each.
    @Test func rowsThatWereNotMeasuredAgain() {
        let comparison = BenchComparison(report([(.gemm(256), measured(1)), (.sum, measured(1))]), report([(.gemm(256), measured(1))]))
        let text = comparison.lines(.text)
        #expect(text.contains("1 rows of before were not measured again") && !text.contains { $0.hasPrefix("sum_16m") })
        #expect(comparison.lines(.csv).last?.hasSuffix("not measured again,,") == true && comparison.lines(.json).count == 2)
    }

    @Test func theCommand() throws {
        let folder = TestFolder()
        var slow = BenchReportTests.report
        for place in slow.rows.indices {
            guard let samples = slow.rows[place].measurement?.samples else { continue }
            slow.rows[place].outcome = .measured(Measurement(samples: samples.map { $0 * 2 }))
        }
        try BenchReportTests.report.save(to: "\(folder.path)/a.json")
        try slow.save(to: "\(folder.path)/b.json")
        try folder.write("other.json", Array(#"{"format":"soma bench 9"}"#.utf8))
        let same = Command.soma("bench", "--compare", "a.json", "a.json", "--fail-below", "0.9", in: folder)
        #expect(same.status == 0 && same.output.contains("within the spread"), "\(same.complaint)")
        let gate = Command.soma("bench", "--compare", "a.json", "b.json", "--fail-below", "0.9", "--chart", "c.svg", in: folder)
        gate.expectEnd(1, "below 0.9 times the speed of a.json", "gemm_256 on cpu (0.50)", "startup on cpu (0.50)")
        #expect(gate.output.contains("slower") && folder.text("c.svg").hasPrefix("<svg"))
        Command.soma("bench", "--compare", "a.json", "b.json", "--fail-below", "0.4", "--json", in: folder).expectQuiet()
        Command.soma("bench", "--compare", "a.json", "other.json", in: folder).expectComplaint(1, "other.json", "another version")
        Command.soma("bench", "--compare", "none.json", in: folder).expectComplaint(1, "none.json", "No such file")
        let tables = Command.soma("bench", "--compare", "a.json", "a.json", "b.json", "--format", "csv", in: folder)
        #expect(tables.lines.count == 7 && tables.lines[0].hasPrefix("workload,") && tables.lines[1].hasSuffix(",a.json,a.json"), "\(tables.output)")
        #expect(tables.lines.count { $0.hasSuffix(",a.json,b.json") } == 3)
        var short = BenchReportTests.report
        short.rows.removeLast()
        try short.save(to: "\(folder.path)/short.json")
        Command.soma("bench", "--compare", "a.json", "short.json", "--fail-below", "0.9", in: folder)
            .expectComplaint(1, "startup on cpu (not measured again)")
        #expect(Command.soma("bench", "--fail-below", "0.9", in: folder).status == 2)
        #expect(Command.soma("bench", "--compare", "a.json", "b.json", "--save", "c.json", in: folder).status == 2)
    }
}

extension Command {
    fileprivate func expectQuiet(sourceLocation: SourceLocation = #_sourceLocation) {
        #expect(status == 0 && complaint.isEmpty, "\(complaint)", sourceLocation: sourceLocation)
    }
}
