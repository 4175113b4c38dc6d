import Soma
import SomaBackend
import Synchronization
import Testing

@testable import SomaCLI

/// The workloads, their names, and what they cannot do without.
@Suite struct WorkloadTests {
    @Test func byName() throws {
        #expect(try WorkloadList.named("gemm_*").map(\.name) == ["gemm_256", "gemm_512", "gemm_1024", "gemm_2048", "gemm_4096"])
        #expect(try WorkloadList.named("train_mlp,gemm_1024").map(\.name) == ["gemm_1024", "train_mlp"])
        #expect(try WorkloadList.named("infer_lenet", batches: [4, 8]).map(\.batch) == [4, 8])
        #expect(throws: (any Error).self) { try WorkloadList.named("gem_1024") }
        #expect(throws: (any Error).self) { try WorkloadList.named(",") }
    }

    /// Those that other engines are measured by, none left out.
    @Test func allOfThemAreThere() throws {
        let names = try Set(WorkloadList.named("all").map(\.name))
        for name in [
            "gemm_256", "gemm_512", "gemm_1024", "gemm_2048", "conv3x3_fwd", "conv3x3_bwd_data", "conv3x3_bwd_weight", "conv7x7s2_fwd",
            "dwconv3x3_fwd", "chain_16m", "sum_16m", "softmax_8192x1024", "layernorm_8192x1024", "train_mlp", "train_lenet5", "train_resnet20",
            "train_lstm", "train_gpt", "train_dcgan", "generate_gpt", "tiny_adds", "startup", "infer_lenet", "infer_alexnet", "infer_resnet18",
            "latency_lenet", "latency_alexnet", "latency_resnet18",
        ] { #expect(names.contains(name), "\(name)") }
        #expect(!names.contains("gemm_4096") && !names.contains("train_resnet18") && !names.contains("generate_gpt2"))
        let keys = WorkloadList.all().map { BenchRow($0, on: "cpu", .lacks("")).key }
        #expect(Set(keys).count == keys.count, "no two rows are called the same")
    }

    @Test func listing() throws {
        let workloads = try WorkloadList.named("gemm_256,train_gpt,infer_lenet", batches: [4, 8])
        let text = WorkloadList.lines(workloads, .text)
        #expect(text.count == 5 && text.contains { $0.hasPrefix("train_gpt") && $0.hasSuffix("Adam") })
        let rows = try WorkloadList.lines(workloads, .json).map { try JSON(parsing: $0) }
        #expect(rows.map { $0["workload"]?.string } == ["gemm_256", "train_gpt", "infer_lenet", "infer_lenet"])
        #expect(rows.map { $0["batch"]?.integer } == [nil, nil, 4, 8])
        #expect(WorkloadList.lines(workloads, .csv)[0] == "workload,batch,metric,what")
    }

    @Test func workOfProducts() throws {
        let gemm = try #require(Workload.gemm(256).work)
        #expect(gemm == Work(operations: 2 * 256 * 256 * 256, bytesRead: 2 * 4 * 65536, bytesWritten: 4 * 65536))
        // 32 images of 64 channels, 32×32, by 64 filters of 3×3: 2 · 32 · 64 · 64 · 9 · 32 · 32.
        for workload in [Workload.conv3x3Forward, .conv3x3InputGradient, .conv3x3FilterGradient] {
            #expect(workload.work?.operations == 2_415_919_104)
            #expect(workload.metric.value(1) == 2.415919104)
        }
        #expect(Workload.depthwiseForward.work?.operations == 75_497_472)
        #expect(Workload.sum.work?.bytesWritten == 0 && Workload.chain.metric.value(1) == 0.134217728)
    }

    /// On a device that only counts: what is reckoned from the program is what the layers' definitions say.
    @Test func workOfNetworks() throws {
        let workloads = InferenceWorkload.all[0].workloads(batches: [2])
        // LeNet-5: 2 · (6·784·25 + 16·100·150 + 400·120 + 120·84 + 84·10) for an image.
        #expect(try workAfterACall(workloads[0]).operations == 833_040)
        let work = try workAfterACall(workloads[1])
        #expect(work.operations == 2 * 833_040 && work.bytesRead == 4 * (61_706 + 2 * 784))
        // The MLP: three products of each layer, two of the first, whose input has no gradient.
        let products = 2 * 784 * 512 + 3 * (512 * 256 + 256 * 10)
        let training = try workAfterACall(.trainMLP)
        #expect(training.operations == 2 * 128 * Double(products))
        #expect(training.bytesWritten == 12 * 535_818)
    }

    @Test func bothNetworksOfAnAdversarialStepLearn() throws {
        let workload = try AdversarialWorkload(try Device.named("cpu"))
        let before = try workload.parameters.map { try $0.map { try $0.tensor.scalars(as: Float.self) } }
        for _ in 0..<2 { #expect((0..<20).contains(try workload.step())) }
        for (network, old) in zip(workload.parameters, before) {
            let now = try network.map { try $0.tensor.scalars(as: Float.self) }
            #expect(zip(now, old).count { $0 != $1 } >= network.count - 2, "all but biases that normalisation takes away again")
        }
    }

    @Test func workOfAnAdversarialStep() throws {
        let work = try workAfterACall(.trainDCGAN)
        let generator = [100 * 6272 + 6272, 2 * 128, 128 * 64 * 16, 2 * 64, 64 * 16 + 1].reduce(0, +)
        let discriminator = [64 * 16 + 64, 64 * 128 * 16, 2 * 128, 6272 + 1].reduce(0, +)
        #expect(work.bytesWritten == 12 * Double(generator + discriminator))
        #expect(work.operations > 3e9)
    }

    /// Thrice for a step: gates of the LSTM, in both layers from the state and in the second from its input, 2 · 2,048 · 256 · 1,024 operations each, and
    /// in the first from its input for the 64 tokens alone; projections and attention of the GPT.
    @Test func workOfSequences() throws {
        let lstm = try workAfterACall(.trainLSTM)
        #expect(lstm.bytesWritten == 12 * Double(64 * 256 + 2 * (2 * 1024 * 256 + 2 * 1024) + 256 * 64 + 64))
        let gates = 3.0 * 2 * 2048 * 256 * 1024
        #expect(lstm.operations > 3 * gates && lstm.operations < 3.2 * gates, "\(lstm.operations)")
        let gpt = try workAfterACall(.trainGPT)
        #expect(gpt.operations > 38e9 && gpt.operations < 45e9, "\(gpt.operations)")
    }

    private func workAfterACall(_ workload: Workload) throws -> Work {
        let device = Device(running: RecordingBackend(capabilities: Capabilities(images: .channelsFirst)))
        return try withDevice(device) {
            let prepared = try workload.prepare(device)
            try prepared.call()
            try prepared.finish()
            return try #require(prepared.work?())
        }
    }

    @Test func trainingStepsTrain() throws {
        struct Witness: Layer {
            let linear = Linear(from: 4, to: 10)
            let mode: @Sendable (Mode) -> Void

            func callAsFunction(_ x: Tensor) -> Tensor {
                mode(Mode.current)
                return linear(x)
            }
        }
        let modes = Mutex<[Mode]>([])
        let workload = try TrainingWorkload(Device.recording(), [3, 4]) { Witness { mode in modes.withLock { $0.append(mode) } } }
        try workload.step()
        #expect(modes.withLock { $0 } == [.training], "normalisation takes its statistics from the batch, as the engines do that this is compared with")
    }
}
