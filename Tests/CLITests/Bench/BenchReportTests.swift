import Glibc
import Soma
import Testing

@testable import SomaCLI

/// Reports as values: what is reckoned from them, how they are written, and how they are kept.
@Suite struct BenchReportTests {
    /// Two devices of known limits, a row of each kind.
    static let report: BenchReport = {
        var report = BenchReport()
        report.environment.version = "0.0.9"
        report.environment.threads = 2
        report.environment.date = "2030-01-02T03:04:05Z"
        for (name, arithmetic) in [("cpu", 100e9), ("opencl:0", 200e9)] {
            var device = BenchDevice(
                DeviceDescription(
                    name: name, model: "a | \"model\"", vendor: "", kind: .cpu, memoryBytes: 1, computeUnits: 2, driver: "1"))
            device.peaks = DevicePeaks([
                .float32: .value(arithmetic), .memoryRead: .value(20e9), .memoryWrite: .value(5e9), .memoryCopy: .value(10e9),
                .float16: .missing("no 16 bits"),
            ])
            report.devices.append(device)
        }
        report.baseline = "cpu"
        let gemm = Workload.gemm(256)
        report.rows = [
            BenchRow(gemm, on: "cpu", .measured(Measurement(samples: [1e-3, 1e-3, 2e-3], firstCall: 0.5))),
            BenchRow(gemm, on: "opencl:0", .measured(Measurement(samples: [5e-4], firstCall: 2, isCapped: true))),
            BenchRow(.sum, on: "cpu", .failed("does not fit: 3 B, \"no\" more")), BenchRow(.trainGPT, on: "cpu", .lacks("attention")),
            BenchRow(.startup, on: "cpu", .measured(Measurement(samples: [0.05], firstCall: 0.1))),
        ]
        report.rows[0].load = HostLoad(average: 0.5, stolen: 0.25)
        report.rows[1].pairs = [2, 2.5]
        return report
    }()

    /// As an editor, or a shell that redirects, may save it.
    @Test func reportsWithAMarkAreRead() throws {
        let folder = TestFolder()
        let text = Self.report.json.description
        let marked = try folder.write("marked.json", [0xEF, 0xBB, 0xBF] + Array(text.utf8))
        #expect(try BenchReport(path: marked).json == Self.report.json)
        let wide = try folder.write("wide.json", [0xFF, 0xFE] + text.utf16.flatMap { [UInt8($0 & 0xFF), UInt8($0 >> 8)] })
        do {
            _ = try BenchReport(path: wide)
            Issue.record("it was read")
        } catch { #expect("\(error)" == "\(wide) is no report of soma bench but a text in UTF-16; save it as UTF-8") }
    }

    /// A separator is one whatever stands behind it: an accent would join with it to another character of Swift's.
    @Test func separatorsInCellsAreMarked() {
        #expect(FigureTable.csv(["a,\u{301}b", "c\"\u{301}", "d\r\ne", "f"]) == "\"a,\u{301}b\",\"c\"\"\u{301}\",\"d\r\ne\",f")
        #expect(Array(FigureTable.markdown(["a|\u{301}b"]).utf8) == Array("| a\\|\u{301}b |".utf8))
    }

    @Test func floors() throws {
        let peaks = Self.report.devices[0].peaks
        #expect(peaks.floor(of: Work(operations: 1e9, bytesRead: 1e6))?.seconds == 0.01)
        #expect(peaks.floor(of: Work(operations: 1e9, bytesRead: 1e6))?.resource == .arithmetic)
        // 1 GB goes there and back at the speed of a copy, the second is read alone.
        let floor = try #require(peaks.floor(of: Work(operations: 1e9, bytesRead: 2e9, bytesWritten: 1e9)))
        #expect(floor.seconds == 0.2 + 0.05 && floor.resource == .bandwidth)
        #expect(peaks.floor(of: Work(bytesWritten: 1e9))?.seconds == 0.2)
        #expect(peaks.floor(of: Work()) == nil && DevicePeaks().floor(of: Work(operations: 1)) == nil)
    }

    @Test func sharesAndRatios() throws {
        let report = Self.report
        // 33,554,432 operations at 100 GFLOP/s are 336 µs of the millisecond it took.
        let limit = try #require(report.limit(of: report.rows[0]))
        #expect(abs(limit.share - 0.33554432) < 1e-12 && limit.resource == .arithmetic)
        #expect(report.ratio(of: report.rows[0]) == 1)
        #expect(report.ratio(of: report.rows[1]) == 2.25, "pairs of repetitions that took turns count, not the medians")
        #expect(report.ratio(of: report.rows[2]) == nil && report.limit(of: report.rows[4]) == nil)
    }

    @Test func warnings() {
        #expect(Self.report.warnings.count == 1)
        #expect(Self.report.warnings[0].contains("gemm_256 on cpu (50 %)"))
        var busy = Self.report
        busy.environment.load = 1.5
        #expect(busy.warnings.first?.contains("load 1.5 on 2 threads") == true)
        #expect(Self.report.failures.map(\.workload) == ["sum_16m"])
    }

    /// More than the arithmetic there is, by an algorithm that saves none of it.
    @Test func aLimitThatWasMeasuredTooLow() throws {
        var report = Self.report
        report.devices[0].peaks.figures[.float32] = .value(24e6)
        #expect(report.isLimitDoubtful(of: report.rows[0]) && !report.isLimitDoubtful(of: report.rows[1]))
        #expect(report.lines(.text).contains { $0.hasPrefix("gemm_256") && $0.contains("limit too low") })
        #expect(report.warnings.last?.contains("gemm_256 on cpu") == true && report.warnings.last?.contains("too low") == true)
        #expect(try JSON(parsing: report.lines(.json)[0])["limit_doubtful"] == true && report.chart().contains("limit measured too low"))
    }

    @Test func launchesBoundWhatAsksForThem() throws {
        var report = Self.report
        report.devices[0].peaks.figures[.launch] = .value(1e-6)
        report.rows = [Workload.tinyAddsEach, .tinyAddsLazy].map { BenchRow($0, on: "cpu", .measured(Measurement(samples: [4e-3]))) }
        let shares = try report.rows.map { try #require(report.limit(of: $0)) }
        #expect(shares.map(\.resource) == [.launches, .launches] && abs(shares[0].share - 0.25) < 1e-12 && abs(shares[1].share - 0.25e-3) < 1e-15)
    }

    @Test func limitsAreTheBetterOfTwo() throws {
        var report = Self.report
        let share = try #require(report.limit(of: report.rows[0])?.share)
        var again = report.devices.map(\.peaks)
        again[0].figures[.float32] = .value(2 * (try #require(again[0][.float32])))
        again[0].figures[.memoryRead] = .value(1)
        again[1].figures[.float32] = .missing("gone")
        let lines = report.improveLimits(with: again)
        #expect(lines.count == 1 && lines[0].contains("of cpu was measured 100 % higher"))
        #expect(report.limit(of: report.rows[0])?.share == share / 2)
        #expect(report.devices[0].peaks[.memoryRead] == Self.report.devices[0].peaks[.memoryRead], "the worse is not taken")
        #expect(report.devices[1] == Self.report.devices[1])
    }

    @Test func text() {
        let lines = Self.report.lines(.text)
        #expect(lines[0].contains("float32, deterministic; 2 threads; load 0.00; 2030-01-02T03:04:05Z"))
        #expect(lines[1] == "cpu: a | \"model\", 2 units; measured: 100.0 GFLOP/s, read 20.0, write 5.00, copy 10.0 GB/s")
        #expect(lines.contains("gemm_256              cpu           33.55  GFLOP/s     50 %      500 ms   34 % arithmetic    1.00"))
        #expect(lines.contains("gemm_256              opencl:0      67.11  GFLOP/s    1 rep      2.00 s   34 % arithmetic  2.25 (2.13 to 2.38)"))
        #expect(lines.contains("sum_16m               cpu        does not fit: 3 B, \"no\" more"))
        #expect(lines.contains("train_gpt             cpu        not measured: the engine has no attention yet"))
    }

    @Test func markdown() {
        let lines = Self.report.lines(.md)
        #expect(lines.contains("| workload | device | median | unit | spread | first call | of limit | × cpu |"))
        #expect(lines.contains("|---|---|---:|---|---:|---:|---:|---:|"))
        #expect(lines.contains("| gemm_256 | cpu | 33.55 | GFLOP/s | 50 % | 500 ms | 34 % arithmetic | 1.00 |"))
        let bars = lines.filter { $0.hasPrefix("|") }.map { line in line.count { $0 == "|" } }
        #expect(Set(bars) == [9], "every row has every cell")
        #expect(FigureTable.markdown(["a|b", "c"]) == "| a\\|b | c |")
    }

    @Test func csv() {
        let lines = Self.report.lines(.csv)
        #expect(lines.count == 6)
        #expect(lines[0].hasPrefix("workload,batch,device,precision,metric,median,lower_quartile,upper_quartile,best,spread"))
        #expect(lines[3].hasSuffix(",\"does not fit: 3 B, \"\"no\"\" more\""))
        #expect(lines[1].split(separator: ",", omittingEmptySubsequences: false).count == 18)
    }

    @Test func jsonLines() throws {
        let rows = try Self.report.lines(.json).map { try JSON(parsing: $0) }
        #expect(rows.count == 5)
        #expect(rows[0]["workload"] == "gemm_256" && rows[0]["metric"] == "GFLOP/s" && rows[0]["precision"] == "float32")
        #expect(rows[0]["value"]?.double == 33.554432 && rows[0]["best"]?.double == 33.554432 && rows[0]["repetitions"] == 3)
        let quartiles = try ["lower_quartile", "upper_quartile"].map { try #require(rows[0][$0]?.double) }
        #expect(quartiles[0] < quartiles[1], "quartiles of the values")
        #expect(rows[0]["steal_pct"]?.double == 25 && rows[0]["deterministic"] == true && rows[0]["samples_s"] == nil)
        #expect(rows[1]["device_model"] == "a | \"model\"" && rows[1]["device_driver"] == "1" && rows[1]["date"] == "2030-01-02T03:04:05Z")
        #expect(rows[1]["host"] == "")
        #expect(rows[1]["capped"] == true && rows[1]["ratio"]?.double == 2.25 && rows[1]["pair_ratios"]?.array?.count == 2 && rows[1]["limit"] == "arithmetic")
        #expect(rows[2]["error"]?.string?.hasPrefix("does not fit") == true && rows[2]["value"] == .null)
        #expect(rows[3]["lacks"] == "attention" && rows[3]["value"] == .null)
    }

    @Test func aReportSurvivesItsFile() throws {
        let folder = TestFolder()
        try Self.report.save(to: "\(folder.path)/a.json")
        #expect(try BenchReport(path: "\(folder.path)/a.json") == Self.report)
    }

    /// Other engines are told of in the same form; files from before that name none.
    @Test func theEngineIsNamed() throws {
        var other = Self.report
        other.environment.engine = "PyTorch"
        #expect(try BenchReport(other.json).environment.line.hasPrefix("PyTorch 0"))
        let members = try #require(Self.report.environment.json.members).filter { $0.name != "engine" }
        #expect(try BenchEnvironment(.object(members)).engine == "soma")
    }

    @Test func aFileIsShown() throws {
        let folder = TestFolder()
        var report = Self.report
        report.devices[0].driver = "1\u{1B}[2J"
        try report.save(to: "\(folder.path)/a.json")
        let text = Command.soma("bench", "--show", "a.json", "--chart", "a.svg", in: folder)
        #expect(text.status == 0 && text.lines.contains { $0.hasPrefix("gemm_256              opencl:0      67.11") }, "\(text.complaint)")
        #expect(!text.output.contains("\u{1B}") && folder.text("a.svg").hasPrefix("<svg"))
        let json = Command.soma("bench", "--show", "a.json", "--json", in: folder)
        #expect(json.lines == report.lines(.json))
        Command.soma("bench", "--show", "none.json", in: folder).expectComplaint(1, "none.json", "No such file")
        #expect(Command.soma("bench", "--show", "a.json", "--compare", "a.json", in: folder).status == 2)
    }

    @Test func filesThatAreNoReports() throws {
        let folder = TestFolder()
        func expect(_ text: String, _ word: String) throws {
            let path = try folder.write("x.json", Array(text.utf8))
            let error = #expect(throws: SomaError.self) { try BenchReport(path: path) }
            #expect(error?.message.contains(word) == true && error?.message.contains("x.json") == true, "\(error?.message ?? "")")
        }
        let text = Self.report.json.description
        try expect("", "broken JSON")
        try expect(String(text.prefix(text.count / 2)), "broken JSON")
        try expect("[]", "no report of soma bench")
        try expect(#"{"format":"soma bench 2"}"#, "another version")
        for (whole, part) in [
            ("\"samples_s\":[0.001,", "\"samples_s\":[-1,"), ("\"samples_s\":[0.001,", "\"samples_s\":[1e999,"),
            ("\"first_call_s\":0.5", "\"first_call_s\":-1"), ("\"operations\":33554432.0", "\"operations\":-1"), ("\"batch\":null", "\"batch\":1e300"),
            ("\"amount\":", "\"amount\":-5,\"was\":"), ("\"amount\":", "\"amont\":"), ("\"threads\":2", "\"threads\":1e300"), ("\"unit\":", "\"uint\":"),
        ] {
            #expect(text.contains(whole))
            try expect(text.replacing(whole, with: part), "no usable")
        }
        try expect(text.replacing("\"rows\":[", with: "\"rows\":{},\"was\":["), "no list")
        try expect(text.replacing("\"devices\":[", with: "\"devices\":3,\"was\":["), "no list")
        var double = Self.report
        double.rows.append(double.rows[0])
        try expect(double.json.description, "two rows of gemm_256 on cpu")
        double.rows = (0...4096).map { _ in double.rows[0] }
        try expect(double.json.description, "4,097 rows")
        #expect(throws: SomaError.self) { try BenchReport(path: "\(folder.path)/none.json") }
    }

    @Test func anEndBeforeTheLastRowIsTold() throws {
        let report = try BenchReport(Self.report.partial.json)
        #expect(!report.isComplete && report.warnings.first?.contains("ended early") == true && Self.report.isComplete)
    }
}
