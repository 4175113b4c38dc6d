import Glibc
import Testing

@testable import Soma

@Suite struct ChartScaleTests {
    private func labels(_ low: Double, _ high: Double, _ kind: ChartAxis.Scale = .linear, room: Double = 300)
        -> [String]
    {
        ChartScale(kind, values: [low, high], from: 0, to: room, reachesTicks: true).ticks.map(\.label)
    }

    @Test func ticksAreRoundNumbersThatEncloseTheValues() {
        #expect(labels(0, 1) == ["0.0", "0.2", "0.4", "0.6", "0.8", "1.0"])
        #expect(labels(0.03, 0.92) == ["0.0", "0.2", "0.4", "0.6", "0.8", "1.0"])
        #expect(labels(-3, 7) == ["−4", "−2", "0", "2", "4", "6", "8"])
        #expect(labels(0, 20) == ["0", "5", "10", "15", "20"])
        #expect(labels(0.94, 0.97) == ["0.94", "0.95", "0.96", "0.97"])
        #expect(labels(0, 60_000) == ["0", "20000", "40000", "60000"])
        #expect(labels(0, 4e-6) == ["0", "10⁻⁶", "2·10⁻⁶", "3·10⁻⁶", "4·10⁻⁶"])
        #expect(labels(0, 5e6) == ["0", "10⁶", "2·10⁶", "3·10⁶", "4·10⁶", "5·10⁶"])
    }

    /// Of what is counted there is no half.
    @Test func countsHaveWholeTicks() {
        func labels(_ low: Double, _ high: Double, _ kind: ChartAxis.Scale = .linear, reachesTicks: Bool = false) -> [String] {
            ChartScale(kind, values: [low, high], from: 0, to: 600, reachesTicks: reachesTicks, isCount: true).ticks.map(\.label)
        }
        #expect(labels(1, 2) == ["1", "2"])
        #expect(labels(0, 4) == ["0", "1", "2", "3", "4"])
        #expect(labels(1, 3, reachesTicks: true) == ["1", "2", "3"])
        #expect(labels(0, 100) == ["0", "10", "20", "30", "40", "50", "60", "70", "80", "90", "100"])
        #expect(labels(7, 7) == ["4", "5", "6", "7", "8", "9", "10"])
        #expect(labels(1, 1) == ["1"])
        #expect(labels(1, 4, .logarithmic) == ["1", "2"])
        #expect(labels(1, 1, .logarithmic, reachesTicks: true) == ["1", "2", "5"])
        var chart = SVGChart(title: "t", x: ChartAxis("update", isCount: true), y: ChartAxis("epochs", isCount: true))
        chart.add("", [1, 2], from: 1)
        #expect(chart.svg.contains(">1</text>") && chart.svg.contains(">2</text>") && !chart.svg.contains(".5</text>"))
        chart.x.isCount = false
        #expect(chart.svg.contains(">1.5</text>"))
    }

    @Test func logarithmicTicksArePowersOfTen() {
        #expect(labels(2e-7, 3, .logarithmic) == ["10⁻⁸", "10⁻⁶", "10⁻⁴", "10⁻²", "1", "10²"])
        #expect(labels(0.02, 2.5, .logarithmic) == ["10⁻²", "10⁻¹", "1", "10"])
        #expect(labels(0.3, 4, .logarithmic) == ["0.2", "0.5", "1", "2", "5"])
    }

    @Test func sharesAreSpreadNearBothEnds() {
        #expect(labels(0.09, 0.993, .logit) == ["0.05", "0.1", "0.2", "0.5", "0.8", "0.9", "0.95", "0.98", "0.99", "0.995"])
        #expect(labels(0.09, 0.993, .logit, room: 200) == ["0.01", "0.1", "0.5", "0.9", "0.99", "0.999"])
        #expect(labels(0.5, 0.5, .logit) == ["0.2", "0.5", "0.8"])
        let scale = ChartScale(.logit, values: [0.1, 0.9, 0, 1, .nan], from: 0, to: 100, reachesTicks: false)
        #expect([0.1, 0.5, 0.9].map { scale($0).map { ($0 * 1e6).rounded() / 1e6 } } == [0, 50, 100])
        #expect(scale(0) == nil && scale(1) == nil && scale(-0.5) == nil && scale(2) == nil)
    }

    /// A share never is above 1, also where all of them are 1 or the ticks would go on.
    @Test func anAxisEndsAtItsLimits() {
        func ends(_ values: [Double], _ limits: ClosedRange<Double>? = 0...1, _ kind: ChartAxis.Scale = .linear) -> (low: Double, high: Double) {
            let scale = ChartScale(kind, values: values, from: 0, to: 100, reachesTicks: true, within: limits)
            let (low, high) = (scale.coordinate(of: .init(value: 0, label: "")), scale.coordinate(of: .init(value: 1, label: "")))
            // Coordinates are linear in values: where 0 and 1 are tells which values lie at 0 and 100.
            return (-low / (high - low), (100 - low) / (high - low))
        }
        func isAbout(_ ends: (low: Double, high: Double), _ low: Double, _ high: Double) -> Bool {
            abs(ends.low - low) < 1e-9 && abs(ends.high - high) < 1e-9
        }
        #expect(isAbout(ends([1, 1, 1]), 0.5, 1))
        #expect(isAbout(ends([0, 0]), 0, 0.5))
        #expect(isAbout(ends([0.03, 0.999]), 0, 1))
        #expect(isAbout(ends([0.94, 0.97]), 0.94, 0.98))
        #expect(isAbout(ends([0.11, 0.93], 0...0.95), 0, 0.95))
        // What lies beyond is shown nevertheless.
        #expect(isAbout(ends([0.5, 1.3]), 0.5, 1.3))
        #expect(isAbout(ends([1, 1], nil), 0.5, 1.5))
        #expect(isAbout(ends([1, 1], 0.1...10, .logarithmic), log10(0.2), log10(5)))
        #expect(isAbout(ends([1, 1], 1...1), 0.5, 1.5))
    }

    @Test func coordinatesFollowTheScale() {
        let linear = ChartScale(.linear, values: [0, 10], from: 100, to: 0, reachesTicks: false)
        #expect(linear(2.5) == 75)
        #expect(linear(.nan) == nil)
        let decades = ChartScale(.logarithmic, values: [1, 10_000], from: 0, to: 100, reachesTicks: false)
        #expect(decades(100) == 50)
        #expect(decades(0) == nil)
    }

    @Test(
        arguments: [[], [5], [0, 0], [.nan, .infinity], [1e299, -1e299], [1, 1 + 1e-15], [0x1p-1074, 0x1p-1060]]
            as [[Double]])
    func strangeValuesGiveAScaleNevertheless(values: [Double]) {
        for kind in [ChartAxis.Scale.linear, .logarithmic, .logit] {
            let scale = ChartScale(kind, values: values, from: 0, to: 300, reachesTicks: true)
            #expect(scale.ticks.count < 50)
            #expect(values.compactMap { scale($0) }.allSatisfy { $0.isFinite && $0 > -1 && $0 < 301 })
        }
    }

    @Test func numbersHaveTwoDecimalsAtMost() {
        let pairs: [(Double, String)] = [
            (1, "1"), (-0.5, "-0.5"), (3.14159, "3.14"), (-0.001, "0"), (10.05, "10.05"), (0.999, "1"), (.nan, "0"),
        ]
        for (value, text) in pairs { #expect(SVGElement.number(value) == text) }
    }
}

@Suite struct SVGTests {
    static let chart: SVGChart = {
        var chart = SVGChart(
            title: "Loss of digits <64-128-64-10> & \"friends\"", x: ChartAxis("epoch"),
            y: ChartAxis("cross-entropy", scale: .logarithmic))
        chart.add("training", (0..<40).map { decay(Double($0), by: 7, to: 0.004) })
        chart.add("validation", (0..<40).map { decay(Double($0), by: 8, to: 0.08) })
        let rates = (0..<8).map { SVGChart.Point(Double($0 * 5), decay(Double($0), by: 2, to: 0.001)) }
        chart.series.append(.init("learning rate", points: rates, isMarked: true))
        return chart
    }()

    private static func decay(_ x: Double, by width: Double, to floor: Double) -> Double {
        let noise = floor * sin(x * 2.1) / 4
        return 2.3 * exp(-x / width) + floor + noise
    }

    /// What a network that has learnt XOR answers.
    private static func ridge(_ x: Double, _ y: Double) -> Double {
        let distance = abs(x + y - 1)
        return 1 / (1 + exp(12 * (distance - 0.35)))
    }

    @Test func aChartHasALineForEachSeriesItsNamesAndEscapedText() {
        let svg = Self.chart.svg
        #expect(svg.hasPrefix("<svg xmlns=\"http://www.w3.org/2000/svg\""))
        #expect(svg.components("<path") == 3)
        #expect(svg.contains(">Loss of digits &lt;64-128-64-10&gt; &amp; &quot;friends&quot;</text>"))
        for name in ["training", "validation", "learning rate", "epoch", "cross-entropy"] {
            #expect(svg.contains(">\(name)</text>"))
        }
        #expect(svg.components("<circle") == 8)
    }

    @Test func pointsOfGroupsHaveTheirColourAndTheNameAmongThem() {
        var scatter = SVGScatter(title: "codes", x: ChartAxis("first"), y: ChartAxis("second"))
        scatter.groups = (0..<11).map { group in
            SVGScatter.Group("class \(group)", points: (0..<3).map { SVGChart.Point(Double(group), Double($0 * group)) } + [.init(.nan, 1)])
        }
        let svg = scatter.svg
        // Points that are not finite are left out; the eleventh colour is the first.
        #expect(svg.components("<circle") == 33 && svg.components(">class 4</text>") == 2)
        for colour in ChartFrame.colours { #expect(svg.components("r=\"2.5\" fill=\"\(colour)\"") == (colour == ChartFrame.colours[0] ? 6 : 3)) }
        #expect(Set(ChartFrame.colours).count == 10)
        scatter.groups = []
        #expect(scatter.svg.contains(">second</text>") && !scatter.svg.contains("<circle"))
    }

    @Test func gapsBreakTheLineAndLonePointsShow() {
        var chart = SVGChart(title: "t", x: ChartAxis("x"), y: ChartAxis("y"))
        chart.add("", [1, 2, .nan, 3, .infinity, 4, 5])
        #expect(chart.svg.components("M") - chart.svg.components("Me") == 3)
        #expect(chart.svg.components("<circle") == 1)
    }

    @Test func longSeriesAreThinnedButKeepTheirExtremes() {
        var chart = SVGChart(title: "t", x: ChartAxis("x"), y: ChartAxis("y"))
        chart.add("", (0..<200_000).map { $0 == 77_777 ? 5 : sin(Double($0)) })
        let svg = chart.svg
        #expect(svg.utf8.count < 100_000)
        // The highest value of the axis is at 48, the top of the plot, and only the one great value reaches it.
        #expect(svg.contains(">5</text>"))
        #expect(svg.components(" 48L") == 1)
    }

    @Test func aHeatMapHasItsCellsMarksAndScale() {
        let map = SVGHeatMap(
            title: "m", xLabel: "a", yLabel: "b", xRange: 0...1, yRange: 0...1, rows: [[0, 0, 1], [1, 0.5, .nan]], valueLabel: "share")
        #expect(map.valueRange == 0...1)
        let svg = map.svg
        #expect(svg.contains(">share</text>"))
        // Blue, orange, white and the grey of what is no number; two runs in the lower row and three in the upper.
        #expect(svg.components("<path") == 4)
        #expect(svg.components("zM") + svg.components("z\"") == 5)
        #expect(svg.contains("#005aa0") && svg.contains("#c85000") && svg.contains("#9ca3af"))
    }

    @Test func textThatXMLForbidsIsLeftOut() {
        #expect(SVGChart(title: "a\u{0}\nb'", x: ChartAxis(""), y: ChartAxis("")).svg.contains(">ab'</text>"))
    }

    /// Writes the pictures to the folder that SOMA_CHARTS names, to be looked at.
    @Test(.enabled(if: getenv("SOMA_CHARTS") != nil)) func picturesToLookAt() throws {
        let folder = String(cString: try #require(getenv("SOMA_CHARTS")))
        try AtomicFile.write(Self.chart.svg, to: "\(folder)/chart.svg")
        var map = SVGHeatMap(
            title: "XOR: what the network answers", xLabel: "first input", yLabel: "second input", xRange: -0.5...1.5,
            yRange: -0.5...1.5,
            rows: (0..<80).map { row in (0..<80).map { Self.ridge(Double($0) / 40 - 0.5, Double(row) / 40 - 0.5) } },
            valueLabel: "answer", valueRange: 0...1)
        map.marks = [(0, 0), (0, 1), (1, 0), (1, 1)].map { x, y in
            .init(x, y, value: x == y ? 0 : 1, label: x == y ? "0" : "1")
        }
        try AtomicFile.write(map.svg, to: "\(folder)/map.svg")
        var single = SVGChart(title: "Accuracy", x: ChartAxis("step"), y: ChartAxis("accuracy"))
        single.add("", (0..<3000).map { 1 - Self.decay(Double($0), by: 400, to: 0.02) / 2.5 })
        try AtomicFile.write(single.svg, to: "\(folder)/single.svg")
    }
}

extension String {
    /// How often `part` occurs.
    fileprivate func components(_ part: String) -> Int {
        var (count, rest) = (0, self[...])
        while let range = rest.firstRange(of: part) {
            count += 1
            rest = rest[range.upperBound...]
        }
        return count
    }
}
