import Soma
import SomaZoo
import Testing

@Suite struct PerceptronTests {
    private let recipe = PerceptronRecipe()

    @Test(arguments: [1, 2, 3, 4] as [UInt64]) func learnsWhatALineParts(seed: UInt64) throws {
        let run = try record(recipe, on: interpreter(), ["gates=and,or,nand,nor"], seed: seed)
        for gate in ["and", "or", "nand", "nor"] { #expect(run.result.measures["\(gate)_accuracy"] == 1) }
        #expect(run.result.test["accuracy"] == 1)
        #expect(run.messages.allSatisfy { $0.contains("is learned") })
        #expect(run.tables.map(\.rows.last?.last) == Array(repeating: "", count: 4))
    }

    @Test(arguments: [1, 2, 3, 4] as [UInt64]) func goesRoundInACircleOnXor(seed: UInt64) throws {
        let run = try record(recipe, on: interpreter(), ["gates=xor"], seed: seed)
        let accuracy = try #require(run.result.measures["xor_accuracy"])
        #expect(accuracy <= 0.75)
        // The weights after the last pass are those before an earlier one, and no pass was without a mistake.
        let rows = try #require(run.tables.first).rows
        let weights = rows.map { Array($0[1...3]) }
        #expect(weights.dropLast().contains(weights[weights.count - 1]))
        #expect(rows.dropLast().allSatisfy { $0[4] != "0 of 4" })
        // The circle leads back to the weights at its beginning.
        let circle = run.tables[1].rows
        #expect(circle.count % 4 == 0 && Array(circle[circle.count - 1][4...6]) == weights[weights.count - 1])
        #expect(run.messages[0].contains("goes round in this circle forever") && run.messages[0].contains("No weights could"))
    }

    /// The rule by hand, from the first weights of the run.
    @Test func followsRosenblattsRule() throws {
        let run = try record(recipe, on: interpreter(), ["gates=xor"], seed: 9)
        let rows = run.tables[0].rows.map { $0[1...3].compactMap { Int($0) } }
        var w = rows[0]
        for pass in 1..<rows.count {
            for (x1, x2, t) in [(0, 0, 0), (0, 1, 1), (1, 0, 1), (1, 1, 0)] {
                let error = t - (w[0] * x1 + w[1] * x2 + w[2] >= 0 ? 1 : 0)
                w = [w[0] + error * x1, w[1] + error * x2, w[2] + error]
            }
            #expect(rows[pass] == w)
        }
    }

    @Test func stopsWhenAsked() throws {
        var asked = 0
        let run = try record(recipe, on: interpreter(), ["gates=xor"], isInterrupted: {
            asked += 1
            return asked > 2
        })
        #expect(run.result.isInterrupted)
        #expect(run.result.epochs == 3)
        #expect(run.interruptions == ["at XOR"])
    }

    @Test func drawsAPictureOfEachGate() throws {
        let folder = try TemporaryFolder()
        let run = try record(recipe, on: interpreter(), output: folder.path)
        #expect(run.files == ["and", "or", "xor"].map { "\(folder.path)/\($0).svg" })
        for file in run.files { #expect(try contents(file).starts(with: Array("<svg".utf8))) }
    }
}
