import Glibc
import Soma
import Testing

@testable import SomaCLI

/// A report as pictures.
@Suite struct BenchChartTests {
    @Test func everyDeviceHasItsBarsAndItsRoofline() throws {
        let svg = try BenchReportTests.report.chart()
        #expect(svg.hasPrefix("<svg xmlns=") && svg.hasSuffix("</svg>\n"))
        for text in [
            "Speed beside the fastest device", "cpu: share of what the device is capable of", "cpu: roofline, 100.0 GFLOP/s, 10.0 GB/s",
            "opencl:0: roofline, 200.0 GFLOP/s, 10.0 GB/s", "gemm_256", "33.55 GFLOP/s, 34 % of arithmetic", "operations for each byte",
        ] { #expect(svg.contains(">\(text)</text>"), "\(text)") }
        #expect(!svg.contains("train_gpt"), "what was not measured has no bar")
        #expect(svg.split(separator: "<svg").count == 7, "one around a heading and five")
        for text in ["soma 0.0.9, DEBUG", "2030-01-02T03:04:05Z", "a | &quot;model&quot;, 2 units"] { #expect(svg.contains(text), "\(text)") }
        #expect(!svg.contains("nan") && !svg.contains("inf"))
    }

    @Test func rooflinesHaveTheColourOfTheirDevice() throws {
        let pictures = try BenchReportTests.report.chart().split(separator: "<svg").filter { $0.contains("operations for each byte") }
        #expect(pictures.count == 2 && pictures[0].contains("#0072b2") && !pictures[0].contains("#d55e00"))
        #expect(pictures[1].contains("#d55e00") && !pictures[1].contains("#0072b2"))
    }

    /// At 6 a character of size 11.
    @Test func longTextsEndBeforeTheEdge() throws {
        var bars = SVGBars(title: "t", label: "l", series: ["a"])
        let text = String(repeating: "m", count: 60)
        bars.groups = [.init("first", [.init(series: 0, 1, text: text)]), .init("second", [.init(series: 0, 0.1, text: "m")])]
        let line = try #require(bars.svg.split(separator: "\n").first { $0.contains(text) })
        let x = try #require(line.firstMatch(of: /x="([0-9.]+)"/).flatMap { Double($0.1) })
        #expect(x + 6 * 60 < 760 && x > 150, "\(line)")
    }

    /// Texts stand in a column at the right of every line and bar, the limit at 1 too.
    @Test(arguments: [0.05, 0.6, 0.97, 1, 1.4]) func noLineCrossesAText(_ value: Double) throws {
        var bars = SVGBars(title: "t", label: "l", series: ["a"])
        bars.groups = [.init("first", [.init(series: 0, value, text: "12.3 GFLOP/s, 60 % of arithmetic", quartiles: value * 0.9...value * 1.1)])]
        let lines = bars.svg.split(separator: "\n")
        let text = try #require(lines.first { $0.contains("12.3 GFLOP/s") }?.firstMatch(of: /\ x="([0-9.]+)"/).flatMap { Double($0.1) })
        let ends = lines.compactMap { $0.firstMatch(of: /\ x2="([0-9.]+)"/).flatMap { Double($0.1) } }
        #expect(ends.count > 4 && ends.allSatisfy { $0 < text - 8 }, "\(ends) and \(text)")
        #expect(text + 6 * 32 < 760)
    }

    @Test func aReportWithoutLimitsHasBarsAlone() throws {
        var report = BenchReportTests.report
        for place in report.devices.indices { report.devices[place].peaks = DevicePeaks() }
        let svg = try report.chart()
        #expect(svg.contains("Speed beside") && !svg.contains("roofline") && !svg.contains("share of what"))
        report.devices.removeLast()
        #expect(throws: SomaError.self) { try report.chart() }
    }

    /// Dots of one workload have one number on every device, and bandwidth bounds some of them.
    @Test func numbersAreThoseOfTheWorkloads() throws {
        var report = BenchReportTests.report
        report.rows.append(BenchRow(.sum, on: "opencl:0", .measured(Measurement(samples: [1e-3]))))
        report.rows.removeFirst()
        let pictures = try report.chart().split(separator: "<svg").filter { $0.contains("operations for each byte") }
        #expect(pictures.count == 2 && !pictures[0].contains(">gemm_256<") && pictures[1].contains(">gemm_256<") && pictures[1].contains(">sum_16m<"))
        #expect(pictures[1].contains(">1</text>") && pictures[1].contains(">2</text>"))
    }

    /// Half of the repetitions lie between the ends of a thin line.
    @Test func quartilesAreDrawn() throws {
        var bars = SVGBars(title: "t", label: "l", series: ["a"])
        bars.groups = [.init("first", [.init(series: 0, 0.5, text: "m")])]
        let plain = bars.svg.split(separator: "<line").count
        bars.groups[0].bars[0].quartiles = 0.4...2
        #expect(bars.svg.split(separator: "<line").count > plain && bars.svg.contains(">2.0<") == bars.svg.contains(">1.0<"), "the axis reaches to the end of the line")
    }

    /// Writes the picture to the folder that SOMA_CHARTS names, to be looked at.
    @Test(.enabled(if: getenv("SOMA_CHARTS") != nil)) func aPictureToLookAt() throws {
        let folder = String(cString: try #require(getenv("SOMA_CHARTS")))
        try AtomicFile.write(BenchReportTests.report.chart(), to: "\(folder)/bench.svg")
    }
}
