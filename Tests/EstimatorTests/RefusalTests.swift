import Soma
import Testing

@testable import SomaEstimators

/// Data that allow no model, and arrays that are none: one line each.
@Suite struct RefusalTests {
    private let rows = Matrix([[0, 1], [1, 0], [2, 2], [3, 1]])

    @Test func dataThatAllowNoModelAreRefused() {
        func tree(_ rows: Matrix, _ classes: [Int], _ weights: [Float]? = nil) -> String {
            refusal { try DecisionTreeClassifier().fit(rows, classes, weights: weights) }
        }
        #expect(tree(Matrix(rows: 0, columns: 2, values: []), []) == "there are no rows to fit a model to")
        #expect(tree(Matrix([[1, 2]]), [0]) == "there is one row to fit a model to; give two at least")
        #expect(tree(Matrix(rows: 2, columns: 0, values: []), [0, 1]) == "the rows to fit a model to have no columns")
        #expect(tree(rows, [0, 0, 0, 0]) == "all rows are of class 0; two classes at least can be told apart")
        #expect(tree(rows, [1, 1, 1, 1]) == "all rows are of class 1; two classes at least can be told apart")
        #expect(tree(rows, [0, 0, 2, 2]) == "no row is of class 1, although there is a class 2; number the classes that occur from 0")
        #expect(tree(rows, [0, -1, 1, 1]) == "the class of row 1 is -1; number classes from 0")
        #expect(tree(rows, [0, 1, 1, .max]).hasPrefix("class \(Int.max) is more than 4 rows can have"))
        #expect(tree(rows, [0, 0, 1, 1], [1, 1, -1, 1]) == "the weight of row 2 is -1.0, not 0 or more")
        #expect(tree(rows, [0, 0, 1, 1], [0, 0, 0, 0]) == "the weights of all rows are 0")
        let gap = Matrix([[0, 1], [1, .nan], [2, .infinity]])
        #expect(tree(gap, [0, 1, 1]) == "column 1 of row 1 is nan; fill in or leave out what is missing")
        #expect(refusal { try GradientBoostingClassifier().fit(gap, [0, 1, 1]) }.hasPrefix("column 1 of row 2 is inf"))
        #expect(refusal { try LinearRegression().fit(rows, [0, .nan, 1, 2]) } == "the target of row 1 is nan")
        #expect(refusal { try NeighboursClassifier(count: 5).fit(rows, [0, 0, 1, 1]) } == "5 neighbours were asked for of 4 rows; ask for fewer")
        #expect(refusal { try MultinomialNaiveBayes().fit(Matrix([[1], [-2]]), [0, 1]) } == "column 0 of row 1 is -2.0, and counts are not negative")
        #expect(refusal { try GaussianNaiveBayes(smoothing: 0).fit(rows, [0, 1, 2, 2]) }.hasPrefix("a column is constant within a class"))
        let vast = Matrix([[1e25], [2e25], [5e25], [6e25]])
        #expect(refusal { try GaussianNaiveBayes().fit(vast, [0, 0, 1, 1]) } == "the variance of a column within a class is beyond float32; scale the columns")
        let unweighted = refusal { try SupportVectorClassifier().fit(rows, [0, 0, 1, 1], weights: [1, 1, 0, 0]) }
        #expect(unweighted == "the weights of all rows of class 1 are 0")
    }

    /// Numbers whose squares single precision does not hold.
    @Test func vastNumbersAreToldApartOrRefused() throws {
        let vast = Matrix([[1e30, 0], [-1e30, 1], [3e30, 2], [1e30, 5]])
        let model = try NeighboursClassifier(count: 1).fit(vast, [0, 1, 2, 3])
        #expect(try model.predictions(for: Matrix([[1e30, 0.1], [-9e29, 0], [2.5e30, 0], [1e30, 4]])) == [0, 1, 2, 3])
        #expect(try DecisionTreeClassifier().fit(vast, [0, 1, 2, 3]).predictions(for: vast) == [0, 1, 2, 3])
        for kernel in [VectorKernel.radial(), .linear, .polynomial(degree: 3, gamma: .value(1))] {
            let message = refusal { try SupportVectorClassifier(kernel: kernel).fit(vast, [0, 0, 1, 1]) }
            #expect(message.hasPrefix("kernels of these rows are beyond what single precision holds"))
        }
        let high = VectorKernel.polynomial(degree: 40, gamma: .value(1))
        #expect(refusal { try SupportVectorRegressor(kernel: high).fit(rows, [0, 0, 1, 1]) }.hasPrefix("kernels of these rows"))
    }

    @Test func rowsThatAreNoNumbersAreRefused() throws {
        let model = try DecisionTreeClassifier().fit(rows, [0, 0, 1, 1])
        #expect(refusal { try model.predictions(for: Matrix([[1, .nan]])) } == "column 1 of row 0 is nan; fill in or leave out what is missing")
        #expect(try model.predictions(for: Matrix(rows: 0, columns: 2, values: [])) == [])
    }

    /// A class of one row is learnt like any other.
    @Test func classesOfOneRowAreLearnt() throws {
        let classes = [0, 1, 2, 2]
        let boosting = GradientBoostingClassifier()
        #expect(try DecisionTreeClassifier().fit(rows, classes).predictions(for: rows) == classes)
        #expect(try NeighboursClassifier(count: 1).fit(rows, classes).predictions(for: rows) == classes)
        #expect(try SupportVectorClassifier(c: 100, fitsProbabilities: true).fit(rows, classes).predictions(for: rows) == classes)
        #expect(try LogisticRegression(c: 100).fit(rows, classes).classCount == 3)
        #expect(try boosting.fit(rows, classes).probabilities(for: rows).values.allSatisfy { (0...1).contains($0) })
        #expect(try GaussianNaiveBayes().fit(rows, classes).classCount == 3)
        #expect(try RandomForestClassifier(trees: 5).fit(rows, classes).classCount == 3)
    }

    /// Every array of a tree made wrong in turn.
    @Test func arraysThatAreNoTreeAreRefused() throws {
        let (measures, species) = TestData.penguins
        let model = try RandomForestClassifier(trees: 2, options: TreeOptions(maxDepth: 3)).fit(measures, species)
        let arrays = model.namedArrays
        #expect(try TreeClassifierModel(namedArrays: arrays) == model)
        func refused(_ name: String, _ change: (inout [Int32]) -> Void) -> String {
            var changed = arrays
            guard case .int32(var values)? = arrays[name]?.values else { return "no int32" }
            change(&values)
            changed[name] = NamedArray(shape: [values.count], values)
            return refusal { try TreeClassifierModel(namedArrays: changed) }
        }
        for name in arrays.keys where name != "outOfBag" {
            var without = arrays
            without[name] = nil
            #expect(refusal { try TreeClassifierModel(namedArrays: without) }.hasSuffix("there is no array '\(name)'"))
        }
        #expect(refused("feature") { $0[0] = 4 }.contains("'feature' holds 4"))
        #expect(refused("feature") { $0[0] = -2 }.contains("'feature' holds -2"))
        // A node that is its own child, one before it, one beyond the end, and two with one child.
        #expect(refused("right") { $0[0] = 0 }.contains("a right child of node 0 is node 0"))
        #expect(refused("right") { $0[1] = 1 }.contains("a right child of node 1 is node 1"))
        #expect(refused("right") { $0[0] = 1000 }.contains("a right child of node 0 is node 1000"))
        #expect(refused("right") { $0[0] += 1 }.hasPrefix("this is no model of kind 'trees of classes'"))
        #expect(refused("feature") { $0[$0.count - 1] = 0 }.hasPrefix("this is no model"))
        #expect(refused("starts") { $0[1] = 0 }.contains("'starts'"))
        #expect(refused("starts") { $0[1] = 100_000 }.contains("'starts'"))
        #expect(refused("samples") { $0.removeLast() }.contains("differ in length"))
        var infinite = arrays
        infinite["threshold"] = NamedArray(shape: [model.nodeCount], [Float](repeating: .nan, count: model.nodeCount))
        #expect(refusal { try TreeClassifierModel(namedArrays: infinite) }.contains("not finite"))
        var vast = arrays
        vast["values"] = NamedArray(shape: [1 << 40, 1 << 40], [Float]())
        #expect(refusal { try TreeClassifierModel(namedArrays: vast) }.contains("has the shape"))
    }

    @Test func arraysOfOtherModelsAreRefused() throws {
        let model = try SupportVectorClassifier().fit(rows, [0, 0, 1, 1])
        for (name, array) in [
            ("kernel", NamedArray(shape: [1], [3] as [Int32])), ("degree", NamedArray(shape: [1], [0] as [Int32])),
            ("classes", NamedArray(shape: [1], [3] as [Int32])),
            ("sigmoids", NamedArray(shape: [1], [1] as [Float])), ("centre", NamedArray(shape: [1], [1] as [Float])),
        ] {
            var arrays = model.namedArrays
            arrays[name] = array
            #expect(refusal { try SupportVectorClassifierModel(namedArrays: arrays) }.hasPrefix("this is no model of kind"), "\(name)")
        }
        var neighbours = try NeighboursClassifier(count: 2).fit(rows, [0, 0, 1, 1]).namedArrays
        neighbours["count"] = NamedArray(shape: [1], [5] as [Int32])
        #expect(refusal { try NeighboursClassifierModel(namedArrays: neighbours) }.contains("'count' holds 5, which is not in 1...4"))
        #expect(refusal { try LinearModel(namedArrays: model.namedArrays) }.contains("there is no array 'intercept'"))
        var bayes = try GaussianNaiveBayes().fit(rows, [0, 0, 1, 1]).namedArrays
        bayes["variances"] = NamedArray(shape: [2, 2], [1, 1, 0, 1] as [Float])
        #expect(refusal { try GaussianNaiveBayesModel(namedArrays: bayes) }.contains("not above 0"))
    }
}
