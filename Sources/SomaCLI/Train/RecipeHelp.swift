import Soma
import SomaZoo

/// What help tells of recipes.
enum RecipeHelp {
    /// A few words on each.
    static var list: String {
        Recipes.all.map { Prose.wrapped("\($0.name): \($0.summary)", indents: (2, 4), width: HelpWidth.ofLists) }.joined(separator: "\n")
    }

    /// Which recipes cannot be resumed.
    static var exceptions: String {
        "Recipes that keep no checkpoint and begin anew: "
            + Recipes.all.filter { !$0.keepsCheckpoints }.map(\.name).joined(separator: ", ") + "."
    }

    /// All about one: `soma train RECIPE --help`.
    static func page(_ recipe: any Recipe) -> String {
        var table = TextTable(["setting", "default", "what", "values"], [.left, .left, .left, .left])
        for setting in recipe.settings { table.add([setting.key, setting.defaultText, setting.help, setting.form]) }
        return Prose.page(
            """
            soma train \(recipe.name): \(recipe.summary)

            \(recipe.discussion)

            Data: \(text(recipe.data)). Epochs: \(recipe.defaultEpochs) unless --epochs says otherwise. \
            \(resumption(recipe))\(fitting(recipe))

            \(table.lines.map { " " + $0 }.joined(separator: "\n"))

            A setting is written behind the recipe, or as an option: soma train \(recipe.name)\(example(recipe))
            The options are those of soma train --help.
            """)
    }

    private static func resumption(_ recipe: any Recipe) -> String {
        recipe.keepsCheckpoints ? "" : "It keeps no checkpoint: a run that was interrupted begins anew."
    }

    private static func fitting(_ recipe: any Recipe) -> String {
        guard recipe.settings.contains(where: { $0.key == "warmup" }) else { return "" }
        return " On few samples batch and lr are smaller unless set, down to batches of 16, so that an epoch has 20 updates; the run has at least "
            + "400 updates, and the warm-up is an eighth of them at most."
    }

    /// The recipe whose help `arguments` ask for.
    static func recipe(askedFor arguments: [String]) -> (any Recipe)? {
        guard arguments.first == "train", !Set(arguments).isDisjoint(with: ["--help", "-h"]) else { return nil }
        return Recipes.all.first { arguments.contains($0.name) }
    }

    private static func example(_ recipe: any Recipe) -> String {
        recipe.settings.first.map { " \($0.key)=\($0.defaultText), or --\($0.key) \($0.defaultText)." } ?? ""
    }

    private static func text(_ data: DataNeed) -> String {
        switch data {
        case .embedded(let what): what
        case .folder(let what, _): "--data names a folder with \(what)"
        case .file(let what, let other): "--data names \(what); without it \(other)"
        case .either(let what, let other): "--data names a folder with \(what); without it \(other)"
        }
    }
}
