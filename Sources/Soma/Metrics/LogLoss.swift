import Glibc

/// How surprised a model is by the true classes: the mean of −ln p, in nats.
public enum LogLoss {
    /// The least probability that is counted, 2⁻²³: a single certain error does not make the mean infinite.
    public static let leastProbability = Double(Float.ulpOfOne)

    /// The mean of −ln of the probability of each sample's class.
    /// - Parameters:
    ///   - probabilities: [samples, classes], row by row.
    ///   - labels: the class of each sample, in 0 ..< classCount.
    /// - Returns: NaN where such a probability is NaN; nil without samples.
    public static func mean(probabilities: [Float], labels: [Int32], classCount: Int) -> Double? {
        checkTable(probabilities, labels, classCount, "LogLoss.mean")
        return mean(labels.indices.map { Double(probabilities[$0 * classCount + Int(labels[$0])]) })
    }

    /// The same for two classes.
    /// - Parameters:
    ///   - probabilities: of the positive class, one for each sample.
    ///   - labels: the class of each sample; all but `positive` are negative.
    public static func mean(probabilities: [Float], labels: [Int32], positive: Int32 = 1) -> Double? {
        checkPairs(probabilities.count, labels.count, "LogLoss.mean")
        return mean(zip(probabilities, labels).map { $1 == positive ? Double($0) : 1 - Double($0) })
    }

    private static func mean(_ probabilities: [Double]) -> Double? {
        if probabilities.isEmpty { return nil }
        let sum = probabilities.reduce(0) { $0 - ($1.isNaN ? .nan : log(max($1, leastProbability))) }
        return sum / Double(probabilities.count)
    }
}
