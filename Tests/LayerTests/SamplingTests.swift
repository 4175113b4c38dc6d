import Glibc
@testable import Soma
import SomaReference
import Testing

/// Classes drawn from logits, and what else sequences need.
@Suite struct SamplingTests {
    private static let probabilities = [0.5, 0.05, 0.3, 0.15]
    private static let count = 4000

    /// How often each class was drawn, of logits that are the logarithms of probabilities, and another constant in each row.
    private func frequencies(temperature: Double = 1, topK: Int? = nil, topP: Double = 1) throws -> [Double] {
        let shift = Tensor.range(Self.count, dtype: .float32).reshaped(to: [-1, 1]) * 0.001
        let logits = Tensor(Self.probabilities.map { Float($0) }).reshaped(to: [1, 4])
        let classes = Tensor.randomCategorical(
            logits: log(logits) + shift, temperature: temperature, topK: topK, topP: topP, generator: RandomGenerator(seed: 11))
        #expect(classes.shape == [Self.count] && classes.dtype == .int32)
        return try classes.scalars().reduce(into: [0, 0, 0, 0]) { $0[Int($1)] += 1 }
    }

    /// Whether frequencies may be those of these probabilities: Pearson's χ², which at three degrees of freedom exceeds 20 in 2 of 10,000 draws.
    private func fits(_ frequencies: [Double], _ weights: [Double]) -> Bool {
        let total = weights.reduce(0, +)
        return zip(frequencies, weights).reduce(0) { sum, pair in
            let wanted = pair.1 / total * Double(Self.count)
            return sum + (wanted == 0 ? (pair.0 == 0 ? 0 : .infinity) : (pair.0 - wanted) * (pair.0 - wanted) / wanted)
        } < 20
    }

    @Test(arguments: TestDevices.all) func frequenciesAreTheProbabilities(_ device: Device) throws {
        try withDevice(device) { () throws in
            #expect(try fits(frequencies(), Self.probabilities))
            #expect(try !fits(frequencies(), [0.46, 0.09, 0.3, 0.15]), "the check sees a difference")
            #expect(try fits(frequencies(temperature: 2), Self.probabilities.map { $0.squareRoot() }))
            #expect(try fits(frequencies(temperature: 0.5), Self.probabilities.map { $0 * $0 }))
            #expect(try fits(frequencies(temperature: 0), [1, 0, 0, 0]))
            #expect(try fits(frequencies(topK: 2), [0.5, 0, 0.3, 0]))
            #expect(try fits(frequencies(topK: 1), [1, 0, 0, 0]) && fits(frequencies(topK: 9), Self.probabilities))
            #expect(try fits(frequencies(topP: 0.85), [0.5, 0, 0.3, 0.15]))
            #expect(try fits(frequencies(topP: 0.75), [0.5, 0, 0.3, 0]) && fits(frequencies(topP: 0.01), [1, 0, 0, 0]))
            // Among three classes the first two have 0.84 of the probability, among all 0.8.
            #expect(try fits(frequencies(topK: 3, topP: 0.82), [0.5, 0, 0.3, 0]))
            #expect(try fits(frequencies(temperature: 2, topK: 3), [0.5, 0, 0.3, 0.15].map { $0.squareRoot() }))
        }
    }

    /// Of many classes those are kept that sorting keeps, of equal ones the first, whatever else there is: −∞, large numbers, all of one size.
    @Test(arguments: TestDevices.all) func restrictionsWithoutSorting(_ device: Device) throws {
        try withDevice(device) { () throws in
            let plain = withRandomSeed(2) { Tensor.randomNormal([4, 1300]) * Tensor([1, 5, 0, 1e4] as [Float]).expandingDims(at: 1) }
            let rounded = floor(plain * 2) * 0.5
            let hidden = Tensor.select(remainder(Tensor.range(1300), 3) .== 1, -Double.infinity, plain)
            for logits in [plain, rounded, hidden] {
                let numbers: [Float] = try logits.scalars()
                for (topK, topP) in [(7, 1.0), (500, 1), (nil, 0.3), (nil, 0.97), (60, 0.8)] as [(Int?, Double)] {
                    let kept = try logits.mayBeDrawn(topK: topK, topP: topP).as(.int32).scalars(as: Int32.self)
                    for row in 0..<4 {
                        let (wanted, isDoubtful) = Self.kept(Array(numbers[row * 1300..<(row + 1) * 1300]), topK, topP)
                        let found = Set((0..<1300).filter { kept[row * 1300 + $0] != 0 })
                        let difference = found.symmetricDifference(wanted)
                        #expect(difference.isEmpty || isDoubtful && difference.count <= 1, "row \(row), \(topK ?? 0), \(topP): \(difference.count)")
                    }
                }
            }
        }
    }

    /// What the definition keeps, by sorting in double precision, and whether a sum is so near to `topP` that rounding may decide.
    private static func kept(_ logits: [Float], _ topK: Int?, _ topP: Double) -> (Set<Int>, isDoubtful: Bool) {
        let order = logits.indices.sorted { (-logits[$0], $0) < (-logits[$1], $1) }.filter { logits[$0] > -.infinity }.prefix(topK ?? .max)
        let weights = order.map { exp(Double(logits[$0] - logits[order[0]])) }
        let total = weights.reduce(0, +)
        var (sum, result, isDoubtful) = (0.0, Set<Int>(), false)
        for (place, weight) in zip(order, weights) {
            if topP < 1, abs(sum / total - topP) < 1e-5 { isDoubtful = true }
            if topP == 1 || sum / total < topP { result.insert(place) }
            sum += weight
        }
        return (result, isDoubtful)
    }

    /// None of a million classes is drawn by what rounding makes of extreme random words.
    @Test func aLikelyClassAmongMany() throws {
        try withDevice(Device.named("cpu")) { () throws in
            let logits = Tensor.select(Tensor.range(1 << 20) .== 777, Tensor(40.0), Tensor(0.0)).expanded(to: [64, 1 << 20])
            // Seven words of this draw are 1 once they are real numbers.
            let classes = Tensor.randomCategorical(logits: logits, generator: RandomGenerator(seed: 4))
            #expect(try classes.scalars().allSatisfy { $0 == 777 })
        }
    }

    @Test(arguments: TestDevices.all) func aSeedGivesItsClassesAgain(_ device: Device) throws {
        try withDevice(device) { () throws in
            let logits = Tensor.zeros([50, 3, 7])
            func draw(_ seed: UInt64) throws -> [Double] {
                try withRandomSeed(seed) { try Tensor.randomCategorical(logits: logits, topP: 0.9).scalars() }
            }
            let first = try draw(1)
            #expect(try draw(1) == first && draw(2) != first)
            #expect(Set(first) == [0, 1, 2, 3, 4, 5, 6], "the last of seven equal classes lies across the border")
            let step = compiled { (logits: Tensor) in Tensor.randomCategorical(logits: logits) }
            #expect(try step(logits).scalars() != step(logits).scalars(), "a replay draws anew")
        }
    }

    @Test(arguments: TestDevices.all) func minusInfinityIsNotDrawn(_ device: Device) throws {
        try withDevice(device) { () throws in
            let logits = Tensor([-Float.infinity, 0, -.infinity, 0]).expanded(to: [200, 4])
            for topP in [1, 0.9] { #expect(try Set(Tensor.randomCategorical(logits: logits, topP: topP).scalars()) == [1, 3]) }
        }
    }

    /// NumPy's numbers in double precision.
    @Test(arguments: TestDevices.all) func sinusoidalPositions(_ device: Device) throws {
        try withDevice(device) { () throws in
            let layer = SinusoidalPositions(size: 5, atMost: 1000)
            #expect(layer.namedStates.isEmpty && layer.table.shape == [1000, 5])
            let y = layer(Tensor.ones([2, 4, 5]))
            let third = [0.141120008, -0.989992497, 0.075285293, 0.997162035, 0.0018928709]
            #expect(y.shape == [2, 4, 5])
            #expect(try y[1, 3].difference(from: third.map { $0 + 1 }) == nil)
            #expect(try y[0, 0].difference(from: [1, 2, 1, 2, 1]) == nil)
            #expect(try layer.table[999].difference(from: [-0.0264607527, 0.999649853, -0.0389858954, 0.999239761, 0.589408456]) == nil)
        }
    }
}
