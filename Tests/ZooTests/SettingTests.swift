import SomaZoo
import Testing

@Suite struct SettingTests {
    private let recipe = MNISTRecipe()

    private func text(_ key: String, _ arguments: String...) throws -> String? {
        try Settings(recipe, arguments: arguments).texts.first { $0.key == key }?.value
    }

    /// The message of the `UsageError` for wrong arguments.
    private func message(_ arguments: String..., sourceLocation: SourceLocation = #_sourceLocation) -> String {
        do {
            _ = try Settings(recipe, arguments: arguments)
            Issue.record("nothing was thrown", sourceLocation: sourceLocation)
        } catch let error as UsageError {
            return error.description
        } catch { Issue.record("\(error) is no UsageError", sourceLocation: sourceLocation) }
        return ""
    }

    @Test func readsValues() throws {
        #expect(try text("hidden", "hidden=16,16") == "16,16")
        #expect(try text("hidden", "hidden=") == "none" && text("hidden", "hidden=None") == "none")
        #expect(try text("lr", "lr=1e-3") == "0.001")
        #expect(try text("activation", "activation=SIGMOID") == "sigmoid")
        #expect(try text("batch") == "128")
        #expect(try text("batch", "hidden=1", "batch=7") == "7")
    }

    @Test func keepsTheOrderOfTheRecipe() throws {
        #expect(try Settings(recipe, arguments: ["lr=1", "hidden=3"]).texts.map(\.key) == recipe.settings.map(\.key))
    }

    @Test func namesWhatIsWrong() {
        #expect(message("batch=0") == "batch=0: batch must be from 1 to 1000000")
        #expect(message("batch=x") == "batch=x: batch is a whole number")
        #expect(message("batch=9999999999999999999999").contains("a whole number"))
        #expect(message("lr=nan").contains("a number"))
        #expect(message("lr=-1").contains("from 0 to 100"))
        #expect(message("hidden=16,,16").contains("whole number or several"))
        #expect(message("hidden=0").contains("each from 1"))
        #expect(message("activation=rleu").contains("one of relu, sigmoid"))
        #expect(message("batch").contains("no key=value"))
        #expect(message("batch=1", "batch=2") == "batch is set twice")
    }

    @Test func suggestsTheNearestName() {
        #expect(message("bacth=3") == "there is no setting of mnist-mlp 'bacth'; did you mean batch?")
        #expect(message("dropuot=0.1").contains("did you mean dropout?"))
        #expect(message("qqqqqqqqq=1").contains("there are hidden, activation"))
    }

    @Test func findsRecipesByName() throws {
        for recipe in Recipes.all { #expect(try Recipes.named(recipe.name).name == recipe.name) }
        #expect(throws: UsageError("there is no recipe 'digit'; did you mean digits?")) { try Recipes.named("digit") }
        #expect(throws: UsageError("there is no recipe 'mnist'; did you mean mnist-mlp?")) { try Recipes.named("mnist") }
        #expect(throws: UsageError.self) { try Recipes.named("") }
    }

    @Test func everyRecipeIsDescribed() throws {
        #expect(Set(Recipes.all.map(\.name)).count == Recipes.all.count)
        for recipe in Recipes.all {
            #expect(!recipe.summary.isEmpty && !recipe.discussion.isEmpty && recipe.defaultEpochs > 0)
            #expect(Set(recipe.settings.map(\.key)).count == recipe.settings.count)
            for setting in recipe.settings {
                #expect(try setting.normalized(setting.defaultText) == setting.defaultText)
                #expect(!setting.help.isEmpty && !setting.form.isEmpty)
            }
        }
    }
}
