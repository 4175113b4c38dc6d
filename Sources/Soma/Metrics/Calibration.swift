import SomaGraph

/// Whether a model that is sure of a class to 80 % is right in 80 % of such cases: a reliability diagram and its error.
///
/// C. Guo, G. Pleiss, Y. Sun, K. Q. Weinberger, *On Calibration of Modern Neural Networks*, ICML 2017.
public struct Calibration: Hashable, Sendable {
    /// Samples whose confidence lies in (lower, upper]; the first bin has those of confidence 0, too.
    public struct Bin: Hashable, Sendable {
        /// The confidence that its samples are above.
        public let lower: Double
        /// The greatest confidence of its samples.
        public let upper: Double
        /// How many samples it has.
        public let count: Int
        /// The mean confidence of its samples; nil without any.
        public let confidence: Double?
        /// The share of its samples that were right; nil without any.
        public let accuracy: Double?
    }

    /// Bins of equal width over 0 ... 1.
    public let bins: [Bin]

    /// Sorts samples into bins by their confidence. Traps where the lists differ in length or there is no bin.
    /// - Parameters:
    ///   - confidences: the probability that the model gave its answer, 0 ... 1 for each sample; those beyond count for the first and last bin.
    ///   - isRight: whether the answer was right. For two classes take the probability of one, and whether the sample is of it.
    /// - Returns: nil where a confidence is NaN.
    public init?(confidences: [Float], isRight: [Bool], binCount: Int = 10) {
        checkPairs(confidences.count, isRight.count, "Calibration")
        guard binCount > 0 else { programError("Calibration", "\(binCount) bins") }
        if confidences.contains(where: \.isNaN) { return nil }
        var sums = [(count: Int, right: Int, confidence: Double)](repeating: (0, 0, 0), count: binCount)
        for (confidence, right) in zip(confidences, isRight) {
            let value = min(max(Double(confidence), 0), 1)
            let bin = max(Int((value * Double(binCount)).rounded(.up)) - 1, 0)
            sums[bin].count += 1
            sums[bin].right += right ? 1 : 0
            sums[bin].confidence += value
        }
        bins = sums.enumerated().map { index, sum in
            func mean(_ total: Double) -> Double? { sum.count > 0 ? total / Double(sum.count) : nil }
            return Bin(
                lower: Double(index) / Double(binCount), upper: Double(index + 1) / Double(binCount), count: sum.count,
                confidence: mean(sum.confidence), accuracy: mean(Double(sum.right)))
        }
    }

    /// The class of the greatest probability is the answer, the first of equals, and that probability its confidence.
    /// - Parameters:
    ///   - probabilities: [samples, classes], row by row.
    ///   - labels: the class of each sample, in 0 ..< classCount.
    /// - Returns: nil where a probability is NaN.
    public init?(probabilities: [Float], labels: [Int32], classCount: Int, binCount: Int = 10) {
        checkTable(probabilities, labels, classCount, "Calibration")
        if probabilities.contains(where: \.isNaN) { return nil }
        var (confidences, isRight) = ([Float](), [Bool]())
        for (sample, label) in labels.enumerated() {
            let row = probabilities[sample * classCount..<(sample + 1) * classCount]
            let best = row.indices.reduce(row.startIndex) { row[$1] > row[$0] ? $1 : $0 }
            confidences.append(row[best])
            isRight.append(best - row.startIndex == Int(label))
        }
        self.init(confidences: confidences, isRight: isRight, binCount: binCount)
    }

    /// The expected calibration error: the mean over samples of |accuracy − confidence| of their bins; nil without samples.
    public var expectedError: Double? {
        let count = bins.reduce(0) { $0 + $1.count }
        if count == 0 { return nil }
        return bins.reduce(0) { $0 + Double($1.count) * ($1.gap ?? 0) } / Double(count)
    }

    /// The greatest |accuracy − confidence| of a bin; nil without samples.
    public var greatestError: Double? { bins.compactMap(\.gap).max() }
}

extension Calibration.Bin {
    fileprivate var gap: Double? {
        guard let accuracy, let confidence else { return nil }
        return abs(accuracy - confidence)
    }
}
