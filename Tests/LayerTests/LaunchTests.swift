import Soma
import SomaBackend
import SomaCompiler
import SomaGraph
import Testing

@Suite struct LaunchTests {
    @Test func trainingStep() throws {
        let (device, backend) = recording()
        try withDevice(device) {
            let model = MLP()
            let optimizer = try Optimizer(Adam(), for: model, learningRate: 1e-3)
            for step in 0..<3 {
                let x = Tensor([Float](repeating: 0, count: 128 * 784), shape: [128, 784])
                let y = Tensor([Int32](repeating: 0, count: 128))
                backend.reset()
                try optimizer.update(minimizing: crossEntropy(model(x), y))
                print(step, backend.recorded.preparedCount, backend.launches.count, backend.launches, backend.recorded.allocationCount, backend.recorded.allocatedBytes)
            }
        }
    }
}
