import Soma
import SomaZoo

extension RunPlan {
    /// Trains, and anew where the run ends, until that is asked for; nothing is written.
    /// - Parameter isEnough: asked after every training step.
    /// - Throws: what the recipe throws; `SomaError` where it makes no training step.
    func trainSteps(on device: Device, until isEnough: @escaping () -> Bool) throws {
        let steps = StepCount(isEnough)
        var context = RecipeContext(recipe, device: device, seed: seed)
        // A run that does not end shows training steps and no more; some, such as a perceptron's, do end.
        (context.settings, context.data, context.epochs) = (settings, data, Recipes.epochs.upperBound)
        context.observer = steps
        while !steps.isOver {
            let before = steps.count
            _ = try recipe.run(context)
            if steps.count == before { throw SomaError("\(recipe.name) makes no training step") }
        }
    }
}

/// Counts training steps until there are enough.
private final class StepCount: RunObserver {
    typealias Event = RecipeEvent

    private(set) var count = 0
    private(set) var isOver = false
    private let isEnough: () -> Bool

    init(_ isEnough: @escaping () -> Bool) { self.isEnough = isEnough }

    func isInterrupted() -> Bool {
        count += 1
        isOver = isEnough()
        return isOver
    }
}
