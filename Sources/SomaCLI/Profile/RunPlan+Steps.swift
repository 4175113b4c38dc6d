import Soma
import SomaZoo

extension RunPlan {
    /// Trains, and anew where the run ends, until that is asked for; nothing is written.
    /// - Parameter isEnough: asked after every training step.
    /// - Throws: what the recipe throws; `SomaError` where it makes no training step.
    func trainSteps(on device: Device, until isEnough: @escaping () -> Bool) throws {
        var (count, isOver) = (0, false)
        var context = RecipeContext(recipe, device: device, seed: seed)
        // A run that does not end shows training steps and no more; some, such as a perceptron's, do end.
        (context.settings, context.data, context.epochs) = (settings, data, Recipes.epochs.upperBound)
        context.isInterrupted = {
            count += 1
            isOver = isEnough()
            return isOver
        }
        while !isOver {
            let before = count
            _ = try recipe.run(context)
            if count == before { throw SomaError("\(recipe.name) makes no training step") }
        }
    }
}
