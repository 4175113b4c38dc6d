import SomaZoo

/// Settings of a recipe written as options: `--image-size 64` for `image-size=64`, `--strict` for `strict=yes`.
enum SettingOptions {
    /// The commands that take settings of a recipe, each with those of its own options that have the name of some recipe's setting.
    private static let commands = ["train": [], "cross-validate": ["--folds"], "profile": [], "explain-graph": []]

    /// The words of a command with such options as settings. Which there are the recipe decides that is named among the words.
    /// - Throws: `UsageError` where an option has no value.
    static func rewritten(_ words: [String]) throws -> [String] {
        guard let command = words.first, let own = commands[command],
            let recipe = words.lazy.compactMap({ word in Recipes.all.first { $0.name == word } }).first
        else { return words }
        var result: [String] = []
        var rest = words[...]
        while let word = rest.popFirst() {
            let (name, value) = word.parts(atFirst: "=").map { ($0.before, $0.behind) } ?? (word, nil)
            guard name.hasPrefix("--"), !own.contains(name), let setting = recipe.settings.first(where: { "--\($0.key)".isExactly(name) }) else {
                if !own.contains(name) { try refuseSettingOfAnotherRecipe(name, recipe) }
                result.append(word)
                continue
            }
            if let value {
                result.append("\(setting.key)=\(value)")
            } else if setting.isSwitch {
                result.append("\(setting.key)=yes")
            } else if let value = rest.popFirst() {
                result.append("\(setting.key)=\(value)")
            } else {
                throw UsageError("nothing stands behind \(name): it takes \(setting.form)")
            }
        }
        return result
    }

    private static func refuseSettingOfAnotherRecipe(_ name: String, _ recipe: any Recipe) throws {
        let others = Recipes.all.flatMap { $0.settings.map(\.key) }
        guard let key = others.first(where: { "--\($0)".isExactly(name) }) else { return }
        throw UsageError(unknown: "setting of \(recipe.name)", key, among: recipe.settings.map(\.key))
    }
}

extension AnySetting {
    /// Whether it is on or off.
    fileprivate var isSwitch: Bool { form == Bool.form }
}
