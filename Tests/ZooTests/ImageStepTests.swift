import Soma
import SomaBackend
import SomaCompiler
import SomaGraph
import SomaZoo
import Testing

/// What a training step of an image network launches, and the memory that its values share.
@Suite struct ImageStepTests {
    struct Count: Equatable {
        var kinds: [String: Int]
        var total: Int { kinds.values.reduce(0, +) }
    }

    private func launches(_ shape: Shape, _ order: ImageOrder?, _ model: () -> any Layer) throws -> Count {
        let backend = RecordingBackend(capabilities: Capabilities(maximumOperands: 48, images: order))
        return try withDevice(Device(running: backend)) {
            let model = model()
            let optimizer = try Optimizer(Adam(), for: model, learningRate: 1e-3)
            let labels = Tensor([Int32](repeating: 0, count: shape[0]))
            backend.reset()
            try withTraining { try optimizer.update(minimizing: crossEntropy(model(.zeros(shape)), labels)) }
            return Count(kinds: backend.recorded.launches.reduce(into: [:]) { $0[$1.name, default: 0] += 1 })
        }
    }

    @Test(arguments: [ImageOrder.channelsFirst, .channelsLast]) func leNet(_ order: ImageOrder) throws {
        let count = try launches([8, 1, 28, 28], order) { LeNet() }
        #expect(count.kinds["convolution"] == 5, "two forward, two for the filters, one for the second one's input")
        #expect(count.kinds["pooling"] == 4)
        #expect(count.kinds["matmul"] == 9)
        #expect(count.total <= (order == .channelsFirst ? 29 : 31))
    }

    @Test(arguments: [ImageOrder.channelsFirst, .channelsLast]) func resNet20(_ order: ImageOrder) throws {
        let count = try launches([8, 3, 32, 32], order) { ResNet.small() }
        #expect(count.kinds["convolution"] == 21 * 3 - 1)
        // Besides its convolutions: two walks each for the statistics and for their gradients of every normalisation, a small one each for the
        // mean of a sample, about which the statistics are taken, and a few for the head.
        #expect(count.total <= 172)
    }

    /// What lives at once: little more than each layer's input and its normalised output, and never a matrix of windows.
    @Test func memoryOfResNet20() {
        withDevice(Device(running: RecordingBackend())) {
            let model = ResNet.small()
            let x = Tensor.zeros([64, 3, 32, 32])
            let loss = withTraining { crossEntropy(model(x), Tensor([Int32](repeating: 0, count: 64))) }
            let roots = ([loss] + gradient(of: loss, withRespectTo: model.parameters.map(\.tensor))).map(\.node)
            let plan = Node.lock.withLock { number in
                Plan(GraphSnapshot(roots: roots, &number), Capabilities(maximumOperands: 48, images: .channelsLast))
            }
            // Outputs of the convolutions: 7 of 16×32×32, 7 of 32×16×16, 7 of 64×8×8 for each of 64 images; the shortcuts' are two of them.
            let outputs = 4 * 64 * (7 * 16 * 1024 + 7 * 32 * 256 + 7 * 64 * 64)
            #expect(Double(plan.largestLiveByteCount) <= 2.25 * Double(outputs))
            #expect(Double(plan.arenaByteCount) <= 1.1 * Double(plan.largestLiveByteCount))
        }
    }
}
