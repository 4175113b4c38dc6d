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

    /// From a checkpoint of an earlier phase, rows of later phases are dropped when it begins anew, and those of phases before it stay.
    @Test func rowsOfLaterPhasesAreDropped() throws {
        let folder = try TemporaryFolder()
        let path = String(folder.path("").dropLast())
        func rows() throws -> [String] {
            try String(contentsOfFile: folder.path("metrics.csv"), encoding: .utf8).split(separator: "\n").dropFirst().map { row in
                let cells = row.split(separator: ",", omittingEmptySubsequences: false)
                return "\(cells[0]) \(cells[2])"
            }
        }
        func progress(_ step: Int) -> TrainingProgress {
            TrainingProgress(epoch: 0, epochCount: 1, batch: step, batchesPerEpoch: 9, updateCount: step, learningRate: 1, seconds: Double(step))
        }
        func begin(_ phase: Int, at step: Int, in record: RunRecord) throws {
            try record.note(.phase("\(phase)", number: phase, of: 4))
            try record.note(.started(progress(step)))
        }
        func train(_ record: RunRecord, steps: ClosedRange<Int>) throws {
            for step in steps { try record.note(.step(progress(step), losses: [Figure("loss", 1, better: .lower, title: "loss")])) }
            try record.draw()
        }
        let record = try RunRecord(folder: path, title: "net", device: try .named("cpu"), resumes: false)
        for phase in 0..<4 {
            try begin(phase, at: 0, in: record)
            try train(record, steps: 1...2)
        }
        #expect(try rows().count == 8)
        let resumed = try RunRecord(folder: path, title: "net", device: try .named("cpu"), resumes: true)
        try begin(1, at: 1, in: resumed)
        #expect(try rows() == ["net: 0 1", "net: 0 2", "net: 1 1"])
        try train(resumed, steps: 2...2)
        try begin(2, at: 0, in: resumed)
        try train(resumed, steps: 1...1)
        #expect(try rows() == ["net: 0 1", "net: 0 2", "net: 1 1", "net: 1 2", "net: 2 1"])
    }
}
