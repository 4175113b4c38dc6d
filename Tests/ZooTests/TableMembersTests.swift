import Glibc
import Soma
import Testing

@testable import SomaZoo

extension OnTheCPU {
    /// Several networks on one table, each of which leaves out other rows.
    @Suite struct TableMembersTests {
        private let recipe = TableRecipe()
        private let device = try! Device.named("cpu")

        private func rows() throws -> (rows: TableDataSet, preparation: TablePreparation) {
            let schema = try TableSchema(Penguins.table, TableChoice(target: "species"))
            let preparation = try TablePreparation(fittedTo: Penguins.table, rows: schema.rows, schema: schema)
            return (try TableDataSet(Penguins.table, rows: schema.rows, preparation), preparation)
        }

        /// Each row is left out by one network, and of each class every network leaves out its share.
        @Test func dealsRows() throws {
            let (rows, _) = try rows()
            func parts(_ seed: UInt64) throws -> [Int32] {
                try Minibatch(of: RowsInParts(rows, count: 5, seed: seed), 0..<rows.count)["part"].scalars()
            }
            let dealt = try parts(1)
            for label in Set(rows.labels) {
                let counts = (0..<5).map { part in zip(dealt, rows.labels).count { $0 == part && $1 == label } }
                #expect(counts.reduce(0, +) == rows.labels.count { $0 == label } && counts.max()! - counts.min()! <= 1, "\(counts)")
            }
            #expect(try parts(1) == dealt && parts(2) != dealt)
        }

        /// A member learns nothing from the rows that it leaves out, and those are measured by it; of other rows the mean is told.
        @Test func leavesOutAndAverages() throws {
            let (rows, preparation) = try rows()
            try withDevice(device) {
                let network = TableNetwork(preparation, hidden: [4], outputs: 3, activation: .relu, dropout: 0, members: 3)
                #expect(network.namedParameters.map(\.name).prefix(2) == ["members.0.hidden.0.weight", "members.0.hidden.0.bias"])
                let batch = try Minibatch(of: RowsInParts(rows, count: 3, seed: 1), 0..<12)
                let (row, part): (Tensor, [Int32]) = (batch.tableRows, try batch["part"].scalars())
                let answers = try network.answers(to: row).map { try $0.scalars(as: Float.self) }
                let unseen = try network.unseenAnswers(to: row, batch["part"]).scalars(as: Float.self)
                let mean = try network(row).scalars(as: Float.self)
                for place in unseen.indices {
                    #expect(unseen[place] == answers[Int(part[place / 3])][place])
                    #expect(abs(mean[place] - (answers[0][place] + answers[1][place] + answers[2][place]) / 3) < 1e-5)
                }
                // The loss of the network is that of each member on the rows that it sees: by the definition.
                let objective = TableClassification(network: network, classes: ["a", "b", "c"], weights: nil)
                let (loss, labels): (Double, [Int32]) = (try objective.loss(batch).item(), try batch["label"].scalars())
                var expected = 0.0
                for member in 0..<3 {
                    let seen = (0..<12).filter { part[$0] != member }
                    for row in seen {
                        let logits = (0..<3).map { Double(answers[member][row * 3 + $0]) }
                        let normalizer = logits.map { exp($0) }.reduce(0, +)
                        expected -= (logits[Int(labels[row])] - log(normalizer)) / Double(seen.count) / 3
                    }
                }
                #expect(abs(loss - expected) < 1e-5)
            }
        }

        /// A single network is what it was before there were several: checkpoints that do not say how many are of one.
        @Test func checkpointsOfBefore() throws {
            let output = try TemporaryFolder()
            let run = try record(recipe, on: device, ["validation=0.2"], epochs: 2, output: output.path)
            #expect(run.messages.first?.contains("of them 55 to choose the best epoch by") == true)
            let (last, old) = ("\(output.path)/last.safetensors", "\(output.path)/old.safetensors")
            let file = try SafetensorsFile(path: last)
            #expect(file.metadata["setting.members"] == "1" && file.tensors.contains { $0.name == "body.output.weight" })
            var metadata = file.metadata
            metadata["setting.members"] = nil
            try SafetensorsFile.write(file.tensors, metadata: metadata, to: old) { tensor, append in try file.withBytes(of: tensor.name, append) }
            let (now, before) = (try Checkpoint(path: last), try Checkpoint(path: old))
            func accuracy(_ checkpoint: Checkpoint) throws -> Double? {
                try recipe.session(checkpoint, device: device).evaluate(recipe.testData(of: checkpoint, in: nil).dataSet)["accuracy"]
            }
            #expect(try accuracy(before) == accuracy(now))
            let settings = try SavedRun(before).settings
            #expect(settings[TableRecipe.members] == 1 && settings[TableRecipe.validation] == 0.2)
            var context = RecipeContext(recipe, device: device, seed: 1)
            (context.settings, context.epochs, context.checkpoint) = (settings, 3, before)
            #expect(try recipe.run(context).epochs == 3)
            #expect { try record(recipe, on: device, ["validation=0.2", "members=3"], epochs: 1) } throws: {
                "\($0)".contains("validation= is of members=1")
            }
        }
    }
}
