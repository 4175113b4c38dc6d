import Soma
import SomaReference
import Testing

/// Optimisers against PyTorch: ten updates by given gradients.
@Suite struct OptimizerTests {
    private static let answers = Answers.all.part("optimizers")

    struct Pair: Layer {
        let w = Parameter(OptimizerTests.answers.part("w").tensor([3, 2]))
        let b = Parameter(OptimizerTests.answers.part("b").tensor([2]))
        func callAsFunction(_ x: Tensor) -> Tensor { x }
    }

    private func gradients(_ optimizer: Optimizer, _ pair: Pair, _ step: Int) -> [Tensor] {
        optimizer.parameters.map { parameter in
            let name = parameter === pair.w ? "gradientsW" : "gradientsB"
            return Tensor(
                (Self.answers.part(name).array?[step].doubles ?? []).map { Float($0) }, shape: parameter.shape)
        }
    }

    private func check(_ name: String, _ pair: Pair, _ optimizer: Optimizer) throws {
        for (step, answer) in (Self.answers.part("cases").part(name).array ?? []).enumerated() {
            try optimizer.update(with: gradients(optimizer, pair, step))
            #expect(
                try pair.w.tensor.difference(from: answer.part("w").doubles, terms: 16) == nil,
                "w of \(name) after \(step + 1)")
            #expect(
                try pair.b.tensor.difference(from: answer.part("b").doubles, terms: 16) == nil,
                "b of \(name) after \(step + 1)")
        }
        #expect(optimizer.updateCount == 10)
    }

    @Test(arguments: TestDevices.all) func rules(_ device: Device) throws {
        let rules: [(String, any UpdateRule, Schedule)] = [
            ("sgd", SGD(), 0.1), ("momentum", SGD(momentum: 0.9, weightDecay: 0.05), 0.1),
            ("nesterov", SGD(momentum: 0.9, isNesterov: true), 0.1),
            ("rmsprop", RMSProp(smoothing: 0.9), 0.05),
            ("rmspropAll", RMSProp(smoothing: 0.9, momentum: 0.5, isCentered: true, weightDecay: 0.1), 0.05),
            ("adam", Adam(), 0.05), ("adamDecay", Adam(weightDecay: 0.1), 0.05),
            ("adamw", AdamW(beta1: 0.8, beta2: 0.95, weightDecay: 0.1), 0.05),
        ]
        try withDevice(device) {
            for (name, rule, rate) in rules {
                let pair = Pair()
                try check(name, pair, Optimizer(rule, for: pair, learningRate: rate))
            }
        }
    }

    /// Of a steady gradient the mean of squares is the square of the mean but for rounding, which must not leave less than 0.
    @Test(arguments: TestDevices.all) func aSteadyGradientHasNoNegativeVariance(_ device: Device) throws {
        try withDevice(device) {
            let pair = Pair()
            let optimizer = try Optimizer(RMSProp(smoothing: 0.5, isCentered: true), for: pair, learningRate: 1e-12)
            for _ in 0..<60 {
                try optimizer.update(with: optimizer.parameters.map { p in Tensor((0..<p.shape.count).map { 0.1 + Float($0) / 7 }, shape: p.shape) })
            }
            let weights: [Float] = try pair.w.tensor.contiguous().scalars()
            #expect(weights.allSatisfy { $0.isFinite })
        }
    }

    /// Gradients whose squares are beyond all numbers move weights by numbers.
    @Test(arguments: TestDevices.all) func hugeGradientsGiveNumbers(_ device: Device) throws {
        let rules: [any UpdateRule] = [
            SGD(momentum: 0.9), RMSProp(), RMSProp(isCentered: true), RMSProp(momentum: 0.5, isCentered: true), Adam(), AdamW(),
        ]
        try withDevice(device) {
            for rule in rules {
                let layer = Parameter(Tensor([1, -2, 3] as [Float]))
                let optimizer = try Optimizer(rule, groups: [ParameterGroup([layer])], learningRate: 1e-3)
                for gradient in [[1e25, -3e38, 1], [1, 1, 1]] as [[Float]] { try optimizer.update(with: [Tensor(gradient)]) }
                let weights: [Float] = try layer.tensor.contiguous().scalars()
                #expect(weights.allSatisfy(\.isFinite) && weights[2] < 3, "\(rule): \(weights)")
            }
        }
    }

    /// A gradient whose square is beyond all numbers moves a weight as any first one does, and the mean of squares, which halves, forgets it.
    /// By hand: Adam's first step is the rate, that of RMSProp √2 times it, and by the variance, half the mean of squares, twice.
    @Test(arguments: TestDevices.all) func aHugeGradientIsForgotten(_ device: Device) throws {
        let rules: [(any UpdateRule, first: Float)] = [
            (Adam(beta1: 0.5, beta2: 0.5), 0.125), (AdamW(beta1: 0.5, beta2: 0.5, weightDecay: 0), 0.125),
            (RMSProp(smoothing: 0.5), 0.125 * Float(2).squareRoot()), (RMSProp(smoothing: 0.5, isCentered: true), 0.25),
        ]
        try withDevice(device) {
            for (rule, first) in rules {
                let layer = Parameter(Tensor([0, 0] as [Float]))
                let optimizer = try Optimizer(rule, groups: [ParameterGroup([layer])], learningRate: 0.125)
                func weights() throws -> [Float] { try layer.tensor.contiguous().scalars() }
                try optimizer.update(with: [Tensor([-1e25, 3e38] as [Float])])
                let start = try weights()
                #expect(abs(start[0] - first) < 1e-5 && abs(start[1] + first) < 1e-5, "\(rule): \(start)")
                for step in 0..<200 { try optimizer.update(with: [Tensor(step % 2 == 0 ? [3, 3] : [1, 1] as [Float])]) }
                let before = try weights()
                try optimizer.update(with: [Tensor([3, 3] as [Float])])
                let after = try weights()
                #expect(zip(before, after).allSatisfy { $0 - $1 > 0.1 }, "\(rule): from \(before) to \(after)")
            }
        }
    }

    /// A gradient that is no number is told by a weight that is none.
    @Test(arguments: TestDevices.all) func aGradientThatIsNotFiniteStaysVisible(_ device: Device) throws {
        try withDevice(device) {
            for rule in [RMSProp(), RMSProp(isCentered: true), Adam(), AdamW()] as [any UpdateRule] {
                let layer = Parameter(Tensor([1, 1, 1] as [Float]))
                let optimizer = try Optimizer(rule, groups: [ParameterGroup([layer])], learningRate: 0.1)
                try optimizer.update(with: [Tensor([.infinity, .nan, 1] as [Float])])
                let weights: [Float] = try layer.tensor.contiguous().scalars()
                #expect(weights[0].isNaN && weights[1].isNaN && weights[2] < 1, "\(rule): \(weights)")
            }
        }
    }

    @Test(arguments: TestDevices.all) func groups(_ device: Device) throws {
        try withDevice(device) {
            let pair = Pair()
            let groups = [ParameterGroup([pair.w]), ParameterGroup([pair.b], rateScale: 2, weightDecay: 0)]
            try check("groups", pair, Optimizer(AdamW(weightDecay: 0.1), groups: groups, learningRate: 0.05))
        }
    }

    @Test(arguments: TestDevices.all) func clippingAndSchedules(_ device: Device) throws {
        try withDevice(device) {
            var pair = Pair()
            try check("clippedByNorm", pair, Optimizer(SGD(), for: pair, learningRate: 0.1, clipping: .byNorm(1.5)))
            pair = Pair()
            try check("clippedByValue", pair, Optimizer(SGD(), for: pair, learningRate: 0.1, clipping: .byValue(0.5)))
            pair = Pair()
            try check("cosine", pair, Optimizer(SGD(), for: pair, learningRate: .cosine(from: 0.1, to: 0.01, over: 10)))
            pair = Pair()
            try check("steps", pair, Optimizer(SGD(), for: pair, learningRate: .steps(0.1, by: 0.5, every: 3)))
        }
    }

    /// Gradients whose squares are beyond all numbers keep their directions, and small ones are as ever.
    @Test(arguments: TestDevices.all) func clippingOfHugeGradients(_ device: Device) throws {
        try withDevice(device) {
            for (gradient, bound) in [
                ([3e25, -4e25], 5), ([3e38, -3e38], 1), ([1.5e19, -2e19], 1e-3), ([3, -4], 0.5), ([3e-30, -4e-30], 1), ([3e25, -4e25], 1e30),
                ([1e25, 0], 2),
            ] as [([Float], Double)] {
                let layer = Parameter(.zeros([2]))
                let optimizer = try Optimizer(
                    SGD(), groups: [ParameterGroup([layer])], learningRate: 1, clipping: .byNorm(bound))
                try optimizer.update(with: [Tensor(gradient)])
                let norm = gradient.reduce(0) { $0 + Double($1) * Double($1) }.squareRoot()
                let moved: [Float] = try layer.tensor.contiguous().scalars()
                for (moved, slope) in zip(moved, gradient) {
                    let wanted = -Double(slope) * min(bound / (norm + 1e-6), 1)
                    #expect(abs(Double(moved) - wanted) <= 1e-6 * abs(wanted), "\(gradient), \(bound): \(moved), not \(wanted)")
                }
            }
        }
    }

    @Test func schedules() {
        let warm = Schedule.cosine(from: 1, over: 100).warmedUp(over: 4)
        #expect((0..<5).map { warm.rate(after: $0) } == [0.2, 0.4, 0.6, 0.8, 1])
        #expect(abs(warm.rate(after: 54) - 0.5) < 1e-12)
        #expect(warm.rate(after: 104) == 0 && warm.rate(after: 1000) == 0)
        #expect(Schedule.linear(from: 1, to: 0.5, over: 2).rate(after: 1) == 0.75)
        #expect(Schedule.steps(1, every: 10).rate(after: 9) == 1)
        let number: Schedule = 0.25
        #expect(number.rate(after: 7) == 0.25)
    }

    /// A captured step follows the schedule and the count of updates like one that is not captured.
    @Test(arguments: TestDevices.all) func replaysAreUpdates(_ device: Device) throws {
        func train(captured: Bool) throws -> [[Float]] {
            try withRandomSeed(1) {
                let model = Sequential(Linear(from: 4, to: 8), ReLU(), Dropout(rate: 0.3), Linear(from: 8, to: 3))
                let optimizer = try Optimizer(
                    Adam(), for: model, learningRate: .cosine(from: 0.1, over: 6), clipping: .byNorm(0.5),
                    averageDecay: 0.9)
                let body: @Sendable (Tensor, Tensor) throws -> Tensor = { x, y in
                    let loss = withTraining { crossEntropy(model(x), y, labelSmoothing: 0.1) }
                    try optimizer.update(minimizing: loss)
                    return loss
                }
                let step = captured ? compiled(body) : nil
                var results: [[Float]] = []
                for number in 0..<6 {
                    let x = Tensor((0..<20).map { Float(($0 * (number + 3)) % 7) - 3 }, shape: [5, 4])
                    let y = Tensor((0..<5).map { Int32(($0 + number) % 3) })
                    let loss = try step.map { try $0(x, y) } ?? body(x, y)
                    results.append(try loss.scalars())
                }
                results += try model.parameters.map { try $0.tensor.contiguous().scalars() }
                return results
                    + (try optimizer.withAveragedWeights {
                        try model.parameters.map { try $0.tensor.contiguous().scalars() }
                    })
            }
        }
        try withDevice(device) {
            let (captured, plain) = (try train(captured: true), try train(captured: false))
            for (place, pair) in zip(captured, plain).enumerated() { #expect(pair.0 == pair.1, "result \(place)") }
        }
    }

    @Test(arguments: TestDevices.all) func frozenParametersKeepTheirBits(_ device: Device) throws {
        try withDevice(device) {
            let model = Sequential(Linear(from: 4, to: 8), ReLU(), Linear(from: 8, to: 3))
            func bits() throws -> [[UInt32]] {
                try model.parameters.map { try $0.tensor.contiguous().scalars(as: Float.self).map(\.bitPattern) }
            }
            let groups = model.parameterGroups { name, _ in name.hasPrefix("0.") ? .frozen : .usual }
            let optimizer = try Optimizer(AdamW(), groups: groups, learningRate: 0.1)
            let before = try bits()
            try optimizer.update(minimizing: crossEntropy(model(.ones([2, 4])), Tensor([0, 1] as [Int32])))
            let after = try bits()
            #expect(after[..<2] == before[..<2])
            #expect(zip(after[2...], before[2...]).allSatisfy { $0 != $1 })
        }
    }

    @Test(arguments: TestDevices.all) func averagesFollow(_ device: Device) throws {
        try withDevice(device) {
            let pair = Pair()
            let optimizer = try Optimizer(SGD(), for: pair, learningRate: 0.1, averageDecay: 0.75)
            var average = Self.answers.part("b").doubles
            for step in 0..<3 {
                try optimizer.update(with: gradients(optimizer, pair, step))
                average = zip(average, try pair.b.tensor.doubles()).map { 0.75 * $0 + 0.25 * $1 }
            }
            let own = try pair.b.tensor.doubles()
            try optimizer.withAveragedWeights { () throws in
                #expect(try pair.b.tensor.difference(from: average) == nil)
            }
            #expect(try pair.b.tensor.doubles() == own)
        }
    }

    @Test func mistakesTrap() async {
        await #expect(processExitsWith: .failure) {
            try withDevice(TestDevices.interpreter) {
                let layer = Linear(from: 2, to: 2)
                let first = try Optimizer(SGD(), for: layer, learningRate: 0.1)
                _ = try Optimizer(SGD(), for: layer, learningRate: 0.1)
                try first.update(minimizing: layer(.ones([1, 2])).sum())
            }
        }
        await #expect(processExitsWith: .failure) {
            try withDevice(TestDevices.interpreter) {
                let layer = Linear(from: 2, to: 2)
                _ = try Optimizer(
                    SGD(), groups: [ParameterGroup(layer.parameters), ParameterGroup([layer.weight])], learningRate: 0.1
                )
            }
        }
    }
}
