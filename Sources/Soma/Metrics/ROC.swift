import SomaGraph

/// How well scores put samples of one class before all others: receiver operating characteristic.
///
/// T. Fawcett, *An introduction to ROC analysis*, Pattern Recognition Letters 27(8), 2006.
public enum ROC {
    /// A point of the curve: what comes of taking every sample for positive whose score is at least `threshold`.
    public struct Point: Hashable, Sendable {
        /// The least score that is taken for positive; infinity where none is.
        public let threshold: Float
        /// The share of negative samples that are taken for positive.
        public let falsePositiveRate: Double
        /// The share of positive samples that are taken for positive: the recall.
        public let truePositiveRate: Double
    }

    /// The area under the curve: the probability that a positive sample has a greater score than a negative one, equal scores counted half
    /// (Mann–Whitney's U over the number of pairs). Exact up to one rounding.
    /// - Parameters:
    ///   - scores: one for each sample; greater ones speak for the positive class.
    ///   - labels: the class of each sample; all but `positive` are negative.
    /// - Returns: 0 ... 1; NaN where a score is NaN; nil where one of the two sides has no samples.
    public static func area(scores: [Float], labels: [Int32], positive: Int32 = 1) -> Double? {
        let groups = ScoreGroups(scores, labels, positive: positive, "ROC.area")
        guard groups.positives > 0, groups.negatives > 0 else { return nil }
        guard !groups.hasNaN else { return .nan }
        // Positives above each negative, in halves, so that the sum stays whole.
        var halves = 0, positivesAbove = 0
        for group in groups.groups {
            halves += group.negatives * (2 * positivesAbove + group.positives)
            positivesAbove += group.positives
        }
        return Double(halves) / (2 * Double(groups.positives) * Double(groups.negatives))
    }

    /// The mean over classes of the area of each against the rest, each weighing the same.
    /// - Parameters:
    ///   - scores: [samples, classes], row by row.
    ///   - labels: the class of each sample, in 0 ..< classCount.
    /// - Returns: nil where no class has samples both in it and out of it; classes without are left out of the mean.
    public static func meanArea(scores: [Float], labels: [Int32], classCount: Int) -> Double? {
        checkTable(scores, labels, classCount, "ROC.meanArea")
        let areas = (0..<classCount).compactMap { label in
            area(scores: labels.indices.map { scores[$0 * classCount + label] }, labels: labels, positive: Int32(label))
        }
        return areas.isEmpty ? nil : areas.reduce(0, +) / Double(areas.count)
    }

    /// The curve from (0, 0) to (1, 1): a point for each different score, the greatest first, behind one at the threshold infinity.
    /// - Returns: nil where a score is NaN, or one of the two sides has no samples.
    public static func curve(scores: [Float], labels: [Int32], positive: Int32 = 1) -> [Point]? {
        let groups = ScoreGroups(scores, labels, positive: positive, "ROC.curve")
        guard groups.positives > 0, groups.negatives > 0, !groups.hasNaN else { return nil }
        var points = [Point(threshold: .infinity, falsePositiveRate: 0, truePositiveRate: 0)]
        var (positives, negatives) = (0, 0)
        for group in groups.groups {
            positives += group.positives
            negatives += group.negatives
            points.append(
                Point(
                    threshold: group.score, falsePositiveRate: Double(negatives) / Double(groups.negatives),
                    truePositiveRate: Double(positives) / Double(groups.positives)))
        }
        return points
    }
}

/// Samples in order of their scores, the greatest first, equal scores together.
struct ScoreGroups {
    struct Group {
        let score: Float
        var positives = 0
        var negatives = 0
    }

    private(set) var groups: [Group] = []
    let positives: Int
    let negatives: Int
    let hasNaN: Bool

    init(_ scores: [Float], _ labels: [Int32], positive: Int32, _ function: String) {
        guard scores.count == labels.count else { programError(function, "\(scores.count) scores for \(labels.count) labels") }
        positives = labels.count { $0 == positive }
        negatives = labels.count - positives
        hasNaN = scores.contains(where: \.isNaN)
        if hasNaN { return }
        for index in scores.indices.sorted(by: { scores[$0] > scores[$1] }) {
            // -0 equals 0.
            if groups.last.map({ $0.score != scores[index] }) ?? true { groups.append(Group(score: scores[index])) }
            if labels[index] == positive { groups[groups.count - 1].positives += 1 } else { groups[groups.count - 1].negatives += 1 }
        }
    }
}

/// Traps where a table of scores has not a row for each label, or a label is no class.
func checkTable(_ scores: [Float], _ labels: [Int32], _ classCount: Int, _ function: String) {
    guard classCount > 0, scores.count == labels.count * classCount else {
        programError(function, "\(scores.count) scores for \(labels.count) labels of \(classCount) classes")
    }
    if let label = labels.first(where: { $0 < 0 || $0 >= classCount }) { programError(function, "the label \(label) is none of \(classCount) classes") }
}
