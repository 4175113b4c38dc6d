import Testing

@testable import Soma

/// Measures on the host, against the answers of scikit-learn 1.9.1.
@Suite struct MetricTests {
    private let scores: [Float] = [0.1, 0.4, 0.35, 0.8, 0.4, 0.65, 0.35, 0.9, 0.4, 0.05]
    private let labels: [Int32] = [0, 0, 1, 1, 1, 0, 0, 1, 1, 0]
    /// [7, 3]
    private let table: [Float] = [
        0.7, 0.2, 0.1, 0.1, 0.8, 0.1, 0.25, 0.25, 0.5, 0.3, 0.4, 0.3, 0.6, 0.3, 0.1, 0.2, 0.5, 0.3, 0.05, 0.15, 0.8,
    ]
    private let classes: [Int32] = [0, 1, 2, 0, 1, 2, 2]

    private func expect(_ value: Double?, _ answer: Double, within tolerance: Double = 1e-12, sourceLocation: SourceLocation = #_sourceLocation) {
        #expect(value.map { abs($0 - answer) <= tolerance } == true, "\(String(describing: value)) is not \(answer)", sourceLocation: sourceLocation)
    }

    @Test func areaUnderTheCurve() {
        expect(ROC.area(scores: scores, labels: labels), 0.78)
        // Ranks count, and nothing else.
        expect(ROC.area(scores: scores.map { 1000 * $0 - 3 }, labels: labels), 0.78)
        expect(ROC.area(scores: scores.map { -$0 }, labels: labels), 0.22)
        expect(ROC.area(scores: scores, labels: labels, positive: 0), 0.22)
        #expect(ROC.area(scores: [0.5, 0.5, 0.5], labels: [1, 0, 1]) == 0.5)
        #expect(ROC.area(scores: [0, -0.0], labels: [1, 0]) == 0.5)
        #expect(ROC.area(scores: [-.infinity, .infinity], labels: [0, 1]) == 1)
        expect(ROC.meanArea(scores: table, labels: classes, classCount: 3), 0.8861111111111111)
    }

    @Test func areaOfNothing() {
        #expect(ROC.area(scores: [0.1, 0.2], labels: [1, 1]) == nil)
        #expect(ROC.area(scores: [], labels: []) == nil)
        #expect(ROC.area(scores: [.nan, 1], labels: [0, 1])?.isNaN == true)
        #expect(ROC.curve(scores: [.nan, 1], labels: [0, 1]) == nil)
        #expect(ROC.meanArea(scores: [1, 0], labels: [0], classCount: 2) == nil)
        // A class without samples is no part of the mean.
        #expect(ROC.meanArea(scores: [0.6, 0.3, 0.1, 0.2, 0.7, 0.1], labels: [0, 1], classCount: 3) == 1)
    }

    /// All pairs, one by one.
    @Test func areaIsTheShareOfPairs() {
        var random = Philox(seed: 3)
        for _ in 0..<50 {
            let scores = (0..<30).map { _ in Float(random.integer(below: 6)) }
            let labels = (0..<30).map { _ in Int32(random.integer(below: 2)) }
            var (sum, pairs) = (0.0, 0.0)
            for i in 0..<30 where labels[i] == 1 {
                for j in 0..<30 where labels[j] == 0 {
                    sum += scores[i] > scores[j] ? 1 : scores[i] == scores[j] ? 0.5 : 0
                    pairs += 1
                }
            }
            if pairs > 0 { #expect(ROC.area(scores: scores, labels: labels) == sum / pairs) }
        }
    }

    @Test func curveOfRates() {
        let points = ROC.curve(scores: scores, labels: labels) ?? []
        #expect(points.map(\.threshold) == [.infinity, 0.9, 0.8, 0.65, 0.4, 0.35, 0.1, 0.05])
        #expect(points.map(\.falsePositiveRate) == [0, 0, 0, 0.2, 0.4, 0.6, 0.8, 1])
        #expect(points.map(\.truePositiveRate) == [0, 0.2, 0.4, 0.4, 0.8, 1, 1, 1])
        let area = zip(points, points.dropFirst()).reduce(0) {
            $0 + ($1.1.falsePositiveRate - $1.0.falsePositiveRate) * ($1.1.truePositiveRate + $1.0.truePositiveRate) / 2
        }
        expect(area, 0.78)
    }

    @Test func precisionAndRecall() {
        let predictions: [Int32] = [0, 1, 2, 1, 0, 1, 2, 0, 0, 1], labels: [Int32] = [0, 1, 2, 0, 1, 2, 2, 0, 0, 1]
        let answers = [(0.75, 0.75, 0.75), (0.5, 2.0 / 3, 4.0 / 7), (1, 2.0 / 3, 0.8)]
        for (label, answer) in answers.enumerated() {
            expect(PrecisionRecall.precision(predictions: predictions, labels: labels, positive: Int32(label)), answer.0)
            expect(PrecisionRecall.recall(predictions: predictions, labels: labels, positive: Int32(label)), answer.1)
            expect(PrecisionRecall.f1(predictions: predictions, labels: labels, positive: Int32(label)), answer.2)
        }
        expect(PrecisionRecall.balancedAccuracy(predictions: predictions, labels: labels), 0.6944444444444443)
        // 7 is told and never true: no class that the mean is taken over.
        #expect(PrecisionRecall.balancedAccuracy(predictions: [7, 1], labels: [1, 1]) == 0.5)
        #expect(PrecisionRecall.balancedAccuracy(predictions: [], labels: []) == nil)
        #expect(PrecisionRecall.precision(predictions: [0], labels: [1]) == 0 && PrecisionRecall.recall(predictions: [1], labels: [0]) == 0)

        let points = PrecisionRecall.curve(scores: scores, labels: self.labels) ?? []
        #expect(points.map(\.threshold) == [0.9, 0.8, 0.65, 0.4, 0.35, 0.1, 0.05])
        let precisions: [Double] = [1, 1, 2 / 3, 2 / 3, 0.625, 5 / 9, 0.5]
        #expect(points.map(\.precision) == precisions)
        #expect(points.map(\.recall) == [0.2, 0.4, 0.4, 0.8, 1, 1, 1])
        expect(PrecisionRecall.averagePrecision(scores: scores, labels: self.labels), 0.7916666666666665)
        #expect(PrecisionRecall.curve(scores: [1], labels: [0]) == nil && PrecisionRecall.averagePrecision(scores: [.nan], labels: [1]) == nil)
    }

    @Test func logLoss() {
        expect(LogLoss.mean(probabilities: scores, labels: labels), 0.5358992063523419)
        // Probabilities in single precision.
        expect(LogLoss.mean(probabilities: table, labels: classes, classCount: 3), 0.7297182343007007, within: 1e-7)
        expect(LogLoss.mean(probabilities: [1, 0], labels: [0], classCount: 2), 0)
        expect(LogLoss.mean(probabilities: [1, 0], labels: [1], classCount: 2), 15.942385152878742)
        expect(LogLoss.mean(probabilities: [0, 1], labels: [1, 0]), 15.942385152878742)
        #expect(LogLoss.mean(probabilities: [.nan], labels: [1])?.isNaN == true)
        #expect(LogLoss.mean(probabilities: [], labels: []) == nil)
    }

    /// Against scikit-learn's `calibration_curve`, and the sums of the definition.
    @Test func calibration() throws {
        let calibration = try #require(Calibration(confidences: scores, isRight: labels.map { $0 == 1 }, binCount: 5))
        #expect(calibration.bins.map(\.count) == [2, 2, 3, 1, 2])
        let accuracies: [Double?] = [0, 0.5, 2 / 3, 0, 1]
        #expect(calibration.bins.map(\.accuracy) == accuracies)
        let confidences = [0.07500000111758709, 0.3499999940395355, 0.4000000059604645, 0.6499999761581421, 0.8499999940395355]
        for (bin, answer) in zip(calibration.bins, confidences) { expect(bin.confidence, answer) }
        // (2·0.075 + 2·0.15 + 3·0.2667 + 0.65 + 2·0.15) / 10
        expect(calibration.expectedError, 0.22, within: 1e-7)
        expect(calibration.greatestError, 0.65, within: 1e-7)
        // Edges belong to the bin below them, 0 to the first.
        let edges = try #require(Calibration(confidences: [0, 0.25, 0.5, 1], isRight: [false, true, true, true], binCount: 4))
        #expect(edges.bins.map(\.count) == [2, 1, 0, 1])
        #expect(edges.bins[2].confidence == nil && edges.bins[2].accuracy == nil)
        // The likeliest of three: right, right, right, wrong (0.4), wrong (0.6), wrong (0.5), right.
        let classes = try #require(Calibration(probabilities: table, labels: classes, classCount: 3))
        #expect(classes.bins.map(\.count) == [0, 0, 0, 0, 3, 0, 2, 0, 2, 0])
        expect(classes.expectedError, 0.1571428562913622)
        #expect(Calibration(confidences: [.nan], isRight: [true]) == nil)
        #expect(Calibration(confidences: [], isRight: [])?.expectedError == nil)
    }

    @Test func errorsOfNumbers() {
        let predictions: [Float] = [2.5, 0, 2, 8, -1.5], targets: [Float] = [3, -0.5, 2, 7, -1]
        expect(RegressionErrors.rootMeanSquared(predictions: predictions, targets: targets), 0.5916079783099616)
        #expect(RegressionErrors.meanAbsolute(predictions: predictions, targets: targets) == 0.5)
        expect(RegressionErrors.determination(predictions: predictions, targets: targets), 0.9575242718446602)
        #expect(RegressionErrors.determination(predictions: [1, 2], targets: [5, 5]) == nil)
        #expect(RegressionErrors.rootMeanSquared(predictions: [], targets: []) == nil)
        #expect(RegressionErrors.rootMeanSquared(predictions: [3e38], targets: [-3e38])?.isFinite == true)
        #expect(RegressionErrors.meanAbsolute(predictions: [.nan], targets: [1])?.isNaN == true)
    }
}
