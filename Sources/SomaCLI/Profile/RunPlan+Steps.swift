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

    /// The seconds that `count` training steps take where nobody watches; `nil` where it was interrupted.
    /// - Parameter warmUp: steps before.
    func secondsUnwatched(on device: Device, warmUp: Int, count: Int) throws -> Double? {
        var (made, start, seconds): (Int, ContinuousClock.Instant, Double?) = (0, .now, nil)
        var failure: (any Error)?
        try trainSteps(on: device) {
            made += 1
            do {
                if made == warmUp || made == warmUp + count { try device.synchronize() }
            } catch { failure = error }
            if made == warmUp { start = .now }
            if made == warmUp + count { seconds = (.now - start) / .seconds(1) }
            return Interruption.isPending || seconds != nil || failure != nil
        }
        if let failure { throw failure }
        return seconds
    }
}
