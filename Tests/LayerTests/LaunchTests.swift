import Soma
import SomaBackend
import Testing

/// What the recording backend counts, so that a lost fusion is a failed test.
@Suite struct LaunchTests {
    @Test func trainingStepHasFewLaunches() throws {
        let (device, backend) = recording()
        try withDevice(device) {
            let model = MLP()
            let optimizer = try Optimizer(Adam(), for: model, learningRate: 1e-3)
            for step in 0..<3 {
                let x = Tensor([Float](repeating: 0, count: 128 * 784), shape: [128, 784])
                let y = Tensor([Int32](repeating: 0, count: 128))
                backend.reset()
                try optimizer.update(minimizing: crossEntropy(model(x), y))
                #expect(backend.launches.count <= 16)
                #expect(backend.launches.filter { $0 == "map" } == ["map"], "the update of all parameters, and nothing else")
                if step > 0 {
                    #expect(backend.recorded.preparedCount == 0)
                    // The minibatch and the loss: parameters and moments are overwritten.
                    #expect(backend.recorded.allocatedBytes == 4 * (128 * 784 + 128 + 1))
                }
            }
        }
    }
}
