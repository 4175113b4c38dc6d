import ArgumentParser
import Soma
import SomaZoo

struct CrossValidateCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "cross-validate",
        abstract: "Trains a recipe once for each of several parts of its data, which is held out, and tells mean and spread of what is measured.",
        discussion: """
            It tells how well a model of these settings does with rows that it has not seen, and how far that depends on which rows these are: \
            what settings are compared by, where data are few. Each row is held out once; of classes each part has its share. No model is kept: \
            soma train with the same settings makes one. For recipes that read tables.

              soma cross-validate table --data german_credit.csv target=risk weights=balanced --folds 5
            """)

    @Argument(help: "What to train.", completion: .list(Recipes.all.filter(\.takesFolds).map(\.name)))
    var recipe: String

    @Argument(help: ArgumentHelp("Settings of the recipe, as of soma train.", valueName: "key=value"))
    var settings: [String] = []

    @Option(parsing: .unconditional, help: "Into how many parts the data are dealt.")
    var folds = 5

    @Option(help: ArgumentHelp("The file with the data.", valueName: "path"))
    var data: String?

    @Option(parsing: .unconditional, help: "Passes over the data in each training. (default: the recipe's)")
    var epochs: Int?

    @Option(parsing: .unconditional, help: "Decides how rows are dealt, and every other random number.")
    var seed: UInt64 = 0

    @Option(help: "The device, as soma devices names it.")
    var device: String?

    @Flag(help: "Print an object a line, one for each part; the last is the result.")
    var json = false

    func validate() throws {
        guard folds >= 2 else { throw ValidationError("--folds takes a whole number from 2 on") }
        guard Recipes.epochs.contains(epochs ?? 1) else {
            throw ValidationError("--epochs takes a whole number from \(Recipes.epochs.lowerBound) to \(Recipes.epochs.upperBound)")
        }
    }

    func run() throws {
        var plan = try RunPlan(RunRequest(words: [recipe] + settings, device: device, data: data, epochs: epochs, seed: seed))
        let device = try DeviceChoice.device(plan.device)
        plan = try plan.fitted(on: device)
        var context = RecipeContext(plan.recipe, device: device, seed: plan.seed)
        (context.epochs, context.settings, context.data) = (plan.epochs, plan.settings, plan.data)
        context.observer = InterruptedBySignals()
        Interruption.watch()
        let result: CrossValidation
        do {
            result = try CrossValidation(plan.recipe, context, folds: folds) { try Console.print(line(fold: $0, $1)) }
        } catch {
            throw Interruption.isPending ? Interruption.exitCode : error
        }
        try (json ? [self.json(result, on: device)] : Self.table(result).lines(width: nil)).forEach(Console.print)
    }

    private func line(fold number: Int, _ report: Report) -> String {
        if !json { return "fold \(number + 1) of \(folds): \(report)" }
        return Self.json("fold", [.init("fold", JSON(number + 1))] + report.figures.map { .init("test_\($0.name)", JSON($0.value)) })
    }

    private static func json(_ event: String, _ members: [JSON.Member]) -> String { JSON.object([.init("event", .string(event))] + members).description }

    private func json(_ result: CrossValidation, on device: Device) -> String {
        let figures = result.summaries.map { summary in
            JSON.Member(
                "test_\(summary.figure.name)",
                [
                    "mean": JSON(summary.mean), "deviation": JSON(summary.deviation),
                    "folds": .array(summary.values.map { $0.map { JSON($0) } ?? .null }),
                ])
        }
        let head: [JSON.Member] = [.init("recipe", .string(recipe)), .init("device", .string("\(device)")), .init("folds", JSON(folds))]
        return Self.json("result", head + figures)
    }

    private static func table(_ result: CrossValidation) -> Table {
        var table = Table(
            "Over \(result.reports.count) folds", columns: ["", "mean", "deviation", "lowest", "highest"],
            rows: result.summaries.map { summary in
                let values = summary.values.compactMap { $0 }
                return [summary.figure.title]
                    + [summary.mean, summary.deviation, values.min() ?? .nan, values.max() ?? .nan].map { Quantity.fixed($0, 4) }
            })
        table.wordColumnCount = 1
        return table
    }
}

/// Stops a run where a signal came.
private struct InterruptedBySignals: RunObserver {
    typealias Event = RecipeEvent

    func isInterrupted() -> Bool { Interruption.isPending }
}
