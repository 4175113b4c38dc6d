import Glibc
import Soma
import Testing

@testable import SomaCLI

/// A report as pictures.
@Suite struct BenchChartTests {
    @Test func everyDeviceHasItsBarsAndItsRoofline() {
        let svg = BenchReportTests.report.chart
        #expect(svg.hasPrefix("<svg xmlns=") && svg.hasSuffix("</svg>\n"))
        for text in [
            "Speed beside the fastest device", "cpu: share of what the device is capable of", "cpu: roofline, 100.0 GFLOP/s, 10.0 GB/s",
            "opencl:0: roofline, 200.0 GFLOP/s, 10.0 GB/s", "gemm_256", "33.55 GFLOP/s, 34 % of arithmetic", "operations for each byte",
        ] { #expect(svg.contains(">\(text)</text>"), "\(text)") }
        #expect(!svg.contains("train_gpt"), "what was not measured has no bar")
        #expect(svg.split(separator: "<svg").count == 6, "one around five")
        #expect(!svg.contains("nan") && !svg.contains("inf"))
    }

    @Test func rooflinesHaveTheColourOfTheirDevice() {
        let pictures = BenchReportTests.report.chart.split(separator: "<svg").filter { $0.contains("operations for each byte") }
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
        #expect(x + 6 * 60 < 760 && x > 150 && line.contains("paint-order=\"stroke\""), "\(line)")
    }

    @Test func aReportWithoutLimitsHasBarsAlone() {
        var report = BenchReportTests.report
        for place in report.devices.indices { report.devices[place].peaks = DevicePeaks() }
        #expect(report.chart.contains("Speed beside") && !report.chart.contains("roofline"))
        #expect(BenchReport().chart.hasPrefix("<svg"))
    }

    /// Writes the picture to the folder that SOMA_CHARTS names, to be looked at.
    @Test(.enabled(if: getenv("SOMA_CHARTS") != nil)) func aPictureToLookAt() throws {
        let folder = String(cString: try #require(getenv("SOMA_CHARTS")))
        try AtomicFile.write(BenchReportTests.report.chart, to: "\(folder)/bench.svg")
    }
}
