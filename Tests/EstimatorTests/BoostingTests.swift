import Soma
import Testing

@testable import SomaEstimators

/// Boosted trees against scikit-learn's, which choose the same bins for the few numbers of these columns.
@Suite(.serialized) struct BoostingTests {
    private var options: BoostingOptions {
        var options = BoostingOptions()
        (options.rounds, options.minRowsInLeaf, options.maxLeaves) = (30, 10, 8)
        return options
    }

    private var withGaps: Matrix {
        let measures = TestData.penguins.measures
        return Matrix(
            (0..<measures.rows).map { row in
                var numbers = Array(measures[row])
                if row % 7 == 0 { numbers[row % 3] = .nan }
                return numbers
            })
    }

    @Test func predictionsAreThoseOfScikitLearn() throws {
        let answers = Answers.part("boosting")
        let (rows, species) = (withGaps, TestData.penguins.species)
        var penalized = options
        penalized.l2 = 2
        let mass = try GradientBoostingRegressor(penalized).fit(rows.firstColumns(3), TestData.masses)
        #expect(difference(try mass.predictions(for: rows.firstColumns(3)), answers.doubles("mass"), 1e-5) == nil)
        let weights = Array(TestData.weights.prefix(rows.rows))
        let adelie = try GradientBoostingClassifier(options).fit(rows, species.map { $0 == 0 ? 1 : 0 }, weights: weights)
        let probabilities = try adelie.probabilities(for: rows)
        #expect(difference((0..<rows.rows).map { probabilities[$0, 1] }, answers.doubles("adelie"), 1e-4) == nil)
        let kinds = try GradientBoostingClassifier(options).fit(rows, species)
        let seventh = rows.selecting(Array(stride(from: 0, to: rows.rows, by: 7)))
        #expect(difference(try kinds.probabilities(for: seventh).values, answers.doubles("species"), 1e-4) == nil)
        #expect(try reread(kinds) == kinds && reread(mass) == mass)
    }

    /// Of numbers beyond 255 the bins are quantiles; what is learnt is near the function all the same.
    @Test func manyNumbersAreCutIntoQuantiles() throws {
        var generator = Philox(seed: 8)
        let rows = Matrix((0..<4000).map { _ in [generator.uniform(), generator.uniform()] })
        let targets = (0..<rows.rows).map { 3 * rows[$0, 0] + (rows[$0, 1] > 0.5 ? 1 : 0) }
        let model = try GradientBoostingRegressor().fit(rows, targets)
        #expect(try #require(try model.explainedVariance(on: rows, targets)) > 0.995)
        #expect(model.featureImportances[0] > model.featureImportances[1] && model.featureImportances[1] > 0.05)
        #expect(try isSameOnThreads { try GradientBoostingRegressor(options).fit(rows, targets) })
    }

    /// Whether a number is missing is all that decides.
    @Test func missingNumbersGoALearntWay() throws {
        let rows = Matrix((0..<200).map { [$0 % 4 == 0 ? .nan : Float($0 % 10)] })
        let classes = (0..<200).map { $0 % 4 == 0 ? 1 : 0 }
        let model = try GradientBoostingClassifier(options).fit(rows, classes)
        #expect(try model.predictions(for: Matrix([[.nan], [0], [3], [9]])) == [1, 0, 0, 0])
        #expect(try reread(model).predictions(for: Matrix([[.nan], [5]])) == [1, 0])
    }

    @Test func roundsAfterTheBestAreDropped() throws {
        var generator = Philox(seed: 2)
        let rows = Matrix((0..<600).map { _ in [generator.uniform(), generator.uniform()] })
        let targets = (0..<600).map { rows[$0, 0] + generator.normalPair().0 }
        var stopping = BoostingOptions()
        (stopping.rounds, stopping.earlyStopping) = (400, .init(share: 0.25, patience: 8))
        let model = try GradientBoostingRegressor(stopping).fit(rows, targets)
        #expect(model.rounds > 0 && model.rounds < 100)
        #expect(abs(model.featureImportances.reduce(0, +) - 1) < 1e-5)
        #expect(try reread(model).predictions(for: rows) == model.predictions(for: rows))
    }
}
