import Soma
import SomaReference
import Testing

@Suite struct RandomTests {
    private func read(_ tensor: Tensor) -> [Double] { Interpreter().evaluate(tensor).elements }
    private func uniform(_ count: Int, _ generator: RandomGenerator) -> [Double] {
        read(.randomUniform([count], generator: generator, device: .reference))
    }

    @Test func aSeedGivesItsNumbersAgain() {
        let (a, b) = (RandomGenerator(seed: 7), RandomGenerator(seed: 7))
        let first = uniform(50, a)
        #expect(first == uniform(50, b))
        #expect(first != uniform(50, a), "two draws must differ")
        #expect(first != uniform(50, RandomGenerator(seed: 8)))
        #expect(first != uniform(50, RandomGenerator(seed: 7 | 1 << 40)), "the upper half of the seed counts")
    }

    @Test func aStateResumes() {
        let generator = RandomGenerator(seed: 7)
        _ = uniform(3, generator)
        let state = generator.state
        let next = uniform(5, generator)
        let other = RandomGenerator(seed: 0)
        other.state = state
        #expect(uniform(5, other) == next)
    }

    /// A draw's words are those of the host's generator under the stream of that number: two implementations apart from each other.
    @Test func wordsAreThoseOfTheHost() {
        let generator = RandomGenerator(seed: 0x0123_4567_89AB_CDEF)
        for draw in 0..<3 as Range<UInt64> {
            var host = Philox(seed: 0x0123_4567_89AB_CDEF, stream: draw)
            #expect(uniform(11, generator) == (0..<11).map { _ in Double(host.uniform()) })
        }
    }

    @Test func theInnermostSeedCounts() {
        func draw() -> [Double] { uniform(4, .current) }
        let outer = withRandomSeed(1) { (draw(), withRandomSeed(2) { draw() }, draw()) }
        let plain = withRandomSeed(1) { (draw(), draw()) }
        #expect(outer.0 == plain.0 && outer.2 == plain.1)
        #expect(outer.1 == withRandomSeed(2) { draw() } && outer.1 != outer.0)
    }

    /// Mean and variance within four standard errors of what they must be.
    private func expect(
        _ numbers: [Double], mean: Double, variance: Double, location: SourceLocation = #_sourceLocation
    ) {
        let count = Double(numbers.count)
        let average = numbers.reduce(0, +) / count
        let spread = numbers.reduce(0) { $0 + ($1 - average) * ($1 - average) } / count
        #expect(abs(average - mean) < 4 * (variance / count).squareRoot(), sourceLocation: location)
        #expect(abs(spread - variance) < 4 * variance * (2 / count).squareRoot(), sourceLocation: location)
    }

    @Test func distributionsHaveTheirMoments() {
        let generator = RandomGenerator(seed: 3)
        let shape: Shape = [4001]
        let flat = read(.randomUniform(shape, from: -1, to: 3, generator: generator, device: .reference))
        expect(flat, mean: 1, variance: 16.0 / 12)
        #expect(flat.allSatisfy { $0 >= -1 && $0 < 3 })
        let normal = read(
            .randomNormal(shape, mean: 2, standardDeviation: 0.5, generator: generator, device: .reference))
        expect(normal, mean: 2, variance: 0.25)
        #expect(Set(normal).count > 3990)
        let within = normal.filter { abs($0 - 2) < 0.5 }.count
        #expect(abs(Double(within) / 4001 - 0.6827) < 0.03)
        let coin = read(.randomBernoulli(shape, probability: 0.3, generator: generator, device: .reference))
        expect(coin, mean: 0.3, variance: 0.21)
        let mask = read(.dropoutMask(shape, rate: 0.25, generator: generator, device: .reference))
        #expect(abs(mask.reduce(0, +) / 4001 - 1) < 0.04)
        #expect(Set(mask.map { ($0 * 100).rounded() }) == [0, 133])
    }

    @Test func probabilitiesOfTheirOwn() {
        let probabilities = Tensor(reference: Value((0..<300).map { [0, 0.5, 1][$0 % 3] }))
        let drawn = read(.randomBernoulli(probabilities: probabilities, generator: RandomGenerator(seed: 5)))
        let counts = (0..<3).map { place in stride(from: place, to: 300, by: 3).filter { drawn[$0] == 1 }.count }
        #expect(counts[0] == 0 && counts[2] == 100 && (30...70).contains(counts[1]))
    }

    @Test func permutationsHoldEveryNumber() throws {
        let device = Device(running: InterpretingBackend())
        let generator = RandomGenerator(seed: 11)
        let first: [Int32] = try Tensor.randomPermutation(100, generator: generator, device: device).scalars()
        let second: [Int32] = try Tensor.randomPermutation(100, generator: generator, device: device).scalars()
        #expect(first.sorted() == Array(0..<100) && second.sorted() == Array(0..<100))
        #expect(first != second && first != Array(0..<100))
    }

    @Test func aReplayDrawsAnew() throws {
        let device = Device(running: InterpretingBackend())
        func numbers(_ step: ([Tensor]) throws -> [Tensor]) throws -> [[Float]] {
            try (0..<3).map { _ in try step([Tensor([Float(0)], device: device)])[0].scalars() }
        }
        let step = compiled { (x: [Tensor]) in [x[0] + .randomUniform([3], device: device)] }
        let replayed = try withRandomSeed(4) { try numbers { try step($0) } }
        let built = try withRandomSeed(4) { try numbers { [$0[0] + .randomUniform([3], device: device)] } }
        #expect(replayed == built)
        #expect(replayed[0] != replayed[1] && replayed[1] != replayed[2])
    }
}
