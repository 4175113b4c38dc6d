import Soma
import SomaZoo

struct Losses: RunObserver {
    func note(_ event: RecipeEvent) {
        if case .training(.epoch(let summary)) = event { print("epoch \(summary.epoch + 1): loss", summary.loss) }
    }
}

@main struct Example {
    static func main() throws {
        let recipe = DigitsRecipe()
        var context = RecipeContext(recipe, seed: 1)
        context.epochs = 5
        context.settings = try Settings(recipe, arguments: ["hidden=48"])
        context.observer = Losses()
        let result = try recipe.run(context)
        print("accuracy", result.test["accuracy"] ?? 0, "on \(context.device)")
    }
}
