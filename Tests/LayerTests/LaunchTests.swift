import Soma
import SomaBackend
import SomaCompiler
import SomaGraph
import Synchronization
import Testing

/// What the recording backend counts over training steps, so that a lost fusion is a failed test.
@Suite struct LaunchTests {
    private static let batch: (x: [Float], y: [Int32]) = (
        [Float](repeating: 0, count: 128 * 784), [Int32](repeating: 0, count: 128)
    )
    private func minibatch() -> (Tensor, Tensor) { (Tensor(Self.batch.x, shape: [128, 784]), Tensor(Self.batch.y)) }

    /// Bytes of a minibatch and its loss: all that a step may allocate.
    private let freshBytes = 4 * (128 * 784 + 128 + 1)

    @Test func trainingStepHasFewLaunches() throws {
        let (device, backend) = recording()
        try withDevice(device) {
            let model = MLP()
            let optimizer = try Optimizer(Adam(), for: model, learningRate: 1e-3)
            for step in 0..<3 {
                let (x, y) = minibatch()
                optimizer.learningRate = .constant(1e-3 / Double(step + 1))
                backend.reset()
                try optimizer.update(minimizing: crossEntropy(model(x), y))
                #expect(backend.launches.count <= 16)
                #expect(
                    backend.launches.filter { $0 == "map" } == ["map"], "the update of all parameters, and nothing else"
                )
                if step > 0 {
                    #expect(backend.recorded.preparedCount == 0)
                    #expect(backend.recorded.allocatedBytes == freshBytes)
                }
            }
        }
    }

    @Test func everyRuleIsOneLaunch() throws {
        let rules: [any UpdateRule] = [
            SGD(), SGD(momentum: 0.9, isNesterov: true, weightDecay: 0.1), RMSProp(momentum: 0.9, isCentered: true),
            Adam(weightDecay: 0.1), AdamW(),
        ]
        for rule in rules {
            let (device, backend) = recording()
            try withDevice(device) {
                let model = MLP()
                let groups = model.parameterGroups { name, _ in
                    name.hasSuffix("bias") ? ParameterTreatment(rateScale: 2, weightDecay: 0) : .usual
                }
                let optimizer = try Optimizer(
                    rule, groups: groups, learningRate: 1e-3, clipping: .byValue(1), averageDecay: 0.99)
                let (x, y) = minibatch()
                backend.reset()
                try optimizer.update(minimizing: crossEntropy(model(x), y))
                #expect(backend.launches.filter { $0 == "map" } == ["map"])
                #expect(backend.launches.count <= 16)
            }
        }
    }

    @Test func clippingByNormIsOneLaunchMore() throws {
        let (device, backend) = recording()
        try withDevice(device) {
            let model = MLP()
            let optimizer = try Optimizer(Adam(), for: model, learningRate: 1e-3, clipping: .byNorm(1))
            let (x, y) = minibatch()
            backend.reset()
            try optimizer.update(minimizing: crossEntropy(model(x), y))
            #expect(backend.launches.count == 15)
        }
    }

    @Test func frozenLayersAreNotDifferentiated() throws {
        let (device, backend) = recording()
        try withDevice(device) {
            let model = MLP()
            let groups = model.parameterGroups { name, _ in name.hasPrefix("output") ? .usual : .frozen }
            let optimizer = try Optimizer(Adam(), groups: groups, learningRate: 1e-3)
            let (x, y) = minibatch()
            backend.reset()
            try optimizer.update(minimizing: crossEntropy(model(x), y))
            #expect(
                backend.launches.filter { $0 == "matmul" }.count == 4,
                "three forward, one for the gradient of the last weight")
        }
    }

    @Test func capturedStepBuildsNoGraph() throws {
        let (device, backend) = recording()
        try withDevice(device) {
            let model = Sequential(Linear(from: 784, to: 512), ReLU(), Dropout(rate: 0.5), Linear(from: 512, to: 10))
            let optimizer = try Optimizer(Adam(), for: model, learningRate: 1e-3)
            let captures = Counter()
            let step = compiled { x, y in
                captures.increment()
                let loss = withTraining { crossEntropy(model(x), y) }
                try optimizer.update(minimizing: loss)
                return loss
            }
            let drawsBefore = RandomGenerator.current.state.drawCount
            for replay in 1...4 {
                let (x, y) = minibatch()
                optimizer.learningRate = .constant(1 / Double(replay))
                backend.reset()
                _ = try step(x, y)
                #expect(captures.value == 1)
                #expect(optimizer.updateCount == replay)
                #expect(backend.launches.count == 10, "as many as without capture")
                if replay > 1 {
                    #expect(backend.recorded.preparedCount == 0)
                    #expect(backend.recorded.allocatedBytes == freshBytes)
                }
            }
            #expect(RandomGenerator.current.state.drawCount >= drawsBefore + 4, "each replay draws a mask")
        }
    }

    @Test func memoryPlanIsTight() {
        let (device, _) = recording()
        withDevice(device) {
            let model = MLP()
            let (x, y) = minibatch()
            let loss = crossEntropy(model(x), y)
            let roots = ([loss] + gradient(of: loss, withRespectTo: model.parameters.map(\.tensor))).map(\.node)
            let plan = Node.lock.withLock { number in Plan(GraphSnapshot(roots: roots, &number), Capabilities()) }
            #expect(plan.largestLiveByteCount > 0)
            #expect(Double(plan.arenaByteCount) <= 1.3 * Double(plan.largestLiveByteCount))
        }
    }
}

private final class Counter: Sendable {
    private let count = Mutex(0)
    var value: Int { count.withLock { $0 } }
    func increment() { count.withLock { $0 += 1 } }
}
