import Soma
import SomaZoo
import Testing

/// Defaults that follow the size of the data.
@Suite struct FittingTests {
    /// Settings by key, and the epochs.
    private func fitted(_ recipe: any Recipe, _ arguments: String..., epochs: Int? = nil, data: String? = nil) throws -> [String: String] {
        var context = RecipeContext(recipe, device: interpreter())
        context.settings = try Settings(recipe, arguments: arguments)
        if let epochs { context.epochs = epochs }
        context.data = data
        let fitted = try recipe.fitted(context)
        func texts(_ context: RecipeContext) -> [String: String] {
            Dictionary(uniqueKeysWithValues: context.settings.texts.map { ($0.key, $0.value) } + [("epochs", "\(context.epochs)")])
        }
        #expect(try texts(recipe.fitted(fitted)) == texts(fitted), "what is fitted stays so")
        return texts(fitted)
    }

    private func expect(_ settings: [String: String], _ expected: [String: String], sourceLocation: SourceLocation = #_sourceLocation) {
        for (key, value) in expected { #expect(settings[key] == value, "\(key)", sourceLocation: sourceLocation) }
    }

    @Test func theUsualDataHaveTheUsualDefaults() throws {
        expect(try fitted(DigitsRecipe()), ["batch": "32", "lr": "0.004", "warmup": "50", "epochs": "20"])
        expect(try fitted(ResNet20Recipe()), ["batch": "64", "lr": "0.1", "warmup": "50", "epochs": "20", "channels": "1"])
    }

    @Test func fewPicturesAreSmallerBatchesAndMoreEpochs() throws {
        let some = try PictureFolder(classes: 4, count: 90)
        expect(try fitted(ResNet20Recipe(), data: some.path), ["batch": "16", "lr": "0.025", "warmup": "50", "epochs": "20", "channels": "3"])
        expect(try fitted(AlexNetRecipe(), data: some.path), ["batch": "16", "lr": "0.00125", "warmup": "100", "epochs": "90"])
        let few = try PictureFolder(classes: 3, count: 10)
        expect(try fitted(ResNet20Recipe(), data: few.path), ["batch": "16", "lr": "0.025", "warmup": "50", "epochs": "200"])
        expect(try fitted(ResNet20Recipe(), "accumulate=4", data: few.path), ["batch": "16", "warmup": "50", "epochs": "400"])
    }

    @Test func whatIsChosenStays() throws {
        let few = try PictureFolder(classes: 3, count: 10)
        expect(try fitted(ResNet20Recipe(), "batch=64", data: few.path), ["batch": "64", "lr": "0.1", "epochs": "400"])
        expect(try fitted(ResNet20Recipe(), "lr=0.1", "warmup=3", epochs: 2, data: few.path), ["batch": "16", "lr": "0.1", "warmup": "3", "epochs": "2"])
        expect(try fitted(DigitsRecipe(), epochs: 1), ["warmup": "5", "batch": "32"])
        expect(try fitted(DigitsRecipe(), "warmup=50", epochs: 1), ["warmup": "50"])
    }

    /// Adam divides gradients by their size, so that its rate goes with the root of the batch's.
    @Test func theRateFollowsTheRule() throws {
        let some = try PictureFolder(classes: 4, count: 90)
        expect(try fitted(ResNet20Recipe(), "optimizer=adam", "image-size=8", data: some.path), ["batch": "16", "lr": "0.05"])
    }

    @Test func settingsOfFoldersAreRefusedWithoutOne() {
        for setting in ["channels=3", "augment=shift,flip", "held-out=0.2", "strict=yes"] {
            #expect { try fitted(ResNet20Recipe(), setting) } throws: { "\($0)".contains(setting) && "\($0)".contains("--data") }
        }
        #expect(throws: Never.self) { try fitted(ResNet20Recipe(), "channels=1", "augment=none") }
    }
}
