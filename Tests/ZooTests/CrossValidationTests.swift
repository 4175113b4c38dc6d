import Soma
import SomaReference
import Testing

@testable import SomaZoo

extension OnTheCPU {
    @Suite struct CrossValidationTests {
        private func context(_ recipe: any Recipe, _ settings: [String] = [], epochs: Int = 3) throws -> RecipeContext {
            var context = RecipeContext(recipe, device: try .named("cpu"), seed: 5)
            context.settings = try Settings(recipe, arguments: settings)
            context.epochs = epochs
            return context
        }

        /// Every row is held out of one fold, which neither trains on it nor scales by it.
        @Test func eachRowIsHeldOutOnce() throws {
            func folds(_ words: String...) throws -> [TableParts] {
                let settings = try Settings(TableRecipe(), arguments: words)
                return try (0..<4).map { try TableParts(nil, settings, seed: 1, fold: Fold($0, of: 4)) }
            }
            let (single, folds) = (try folds("members=1"), try folds())
            #expect(single.allSatisfy { $0.training.count + $0.validation.count + $0.heldOut.count == 344 })
            #expect(folds.flatMap(\.heldOut.rows).sorted() == Array(0..<344))
            for fold in folds {
                // Of several networks each is validated on a part of the rows, all of which are trained on.
                #expect(fold.training.count == fold.validation.count && fold.training.count + fold.heldOut.count == 344)
                let shares = (0..<3).map { species in Double(fold.heldOut.labels.count { $0 == Int32(species) }) }
                #expect(zip(shares, [152, 68, 124]).allSatisfy { abs($0 - $1 / 4) <= 1 }, "\(shares)")
            }
            #expect(Set(folds.map(\.preparation.json)).count == 4)
        }

        /// The figures of a fold are those of a run that holds out the same rows.
        @Test func figuresOfEachFold() throws {
            let recipe = TableRecipe()
            var told: [Int] = []
            let result = try CrossValidation(recipe, context(recipe), folds: 3) { number, _ in told.append(number) }
            #expect(told == [0, 1, 2] && Set(result.reports).count == 3)
            let folder = try TemporaryFolder()
            var second = try context(recipe)
            (second.fold, second.output) = (Fold(1, of: 3), folder.path)
            #expect(try recipe.run(second).test == result.reports[1])
            let accuracy = try #require(result.summaries.first { $0.figure.name == "accuracy" })
            let values = try accuracy.values.map { try #require($0) }
            let mean = values.reduce(0, +) / 3
            #expect(values == result.reports.map { $0.value(of: "accuracy") } && abs(accuracy.mean - mean) < 1e-12)
            let variance = values.map { ($0 - mean) * ($0 - mean) }.reduce(0, +) / 2
            #expect(abs(accuracy.deviation - variance.squareRoot()) < 1e-12)
        }

        @Test func whatCannotBeDealt() throws {
            let (table, digits) = (TableRecipe(), DigitsRecipe())
            #expect { _ = try CrossValidation(digits, context(digits), folds: 3) } throws: { $0 is UsageError && "\($0)".contains("digits") }
            #expect { _ = try CrossValidation(table, context(table), folds: 345) } throws: {
                "\($0)".contains("344 rows cannot be dealt to 345 folds")
            }
            #expect { _ = try CrossValidation(table, context(table, ["held-out=0.2"]), folds: 3) } throws: { "\($0)".contains("held-out=") }
            var stopped = try context(table)
            stopped.observer = StopsAtOnce()
            #expect { _ = try CrossValidation(table, stopped, folds: 3) } throws: { "\($0)".contains("interrupted in fold 1 of 3") }
        }

        @Test func aFigureThatSomeFoldsLack() {
            let figure = Figure("auc", 1, better: .higher)
            let summary = CrossValidation.Summary(figure, [1, nil, 3])
            #expect(summary.mean == 2 && abs(summary.deviation - 2.0.squareRoot()) < 1e-12)
            #expect(CrossValidation.Summary(figure, [1]).deviation == 0)
        }
    }
}

private struct StopsAtOnce: RunObserver {
    typealias Event = RecipeEvent

    func isInterrupted() -> Bool { true }
}
