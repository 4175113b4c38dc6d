import SomaGraph

/// How many of what was taken for a class belong to it (precision), and how many of a class are found (recall).
///
/// A quotient of nothing by nothing is 0, as `ConfusionMatrix` has it.
public enum PrecisionRecall {
    /// A point of the curve: what comes of taking every sample for positive whose score is at least `threshold`.
    public struct Point: Hashable, Sendable {
        /// The least score that is taken for positive.
        public let threshold: Float
        /// The share of positives among the samples at or above the threshold.
        public let precision: Double
        /// The share of all positives that are at or above the threshold.
        public let recall: Double
    }

    /// The share of samples taken for class `positive` that belong to it.
    /// - Parameters:
    ///   - predictions: the class that each sample was taken for.
    ///   - labels: the class of each sample.
    public static func precision(predictions: [Int32], labels: [Int32], positive: Int32 = 1) -> Double {
        checkPairs(predictions.count, labels.count, "PrecisionRecall.precision")
        return share(right(predictions, labels, positive), of: predictions.count { $0 == positive })
    }

    /// The share of samples of class `positive` that are taken for it.
    public static func recall(predictions: [Int32], labels: [Int32], positive: Int32 = 1) -> Double {
        checkPairs(predictions.count, labels.count, "PrecisionRecall.recall")
        return share(right(predictions, labels, positive), of: labels.count { $0 == positive })
    }

    /// The harmonic mean of precision and recall: 2·TP / (2·TP + FP + FN).
    public static func f1(predictions: [Int32], labels: [Int32], positive: Int32 = 1) -> Double {
        checkPairs(predictions.count, labels.count, "PrecisionRecall.f1")
        return share(2 * right(predictions, labels, positive), of: predictions.count { $0 == positive } + labels.count { $0 == positive })
    }

    /// The mean of the recall over the classes that there are samples of; nil without samples. A guess that ignores its input reaches one over
    /// the number of classes, however many samples each class has.
    public static func balancedAccuracy(predictions: [Int32], labels: [Int32]) -> Double? {
        checkPairs(predictions.count, labels.count, "PrecisionRecall.balancedAccuracy")
        var samples: [Int32: (count: Int, right: Int)] = [:]
        for (prediction, label) in zip(predictions, labels) {
            samples[label, default: (0, 0)].count += 1
            if prediction == label { samples[label, default: (0, 0)].right += 1 }
        }
        if samples.isEmpty { return nil }
        // In the order of the classes: the order of a dictionary would change the last bits.
        return samples.sorted { $0.key < $1.key }.reduce(0) { $0 + share($1.value.right, of: $1.value.count) } / Double(samples.count)
    }

    /// A point for each different score, the greatest first.
    /// - Returns: nil where a score is NaN, or there are no positive samples.
    public static func curve(scores: [Float], labels: [Int32], positive: Int32 = 1) -> [Point]? {
        let groups = ScoreGroups(scores, labels, positive: positive, "PrecisionRecall.curve")
        guard groups.positives > 0, !groups.hasNaN else { return nil }
        var (positives, taken) = (0, 0)
        return groups.groups.map { group in
            positives += group.positives
            taken += group.positives + group.negatives
            return Point(threshold: group.score, precision: share(positives, of: taken), recall: share(positives, of: groups.positives))
        }
    }

    /// The mean of the precision, weighted by how much the recall grows at each threshold: Σ (Rₙ − Rₙ₋₁)·Pₙ.
    /// - Returns: nil as `curve`.
    public static func averagePrecision(scores: [Float], labels: [Int32], positive: Int32 = 1) -> Double? {
        guard let points = curve(scores: scores, labels: labels, positive: positive) else { return nil }
        var (sum, last) = (0.0, 0.0)
        for point in points {
            sum += (point.recall - last) * point.precision
            last = point.recall
        }
        return sum
    }

    private static func right(_ predictions: [Int32], _ labels: [Int32], _ positive: Int32) -> Int {
        zip(predictions, labels).count { $0 == positive && $1 == positive }
    }

    private static func share(_ part: Int, of whole: Int) -> Double { whole > 0 ? Double(part) / Double(whole) : 0 }
}

/// Traps where there is not one of each.
func checkPairs(_ predictions: Int, _ targets: Int, _ function: String) {
    guard predictions == targets else { programError(function, "\(predictions) predictions for \(targets) targets") }
}
