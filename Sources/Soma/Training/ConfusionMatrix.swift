import SomaGraph

/// How often samples of each class were taken for which class, and what follows from that.
///
/// With n[t, p] samples of class t that were taken for p: precision of c is n[c, c] / Σₜ n[t, c], recall n[c, c] / Σₚ n[c, p],
/// and F1 their harmonic mean. A quotient of nothing by nothing is 0.
public struct ConfusionMatrix: Hashable, Sendable {
    /// What the classes are called.
    public let classes: [String]
    /// A row for each true class, a column for each that was told.
    public private(set) var counts: [[Int]]
    /// How many samples had their class among the five likeliest.
    public private(set) var topFiveCount = 0

    public init(classes: [String]) {
        self.classes = classes
        counts = classes.map { _ in [Int](repeating: 0, count: classes.count) }
    }

    /// Counts samples.
    /// - Parameters:
    ///   - logits: [samples, classes], row by row.
    ///   - labels: the true class of each sample.
    /// - Throws: `SomaError` where a logit is no number, or a label no class.
    public mutating func add(logits: [Float], labels: [Int32]) throws {
        let width = classes.count
        guard logits.count == labels.count * width else {
            programError("confusion matrix", "\(logits.count) logits for \(labels.count) samples of \(width) classes")
        }
        for (sample, label) in labels.enumerated() {
            let row = logits[sample * width..<(sample + 1) * width]
            guard classes.indices.contains(Int(label)) else { throw SomaError("the label \(label) is none of \(width) classes") }
            guard row.allSatisfy({ !$0.isNaN }) else { throw SomaError("the model answers with NaN: its weights are broken") }
            let own = row[row.startIndex + Int(label)]
            // The first of equals, as argmax has it.
            let told = row.indices.max { row[$0] < row[$1] || (row[$0] == row[$1] && $0 > $1) } ?? row.startIndex
            counts[Int(label)][told - row.startIndex] += 1
            // Equal ones before it take places too.
            let place = row.enumerated().count { $1 > own || ($1 == own && $0 < label) }
            if place < 5 { topFiveCount += 1 }
        }
    }

    /// All samples.
    public var count: Int { counts.joined().reduce(0, +) }
    /// Those that were told rightly.
    public var rightCount: Int { classes.indices.reduce(0) { $0 + counts[$1][$1] } }
    public var accuracy: Double { Self.share(rightCount, of: count) }
    /// The share of samples whose class is among the five likeliest; nil with five classes or fewer, where it says nothing.
    public var topFiveAccuracy: Double? { classes.count > 5 ? Self.share(topFiveCount, of: count) : nil }

    /// Samples of a class.
    public func support(_ label: Int) -> Int { counts[label].reduce(0, +) }
    public func precision(_ label: Int) -> Double { Self.share(counts[label][label], of: counts.reduce(0) { $0 + $1[label] }) }
    public func recall(_ label: Int) -> Double { Self.share(counts[label][label], of: support(label)) }
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
