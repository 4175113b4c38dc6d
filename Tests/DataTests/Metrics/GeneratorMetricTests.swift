import SomaReference
import Testing

@testable import Soma

/// Measures of generated samples, against SciPy 1.17.1 and mpmath.
@Suite struct GeneratorMetricTests {
    private static let size = 6
    /// Features of two kinds, row by row.
    private func real(_ count: Int) -> [Double] {
        rows(count, Self.size) { i, j in
            let remainder: Int = (i * i * 7 + j * 13 + i * j * 5) % 23
            return Double(remainder) / 10
        }
    }
    private func generated(_ count: Int) -> [Double] {
        rows(count, Self.size) { i, j in
            let remainder: Int = (i * 11 + j * j * 3 + i * j * 2) % 19
            return Double(remainder) / 8 + 0.25 * Double(j)
        }
    }

    private func rows(_ count: Int, _ size: Int, _ value: (Int, Int) -> Double) -> [Double] {
        var result: [Double] = []
        for i in 0..<count { for j in 0..<size { result.append(value(i, j)) } }
        return result
    }

    private func product(_ a: [Double], _ b: [Double]) -> Double {
        var sum = 0.0
        for (x, y) in zip(a, b) { sum += x * y }
        return sum
    }

    private func isNear(_ value: Double, _ answer: Double, within tolerance: Double) -> Bool { (value - answer).magnitude <= tolerance }

    private func statistics(_ rows: [Double]) -> FeatureStatistics {
        let (count, size) = (rows.count / Self.size, Self.size)
        var (sums, products) = ([Double](repeating: 0, count: size), [Double](repeating: 0, count: size * size))
        for row in 0..<count {
            for i in 0..<size {
                sums[i] += rows[row * size + i]
                for j in 0..<size { products[i * size + j] += rows[row * size + i] * rows[row * size + j] }
            }
        }
        return FeatureStatistics(count: count, sums: sums, products: products)
    }

    // MARK: Eigenvalues

    /// Hilbert's matrix of 8 rows, whose eigenvalues reach over ten orders of magnitude.
    @Test func eigenvaluesOfHilbertsMatrix() throws {
        let matrix = rows(8, 8) { i, j in 1 / Double(i + j + 1) }
        let eigen = try #require(SymmetricEigen(matrix, size: 8))
        let answers = [
            1.11153896637244243e-10, 1.79887374581757668e-8, 1.29433209187281148e-6, 5.43694336974994236e-5, 0.00146768811774186731,
            0.0262128435781190478, 0.298125211316930706, 1.69593899692194945,
        ]
        for (value, answer) in zip(eigen.values.sorted(), answers) { #expect(isNear(value, answer, within: 1e-15), "\(value) is not \(answer)") }
        // A v = λ v, and vectors of length 1 at right angles.
        for i in 0..<8 {
            let vector = Array(eigen.vectors[i * 8..<i * 8 + 8])
            for j in 0..<8 {
                let (row, other) = (Array(matrix[j * 8..<j * 8 + 8]), Array(eigen.vectors[j * 8..<j * 8 + 8]))
                #expect(isNear(product(row, vector), eigen.values[i] * vector[j], within: 1e-14))
                #expect(isNear(product(vector, other), i == j ? 1 : 0, within: 1e-14))
            }
        }
    }

    @Test func rootsOfMatrices() throws {
        // Of the square of a known matrix.
        let root: [[Double]] = [[5, 2, 1], [2, 6, 3], [1, 3, 7]]
        let square = rows(3, 3) { i, j in product(root[i], root[j]) }
        let found = try #require(SymmetricEigen(square, size: 3)).squareRoot
        for (value, answer) in zip(found, root.joined()) { #expect(isNear(value, answer, within: 1e-13)) }
        #expect(SymmetricEigen([], size: 0)?.values == [])
        #expect(SymmetricEigen([4], size: 1)?.squareRoot == [2])
        #expect(SymmetricEigen([0, 0, 0, 0], size: 2)?.squareRoot == [0, 0, 0, 0])
        #expect(SymmetricEigen([1, .nan, .nan, 1], size: 2) == nil)
        #expect(SymmetricEigen([.infinity, 0, 0, 1], size: 2) == nil)
    }

    // MARK: Fréchet distance

    @Test func distancesOfDistributions() {
        func expect(_ a: FeatureStatistics, _ b: FeatureStatistics, _ answer: Double, within tolerance: Double, sourceLocation: SourceLocation = #_sourceLocation) {
            for value in [FrechetDistance.between(a, b), FrechetDistance.between(b, a)] {
                #expect(isNear(value, answer, within: tolerance), "\(value) is not \(answer)", sourceLocation: sourceLocation)
            }
        }
        expect(statistics(real(40)), statistics(generated(40)), 5.400064040586631, within: 1e-12)
        // Covariances without an inverse.
        let few = statistics(real(4))
        expect(few, few, 0, within: 1e-7)
        // One axis: (μ₁ − μ₂)² + (σ₁ − σ₂)².
        expect(FeatureStatistics(mean: [1], covariance: [9]), FeatureStatistics(mean: [3], covariance: [4]), 5, within: 1e-14)
        // Matrices that commute: each axis by itself.
        let c = FeatureStatistics(mean: [0, 0], covariance: [4, 0, 0, 25]), d = FeatureStatistics(mean: [1, 2], covariance: [1, 0, 0, 16])
        expect(c, d, 7, within: 1e-13)
        let one = FeatureStatistics(count: 1, sums: [1, 2], products: [1, 2, 2, 4])
        #expect(FrechetDistance.between(one, c).isNaN && FrechetDistance.between(c, one).isNaN)
    }

    // MARK: On a device

    private struct Sums: Measured {
        let criterion: Criterion? = nil
        func metrics(_ batch: Minibatch) -> [Metric] {
            let logits = batch["logits"]
            return [
                .frechetDistance(real: batch["real"], generated: batch["generated"]), .inceptionScore(logits: logits), .coverage(logits: logits),
                .coverage("most", logits: logits, leastShare: 0.2),
            ]
        }
        func details(_ batch: Minibatch) -> [Metric] { [.shares("taken for", logits: batch["logits"], classes: ["a", "b", "c", "d"])] }
    }

    private var logits: [Float] {
        rows(12, 4) { i, j in
            let remainder: Int = (i * i * 3 + j * 5 + i * j * 7) % 11
            return Double(remainder) / 2
        }.map { Float($0) }
    }

    private func evaluate(_ device: Device, _ logits: [Float], batchSize: Int) throws -> Evaluation {
        let count = logits.count / 4
        func features(_ values: [Double]) -> Tensor { Tensor(values.map { Float($0) }, shape: [count, Self.size]) }
        let data = try TensorDataSet([
            "real": features(real(count)), "generated": features(generated(count)), "logits": Tensor(logits, shape: [count, 4]),
        ])
        return try Evaluator(Sums(), device: device).evaluate(data, .close, batchSize: batchSize)
    }

    /// However the samples come in minibatches.
    @Test(arguments: [5, 12]) func onADevice(_ batchSize: Int) throws {
        for device in [try Device.named("cpu"), Device(running: InterpretingBackend())] {
            let found = try evaluate(device, logits, batchSize: batchSize)
            let answer = FrechetDistance.between(statistics(real(12)), statistics(generated(12)))
            #expect(isNear(found["frechet_distance"] ?? .nan, answer, within: 1e-4 * answer))
            #expect(isNear(found["inception_score"] ?? .nan, 1.5980426327875068, within: 1e-5))
            #expect(found["coverage"] == 4 && found["most"] == 2)
            #expect(found.report.figures.first { $0.name == "coverage" }?.text == "4")
            let table: [[String]] = [["a", "4", "0.3333"], ["b", "2", "0.1667"], ["c", "4", "0.3333"], ["d", "2", "0.1667"]]
            #expect(found.report.tables.first?.rows == table)
            #expect(JSON.object(found.report.members).description == #"{"class_counts":{"a":4,"b":2,"c":4,"d":2}}"#)
        }
    }

    /// A count has no digits after the point, and what is none is told as it is.
    @Test func textsOfFigures() {
        func text(_ value: Double, isCount: Bool) -> String { Figure("x", value, better: nil, isCount: isCount).text }
        #expect(text(10, isCount: true) == "10" && text(12_345, isCount: true) == "12,345" && text(10, isCount: false) == "10.0000")
        #expect(text(2.5, isCount: true) == "2.5000" && text(.nan, isCount: true) == "nan")
    }

    /// Certain of one class each: as many classes as there are; certain of the same class: one. What is no number counts for nothing.
    @Test func extremes() throws {
        let device = try Device.named("cpu")
        func certain(_ classes: [Int]) -> [Float] { rows(classes.count, 4) { i, j in j == classes[i] ? 500 : -500 }.map { Float($0) } }
        let all = try evaluate(device, certain([0, 1, 2, 3]), batchSize: 4)
        #expect(isNear(all["inception_score"] ?? 0, 4, within: 1e-6) && all["coverage"] == 4)
        let one = try evaluate(device, certain([2, 2, 2]), batchSize: 3)
        #expect(isNear(one["inception_score"] ?? 0, 1, within: 1e-6) && one["coverage"] == 1)
        let broken = try evaluate(device, certain([2, 2]) + ([.nan, 0, 0, 0] as [Float]), batchSize: 3)
        #expect(broken["inception_score"]?.isNaN == true && broken["coverage"] == 1)
    }
}
