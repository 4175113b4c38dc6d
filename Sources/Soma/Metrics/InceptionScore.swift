import Glibc
import SomaGraph

extension Metric {
    /// How sure a classifier is of each sample, and how many classes the samples are of: exp of the mean of KL(p(y | x) ‖ p(y)), from 1 to the number
    /// of classes, over all samples at once.
    ///
    /// T. Salimans, I. Goodfellow, W. Zaremba, V. Cheung, A. Radford, X. Chen, *Improved Techniques for Training GANs*, NeurIPS 2016. With another
    /// classifier than theirs it is another scale.
    /// - Parameter logits: [n, classes] for the n samples of the minibatch.
    public static func inceptionScore(
        _ name: String = "inception_score", logits: Tensor, title: String = "classifier's score", file: StaticString = #fileID, line: UInt = #line
    ) -> Metric {
        guard logits.rank == 2, logits.shape[1] > 0 else {
            programError("inceptionScore", "logits \(logits.shape) are not [samples, classes]", file: file, line: line)
        }
        let (classes, logs) = (logits.shape[1], logits.logSoftmax(alongAxis: 1))
        let probabilities = exp(logs)
        // Of a probability of 0 nothing is left, whatever its logarithm.
        let entropies = (probabilities * logs).replacing(with: 0, where: probabilities .== 0)
        return Metric(sums: [entropies.sum(), probabilities.sum(alongAxes: 0)]) { totals in
            let score = Self.score(totals.sums[0][0], totals.sums[1], Double(totals.sampleCount))
            return Report([Figure(name, score, better: .higher, title: title, limits: 1...Double(classes))])
        }
    }

    private static func score(_ entropies: Double, _ sums: [Double], _ count: Double) -> Double {
        let marginal = sums.reduce(0.0) { sum, value in
            let share = value / count
            return sum + (share == 0 ? 0 : share * log(share))
        }
        return exp(entropies / count - marginal)
    }

    /// How many of the classes there are samples of, by what a classifier takes them for: at least a share of `leastShare` of all.
    /// - Parameter logits: [n, classes] for the n samples of the minibatch; of equal ones the first counts, and a sample with a NaN for no class.
    public static func coverage(
        _ name: String = "coverage", logits: Tensor, leastShare: Double = 0.01, file: StaticString = #fileID, line: UInt = #line
    ) -> Metric {
        guard logits.rank == 2, logits.shape[1] > 0 else {
            programError("coverage", "logits \(logits.shape) are not [samples, classes]", file: file, line: line)
        }
        let classes = logits.shape[1]
        return Metric(sums: [takenFor(logits)]) { totals in
            let least = leastShare * Double(totals.sampleCount)
            let count = totals.sums[0].count { $0 > 0 && $0 >= least }
            let remark = "of \(classes), each at least \(Quantity.fixed(100 * leastShare, 1)) %"
            return Report([
                Figure(name, Double(count), better: .higher, title: "classes covered", limits: 0...Double(classes), isCount: true, remark: remark)
            ])
        }
    }

    /// A table of how many samples a classifier takes for which class; JSON has the counts by the names of the classes.
    /// - Parameters:
    ///   - name: what JSON calls them.
    ///   - logits: [n, classes].
    public static func shares(
        _ title: String, name: String = "class_counts", logits: Tensor, classes: [String], file: StaticString = #fileID, line: UInt = #line
    ) -> Metric {
        guard logits.rank == 2, logits.shape[1] == classes.count else {
            programError("shares", "logits \(logits.shape) are not [samples, \(classes.count)]", file: file, line: line)
        }
        return Metric(sums: [takenFor(logits)]) { totals in
            var report = Report()
            let rows = zip(classes, totals.sums[0]).map { name, count in
                [name, Quantity.grouped(Int(count)), Quantity.fixed(count / Double(max(totals.sampleCount, 1)), 4)]
            }
            var table = Table(title, columns: ["class", "samples", "share"], rows: rows)
            table.wordColumnCount = 1
            report.tables = [table]
            report.members = [.init(name, JSON.object(zip(classes, totals.sums[0]).map { .init($0, JSON(Int($1))) }))]
            return report
        }
    }

    /// The samples that are taken for each class: int32 [classes].
    private static func takenFor(_ logits: Tensor) -> Tensor {
        let broken = logits.isNaN.any(alongAxes: 1, keepingDims: true)
        return logits.argmax(alongAxis: 1).oneHot(depth: logits.shape[1], dtype: .int32).replacing(with: 0, where: broken).sum(alongAxes: 0)
    }
}
