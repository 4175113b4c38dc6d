import SomaGraph

/// How often samples of each class were predicted as each class, and the measures that follow from that.
///
/// With n[t, p] samples of class t that were taken for p: precision of c is n[c, c] / Σₜ n[t, c], recall n[c, c] / Σₚ n[c, p],
/// and F1 their harmonic mean. A quotient of nothing by nothing is 0.
public struct ConfusionMatrix: Hashable, Sendable {
    /// What the classes are called.
    public let classes: [String]
    /// A row for each true class, a column for each that was told.
    public let counts: [[Int]]
    /// How many samples had their class among the five likeliest.
    public let topFiveCount: Int

    /// Traps unless there is a row and a column for each class.
    /// - Parameters:
    ///   - counts: a row for each true class, a column for each that was told.
    ///   - topFiveCount: samples that had their class among the five likeliest.
    public init(classes: [String], counts: [[Int]], topFiveCount: Int = 0) {
        guard counts.count == classes.count, counts.allSatisfy({ $0.count == classes.count }) else {
            programError("confusion matrix", "\(counts.map(\.count)) counts for \(classes.count) classes")
        }
        (self.classes, self.counts, self.topFiveCount) = (classes, counts, topFiveCount)
    }

    /// All samples.
    public var count: Int { counts.joined().reduce(0, +) }
    /// Samples whose class was predicted correctly.
    public var rightCount: Int { classes.indices.reduce(0) { $0 + counts[$1][$1] } }
    /// The share of samples whose class was predicted correctly; 0 without samples.
    public var accuracy: Double { Self.share(rightCount, of: count) }
    /// The share of samples whose class is among the five likeliest; nil with five classes or fewer, where it says nothing.
    public var topFiveAccuracy: Double? { classes.count > 5 ? Self.share(topFiveCount, of: count) : nil }

    /// Samples of a class.
    public func support(_ label: Int) -> Int { counts[label].reduce(0, +) }
    /// Of the samples taken for class `label` the share that belong to it.
    public func precision(_ label: Int) -> Double { Self.share(counts[label][label], of: counts.reduce(0) { $0 + $1[label] }) }
    /// Of the samples of class `label` the share that were taken for it.
    public func recall(_ label: Int) -> Double { Self.share(counts[label][label], of: support(label)) }
    /// 2 · precision · recall / (precision + recall) of class `label`; 0 where both are 0.
    public func f1(_ label: Int) -> Double {
        let (precision, recall) = (precision(label), recall(label))
        return precision + recall > 0 ? 2 * precision * recall / (precision + recall) : 0
    }

    /// The mean of a figure over the classes that there are samples of.
    public func mean(_ figure: (Int) -> Double) -> Double {
        let present = classes.indices.filter { support($0) > 0 }
        return present.isEmpty ? 0 : present.reduce(0) { $0 + figure($1) } / Double(present.count)
    }

    private static func share(_ part: Int, of whole: Int) -> Double { whole > 0 ? Double(part) / Double(whole) : 0 }
}
