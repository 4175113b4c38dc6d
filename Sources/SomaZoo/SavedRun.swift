import Soma

/// What a checkpoint says of the run that wrote it.
public struct SavedRun: Sendable {
    /// The recipe by the name in the checkpoint.
    public let recipe: any Recipe
    /// The settings of the run, its defaults included.
    public let settings: Settings
    /// The seed of the run.
    public let seed: UInt64
    /// The epochs that the run was to have.
    public let epochs: Int

    private static let (recipeKey, seedKey, epochsKey, settingPrefix) = ("recipe", "seed", "epochs", "setting.")

    /// Reads the recipe, the settings, the seed and the epochs from the metadata.
    /// - Throws: `SomaError` where the checkpoint is of no recipe of this program, or of settings that it does not
    ///   have.
    public init(_ checkpoint: Checkpoint) throws {
        func value(_ key: String) throws -> String {
            if let value = checkpoint.metadata[key] { return value }
            throw SomaError("\(checkpoint.path) does not say its \(key)", hint: "it was not written by soma train")
        }
        func number<Number: LosslessStringConvertible & Comparable>(
            _ key: String, in range: ClosedRange<Number>
        ) throws -> Number {
            if let number = Number(try value(key)), range.contains(number) { return number }
            throw SomaError("\(checkpoint.path) is broken: its '\(key)' cannot be '\(try value(key))'")
        }
        seed = try number(Self.seedKey, in: 0...UInt64.max)
        epochs = try number(Self.epochsKey, in: Recipes.epochs)
        do {
            recipe = try Recipes.named(try value(Self.recipeKey))
            let arguments = checkpoint.metadata.filter { $0.key.beginsExactly(with: Self.settingPrefix) }.map { key, value in
                "\(String(decoding: key.utf8.dropFirst(Self.settingPrefix.utf8.count), as: UTF8.self))=\(value)"
            }
            var settings = try Settings(recipe, arguments: arguments.sorted())
            settings.assume(recipe.earlierSettings)
            self.settings = settings
        } catch let error as UsageError {
            throw SomaError("\(checkpoint.path) was written by another version: \(error)")
        }
    }

    /// What a run writes into its checkpoints.
    static func metadata(_ recipe: any Recipe, _ context: RecipeContext) -> [String: String] {
        var result = [recipeKey: recipe.name, seedKey: String(context.seed), epochsKey: String(context.epochs)]
        for (key, value) in context.settings.texts { result[settingPrefix + key] = value }
        return result.merging(Arithmetic(of: context.device).metadata) { own, _ in own }
    }
}
