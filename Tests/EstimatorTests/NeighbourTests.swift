import Soma
import Testing

@testable import SomaEstimators

/// Nearest neighbours against scikit-learn, and against a plain search.
@Suite(.serialized) struct NeighbourTests {
    @Test func neighboursAreThoseOfScikitLearn() throws {
        let answers = Answers.part("neighbours")
        let train = TestData.pixels.firstRows(1200), digits = Array(TestData.digits.prefix(1200))
        let probe = TestData.pixels.selecting(answers.integers("rows"))
        let model = try NeighboursClassifier(count: 7).fit(train, digits)
        let (indices, distances) = try model.neighbours(of: probe)
        #expect(indices.map { Int($0) } == answers.integers("indices"))
        #expect(difference(distances, answers.doubles("distances"), 1e-6) == nil)
        #expect(difference(try model.probabilities(for: probe).values, answers.doubles("uniform"), 1e-6) == nil)
        let inverse = try NeighboursClassifier(count: 7, weighting: .inverseDistance).fit(train, digits)
        #expect(difference(try inverse.probabilities(for: probe).values, answers.doubles("inverse"), 1e-6) == nil)
        #expect(try reread(inverse) == inverse)
    }

    /// Far from the origin single precision loses the distances; those that are told are exact, and ties go to the lower row.
    @Test func rowsFarFromTheOriginAreToldApart() throws {
        var generator = Philox(seed: 4)
        let rows = (0..<300).map { _ in (0..<3).map { _ in 100_000 + Float(generator.integer(below: 12)) } }
        let model = try NeighboursRegressor(count: 6).fit(Matrix(rows), rows.map { $0[0] })
        let probe = Array(rows.prefix(40))
        let (indices, _) = try model.neighbours(of: Matrix(probe))
        for (place, point) in probe.enumerated() {
            let distances = rows.map { row in zip(row, point).reduce(0) { $0 + (Double($1.0) - Double($1.1)) * (Double($1.0) - Double($1.1)) } }
            let expected = rows.indices.sorted { (distances[$0], $0) < (distances[$1], $1) }.prefix(6)
            #expect(indices[place * 6..<(place + 1) * 6].map { Int($0) } == Array(expected))
        }
        #expect(try isSameOnThreads { try model.predictions(for: Matrix(probe)) })
        #expect(try reread(model) == model)
    }

    @Test func neighboursAtNoDistanceCountAlone() throws {
        let model = try NeighboursClassifier(count: 3, weighting: .inverseDistance).fit(Matrix([[0], [1], [1.5], [9]]), [1, 0, 0, 0])
        #expect(try model.probabilities(for: Matrix([[0]])).values == [0, 1])
        // Of two classes with one vote each the lower.
        let tied = try NeighboursClassifier(count: 2).fit(Matrix([[0], [2], [9]]), [1, 0, 0])
        #expect(try tied.predictions(for: Matrix([[1]])) == [0])
    }
}
