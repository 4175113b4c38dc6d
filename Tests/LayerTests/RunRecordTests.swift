import Foundation
@testable import Soma
import Testing

/// Rows of `metrics.csv` when a run goes on.
@Suite struct RunRecordTests {
    /// A phase whose name has a comma, which no cell has, finds its rows again.
    @Test func rowsOfAnyPhaseAreFoundAgain() throws {
        let folder = try TemporaryFolder()
        let path = String(folder.path("").dropLast())
        func progress(_ step: Int) -> TrainingProgress {
            TrainingProgress(epoch: 0, epochCount: 1, batch: step, batchesPerEpoch: 9, updateCount: step, learningRate: 1, seconds: Double(step))
        }
        func note(_ steps: [Int], from start: Int) throws {
            let record = try RunRecord(folder: path, title: "net, large", device: try .named("cpu"), resumes: start > 0)
            try record.note(.phase("digits, 1 layer", number: 0, of: 2))
            try record.note(.started(progress(start)))
            for step in steps { try record.note(.step(progress(step), losses: [Figure("loss", 1, better: .lower, title: "loss")])) }
            try record.draw()
        }
        try note([1, 2, 3], from: 0)
        try note([3], from: 2)
        let rows = try String(contentsOfFile: folder.path("metrics.csv"), encoding: .utf8).split(separator: "\n").dropFirst()
        let cells = rows.map { $0.split(separator: ",", omittingEmptySubsequences: false).map(String.init) }
        #expect(cells.map { $0[2] } == ["1", "2", "3"])
        // The seconds go on from those that were kept.
        #expect(cells.map { $0[$0.count - 1] } == ["1.0", "2.0", "5.0"])
    }
}
