import Soma
import Testing

@testable import SomaEstimators

/// Linear, ridge and logistic regression and naive Bayes against scikit-learn.
@Suite struct LinearTests {
    private let measures = TestData.penguins.measures
    private let species = TestData.penguins.species
    /// Measures of about 1 to 5.
    private var scaled: Matrix {
        Matrix((0..<measures.rows).map { row in zip(measures[row], [10, 10, 100, 1000] as [Double]).map { Float(Double($0) / $1) } })
    }

    private func parameters(_ model: LinearModel) -> [Float] { (model.coefficients + [model.intercept]).map { Float($0) } }

    @Test func leastSquaresAreThoseOfScikitLearn() throws {
        let answers = Answers.part("linear")
        let rows = measures.firstColumns(3)
        #expect(difference(parameters(try LinearRegression().fit(rows, TestData.masses)), answers.doubles("linear"), 1e-6) == nil)
        let weights = Array(TestData.weights.prefix(rows.rows))
        let ridge = try LinearRegression(l2: 50).fit(rows, TestData.masses, weights: weights)
        #expect(difference(parameters(ridge), answers.doubles("ridge"), 1e-6) == nil)
        // Of 64 pixels some are always 0.
        let digits = try LinearRegression(l2: 3).fit(TestData.pixels, TestData.digits.map { Float($0) })
        #expect(difference(parameters(digits), answers.doubles("digits"), 1e-6) == nil)
        #expect(try reread(digits) == digits)
    }

    /// A column that repeats another gets nothing, and predictions are those without it.
    @Test func columnsThatRepeatOthersGetNothing() throws {
        let rows = Matrix((0..<50).map { [Float($0), 2 * Float($0) + 1, Float($0 % 7), 4] })
        let targets = (0..<50).map { 3 * Float($0) - Float($0 % 7) + 2 }
        let model = try LinearRegression().fit(rows, targets)
        #expect(model.coefficients[1] == 0 && model.coefficients[3] == 0)
        #expect(difference(try model.predictions(for: rows), targets.map(Double.init), 1e-5) == nil)
    }

    /// Numbers far from 0 with small differences: predictions are the targets, also of a model that was written and read, and of rows far from 0.
    @Test func numbersFarFromZeroKeepTheirDifferences() throws {
        let near = Matrix((0..<10).map { [3 * Float($0), Float($0 % 3)] })
        let far = Matrix((0..<10).map { [1e6 + 3 * Float($0), Float($0 % 3)] })
        let large = (0..<10).map { 1e7 + Float($0) }, small = (0..<10).map { 0.25 * Float($0) + 0.5 * Float($0 % 3) }
        for estimator in [LinearRegression(), LinearRegression(l2: 1e-9)] {
            for (rows, targets) in [(near, large), (far, large), (far, small)] {
                let model = try estimator.fit(rows, targets)
                #expect(difference(try model.predictions(for: rows), targets.map(Double.init), 1e-5) == nil)
                #expect(try model.predictions(for: rows).elementsEqual(targets) || targets == small)
                #expect(try reread(model) == model)
            }
            #expect(abs(try estimator.fit(far, large).intercept - (1e7 - 1e6 / 3)) < 1e-4)
        }
        func probabilities(_ rows: Matrix) throws -> [Float] {
            try LogisticRegression(c: 1e4).fit(rows, (0..<10).map { $0 / 5 }).probabilities(for: rows).values
        }
        #expect(difference(try probabilities(far), try probabilities(near).map(Double.init), 1e-4) == nil)
    }

    /// Models of earlier versions were written in single precision.
    @Test func modelsInSinglePrecisionAreRead() throws {
        let line = try LinearModel(namedArrays: ["intercept": NamedArray([0.5] as [Float]), "coefficients": NamedArray([2, -1] as [Float])])
        #expect(line.intercept == 0.5 && line.coefficients == [2, -1])
        let arrays = ["parameters": NamedArray(shape: [1, 2], [0.25, -2] as [Float]), "didConverge": NamedArray([1] as [Int32])]
        #expect(try LogisticModel(namedArrays: arrays).parameters.values == [0.25, -2])
    }

    @Test func logisticRegressionIsThatOfScikitLearn() throws {
        let answers = Answers.part("logistic")
        let three = try LogisticRegression(c: 2, tolerance: 1e-10).fit(scaled, species)
        #expect(difference(three.parameters.values, answers.doubles("species"), 1e-4) == nil)
        let weights = Array(TestData.weights.prefix(species.count))
        let two = try LogisticRegression(c: 0.5, tolerance: 1e-10).fit(scaled, species.map { $0 == 2 ? 1 : 0 }, weights: weights)
        #expect(difference(two.parameters.values, answers.doubles("gentoo"), 1e-4) == nil)
        let pixels = TestData.pixels.firstRows(1000)
        let ten = try LogisticRegression(c: 0.01, tolerance: 1e-8).fit(pixels, Array(TestData.digits.prefix(1000)))
        #expect(ten.didConverge)
        let probe = TestData.pixels.selecting(Array(1700..<1720))
        #expect(difference(try ten.probabilities(for: probe).values, answers.doubles("digits"), 1e-4) == nil)
        #expect(try reread(ten) == ten)
        #expect(try isSameOnThreads { try LogisticRegression().fit(pixels, Array(TestData.digits.prefix(1000))) })
    }

    @Test func naiveBayesIsThatOfScikitLearn() throws {
        let answers = Answers.part("bayes")
        let gauss = try GaussianNaiveBayes().fit(measures, species, weights: Array(TestData.weights.prefix(species.count)))
        let seventh = measures.selecting(Array(stride(from: 0, to: measures.rows, by: 7)))
        #expect(difference(try gauss.probabilities(for: seventh).values, answers.doubles("gaussian"), 1e-5) == nil)
        let counts = try MultinomialNaiveBayes(smoothing: 0.5).fit(TestData.pixels.firstRows(1000), Array(TestData.digits.prefix(1000)))
        let probe = TestData.pixels.selecting(Array(1700..<1720))
        let logarithms = answers.doubles("multinomial")
        let found = try counts.probabilities(for: probe).values
        // Where a probability is one that single precision holds.
        #expect(logarithms.count == found.count)
        for (value, logarithm) in zip(found, logarithms) where logarithm > -80 { #expect(abs(logarithmOf(Double(value)) - logarithm) < 1e-3) }
        #expect(try reread(counts) == counts && reread(gauss) == gauss)
    }
}
