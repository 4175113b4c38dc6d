import Soma
import SomaEstimators

/// A run that fits a model without a network to a table, at once, and tests it on the rows that are held out.
struct TableFit {
    let recipe: TableRecipe
    let kind: EstimatorKind
    let context: RecipeContext

    private var settings: Settings { context.settings }

    /// Until what was learnt is there to be written the run is never asked whether it is interrupted, so that a signal ends it then and there.
    func result() throws -> RecipeResult {
        let clock = ContinuousClock.now
        let parts = try TableParts(context.data, settings, seed: context.seed, fold: context.fold)
        for remark in parts.remarks { try context.report(.message(remark)) }
        let isWeighed = settings.has(TableRecipe.weights) && settings[TableRecipe.weights] == .balanced && parts.preparation.classNames != nil
        let fit = try FittedTable.fit(
            TableEstimator(kind: kind, settings: settings, seed: context.seed), parts.rows, classWeights: isWeighed ? parts.classWeights : nil)
        let fitted = (.now - clock) / .seconds(1)
        let evaluation = try fit.model.session(parts.preparation, on: context.device).evaluate(parts.heldOut, .quick)
        var result = RecipeResult()
        (result.epochs, result.seconds) = (1, fitted)
        result.isInterrupted = context.isInterrupted()
        if result.isInterrupted {
            try context.report(.interrupted("before the model was written"))
            return result
        }
        (result.test, result.checkpoint) = (evaluation.report, try write(fit.model, parts))
        let name = settings[TableRecipe.model].settingText
        try context.report(.message("\(name): \(fit.remark)"))
        for event in try TableExhibits(name: name, preparation: parts.preparation).events(fit, in: context.output) { try context.report(event) }
        return result
    }

    /// Writes `last.safetensors` and `best.safetensors`, which are the same: what is fitted at once has no better state.
    private func write(_ model: FittedTable, _ parts: TableParts) throws -> String? {
        guard let folder = context.output else { return nil }
        let metadata = SavedRun.metadata(recipe, context).merging(try parts.metadata(context)) { _, own in own }
        let paths = ["best", "last"].map { "\(folder)/\($0).safetensors" }
        for (path, isBest) in zip(paths, [true, false]) {
            try model.write(metadata: metadata, to: path)
            try context.report(.training(.checkpoint(path: path, isBest: isBest)))
        }
        return paths[1]
    }
}
