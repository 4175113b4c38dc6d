import Soma
import SomaGraph
import SomaReference
import Testing

/// First values of parameters: their distributions, and that the seed decides them.
@Suite struct InitializerTests {
    private func draw(
        _ initializer: Initializer, _ shape: Shape, fan: Fan? = nil, seed: UInt64 = 5
    ) throws -> [Double] {
        try withDevice(TestDevices.interpreter) {
            try initializer(shape: shape, fan: fan, generator: RandomGenerator(seed: seed)).doubles()
        }
    }

    /// Mean and variance of n draws within five standard errors, and no draw beyond `bound`.
    private func check(
        _ name: String, _ initializer: Initializer, variance: Double, bound: Double = .infinity, kurtosis: Double
    ) throws {
        let draws = try draw(initializer, [200, 300])
        let count = Double(draws.count)
        let mean = draws.reduce(0, +) / count
        let spread = draws.reduce(0) { $0 + ($1 - mean) * ($1 - mean) } / count
        #expect(abs(mean) < 5 * (variance / count).squareRoot(), "mean of \(name)")
        #expect(abs(spread / variance - 1) < 5 * ((kurtosis - 1) / count).squareRoot(), "variance of \(name)")
        #expect(draws.allSatisfy { abs($0) <= bound }, "bound of \(name)")
    }

    @Test func distributions() throws {
        // Weights of 300 inputs and 200 outputs; the kurtosis of the normal distribution is 3, of the uniform 1.8.
        try check("LeCun normal", .leCun(.normal), variance: 1 / 300, kurtosis: 3)
        try check("LeCun uniform", .leCun(.uniform), variance: 1 / 300, bound: 0.1, kurtosis: 1.8)
        try check("Glorot normal", .glorot(.normal), variance: 2 / 500, kurtosis: 3)
        try check("Glorot uniform", .glorot(.uniform), variance: 2 / 500, bound: 0.10955, kurtosis: 1.8)
        try check("He normal", .he(.normal), variance: 2 / 300, kurtosis: 3)
        try check("He uniform", .he(.uniform, slope: 1), variance: 1 / 300, bound: 0.1, kurtosis: 1.8)
        try check("default", .uniformByInputs, variance: 1 / 900, bound: 1 / 300.0.squareRoot() + 1e-9, kurtosis: 1.8)
        try check(
            "truncated", .truncatedNormal(standardDeviation: 0.5), variance: 0.25 * 0.7737, bound: 1, kurtosis: 2.4)
        try check("normal", .normal(standardDeviation: 2), variance: 4, kurtosis: 3)
        try check("uniform", .uniform(from: -3, to: 3), variance: 3, bound: 3, kurtosis: 1.8)
    }

    @Test func fans() {
        #expect(Fan(of: [20, 30]) == Fan(inputs: 30, outputs: 20))
        #expect(Fan(of: [8, 3, 5, 5]) == Fan(inputs: 75, outputs: 200))
        #expect(Fan(of: [7]) == Fan(inputs: 7, outputs: 7))
    }

    @Test(arguments: [[5, 5], [4, 9], [9, 4], [3, 2, 2], [1, 6]]) func orthogonalRows(_ dimensions: [Int]) throws {
        let shape = Shape(dimensions)
        let (rows, columns) = (shape[0], shape.count / shape[0])
        let matrix = try draw(.orthogonal(gain: 2), shape)
        let (count, length) = (min(rows, columns), max(rows, columns))
        func element(_ vector: Int, _ place: Int) -> Double {
            rows <= columns ? matrix[vector * columns + place] : matrix[place * columns + vector]
        }
        for a in 0..<count {
            for b in 0..<count {
                let product = (0..<length).reduce(0.0) { $0 + element(a, $1) * element(b, $1) }
                #expect(abs(product - (a == b ? 4 : 0)) < 1e-5)
            }
        }
    }

    @Test func seedsDecide() throws {
        let first = try draw(.he(), [10, 10])
        #expect(try draw(.he(), [10, 10]) == first)
        #expect(try draw(.he(), [10, 10], seed: 6) != first)
        #expect(try draw(.zeros, [3]) == [0, 0, 0])
        #expect(try draw(.ones, [2]) == [1, 1])
        #expect(try draw(.constant(0.1), [2]) == [Double(Float(0.1)), Double(Float(0.1))])
    }

    @Test func layersDrawInTheOrderOfTheirMaking() throws {
        func weights(_ seed: UInt64) throws -> [[Float]] {
            try withDevice(TestDevices.interpreter) {
                try withRandomSeed(seed) {
                    let model = Sequential(Linear(from: 3, to: 4), Linear(from: 4, to: 2))
                    return try model.parameters.map { try $0.tensor.scalars() }
                }
            }
        }
        let first = try weights(1)
        #expect(try weights(1) == first)
        #expect(try weights(2) != first)
        #expect(first[0] != first[2].dropLast(0))
        // The words of the first layer's weight: those of the first sequence of the generator.
        var sequence = Philox(seed: 1, stream: 0)
        let bound = 1 / Float(3).squareRoot()
        let expected = (0..<12).map { _ in -bound + 2 * bound * sequence.uniform() }
        #expect(first[0] == expected)
    }
}
