import Soma

@main struct Example {
    static func main() throws {
        let table = try DataTable(path: CommandLine.arguments.dropFirst().first ?? "penguins.csv")
        let features = ["bill_length_mm", "bill_depth_mm", "flipper_length_mm"]
        let schema = try TableSchema(table, TableChoice(target: "body_mass_g", features: features))
        let (rest, test) = schema.split(heldOut: 0.2, seed: 1)
        let (training, validation) = schema.split(heldOut: 0.25, of: rest, seed: 2)

        // Means and deviations are those of the rows to train on.
        let preparation = try TablePreparation(fittedTo: table, rows: training, schema: schema)
        func data(_ rows: [Int]) throws -> TableDataSet { try TableDataSet(table, rows: rows, preparation) }

        let model = Sequential(
            Linear(from: 3, to: 32), ReLU(), Linear(from: 32, to: 32), ReLU(),
            Linear(from: 32, to: 1), Flatten(fromAxis: 0))
        let objective = Regression(model, input: "numbers", target: "target", scale: preparation.targetScale)
        let optimizer = try Optimizer(Adam(), for: model, learningRate: 3e-3)
        let options = Trainer.Options(epochs: 200, batchSize: 16, seed: 1, patience: 15, folder: "penguins")
        let trainer = Trainer(model, objective, optimizer, options)
        try trainer.run(on: data(training), evaluatingOn: data(validation)) { event in
            if let epoch = event.epoch { print(epoch) }
        }

        try Checkpoint(path: trainer.bestPath).restore(model)
        print("test:", try Evaluator(objective).evaluate(data(test), .close))
        let penguin = try DataTable(text: "bill_length_mm,bill_depth_mm,flipper_length_mm\n46.2,14.9,221\n")
        let row = try Minibatch(of: TableDataSet(penguin, preparation, hasTarget: false))
        print("one more penguin, in g:", try preparation.restored(model(row["numbers"])).item())
    }
}
