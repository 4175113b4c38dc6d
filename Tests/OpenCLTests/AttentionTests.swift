import Soma
import SomaBackend
import SomaGraph
import SomaReference
import Testing

@testable import OpenCLBackend

/// An attention whose operands lie contiguously in a slot each.
struct AttentionSample {
    var attention = Attention(scale: 0.25, isCausal: true)
    var batch = 1, heads = 2, keyHeads = 1
    var queries, keys, width, valueWidth: Int

    var inputs: [Value] {
        [
            .sample([batch, heads, queries, width], in: -1...1), .sample([batch, keyHeads, keys, width], in: -1...1, seed: 1),
            .sample([batch, keyHeads, keys, valueWidth], in: -1...1, seed: 2),
        ]
    }

    /// Of what is read and written.
    private func shapes(isGradient: Bool) -> [[Int]] {
        let (row, output) = ([batch, heads, queries], [batch, heads, queries, valueWidth])
        let own = [[batch, heads, queries, width], [batch, keyHeads, keys, width], [batch, keyHeads, keys, valueWidth]]
        return isGradient ? own + [row, row, output] + own : own + [output, row]
    }

    /// Numbers for each slot of a step.
    func memory(isGradient: Bool) -> [CheckArray] {
        shapes(isGradient: isGradient).enumerated().map { slot, shape in
            CheckArray((0..<shape.reduce(1, *)).map { Double(($0 * 7 + slot) % 13 - 6) / 8 })
        }
    }

    func step(isGradient: Bool) -> AttentionStep {
        let operands = shapes(isGradient: isGradient).enumerated().map { Operand(slot: $0, dtype: .float32, access: Access(strides: Shape($1).contiguousStrides)) }
        let count = isGradient ? 6 : 3
        return AttentionStep(
            attention: attention, isGradient: isGradient, batch: batch, heads: heads, keyHeads: keyHeads, queries: queries, keys: keys, width: width,
            valueWidth: valueWidth, inputs: Array(operands[..<count]), results: Array(operands[count...]))
    }

    /// Output and logarithms, and what query, key and value get of both.
    func results(_ inputs: [Tensor]) -> [Tensor] {
        let (output, logarithms) = Tensor.attention(inputs[0], inputs[1], inputs[2], AttentionOperands(attention))
        let loss = (output * output).sum() + logarithms.sum()
        return [output, logarithms] + gradient(of: loss, withRespectTo: inputs)
    }
}

/// Attention in blocks, several of which each sequence takes.
@Suite(.enabled(if: testDevice != nil, "no OpenCL device"))
struct AttentionTests {
    private static let samples = [
        AttentionSample(attention: Attention(scale: 0.2), batch: 2, heads: 3, keyHeads: 1, queries: 70, keys: 133, width: 33, valueWidth: 20),
        AttentionSample(heads: 2, keyHeads: 2, queries: 67, keys: 131, width: 128, valueWidth: 128),
        AttentionSample(
            attention: Attention(scale: 0.5, isCausal: true, window: 30), heads: 4, keyHeads: 2, queries: 20, keys: 100, width: 36, valueWidth: 40),
    ]

    @Test(.timeLimit(.minutes(60)), arguments: KernelKind.allCases) func agreesWithTheProcessor(_ kind: KernelKind) throws {
        let (here, there) = (try sharedDevice(kind), try Device.named("cpu"))
        for sample in Self.samples {
            let results = try [here, there].map { device in
                try withDevice(device) { try sample.results(sample.inputs.map { Tensor($0, device: device) }).map { ($0.shape, try $0.doubles()) } }
            }
            for (number, (got, wanted)) in zip(results[0], results[1]).enumerated() {
                let difference = Value(wanted.1, shape: wanted.0, dtype: .float32).firstDifference(from: got.1, terms: sample.keys + sample.width)
                #expect(difference == nil, "result \(number) of \(sample.step(isGradient: false).label)")
            }
        }
    }

    /// Steps of attention are what an attention becomes, and their kernels share the step's work.
    @Test(arguments: KernelKind.allCases) func attentionsAreSteps(_ kind: KernelKind) throws {
        let backend = RecordingBackend(name: "attentions", capabilities: StepPlanner.capabilities)
        let sample = Self.samples[0]
        try withDevice(Device(running: backend)) {
            let inputs = sample.inputs.map { Tensor.zeros($0.shape) }
            try realizeAll(sample.results(inputs))
        }
        let steps = backend.recorded.launches.filter { $0.name.hasPrefix("attention") }
        #expect(steps.map(\.name) == ["attention", "attentionGradient"])
        let planner = try makeBackend(kind).planner
        let launches = try steps.map { try planner.launches($0) }
        #expect(launches.map { $0.map(\.entry) } == [["soma_attention"], ["soma_attention_query", "soma_attention_key"]])
        let (gradient, shares) = (sample.step(isGradient: true), try #require(launches.last).compactMap(\.work))
        #expect(shares.count == 2 && shares.reduce(0) { $0 + $1.operations } == gradient.productOperations + gradient.otherOperations)
        #expect(shares.reduce(0) { $0 + $1.bytesWritten } == Double(gradient.byteCounts.written))
    }

    /// Twice the queries and keys take twice the memory: nothing has the size of their product.
    @Test(.timeLimit(.minutes(10)), arguments: KernelKind.allCases) func memoryGrowsWithTheSequence(_ kind: KernelKind) throws {
        func peak(_ length: Int) throws -> Int {
            let device = Device(running: try makeBackend(kind))
            let sample = AttentionSample(queries: length, keys: length, width: 8, valueWidth: 8)
            try withDevice(device) { try realizeAll(sample.results(sample.inputs.map { Tensor($0, device: device) })) }
            return device.memory.peak
        }
        let (short, long) = (try peak(256), try peak(512))
        #expect(Double(long) < 2.1 * Double(short) && long < 4 * 2 * 512 * 512, "\(short) and \(long) bytes")
    }

    /// The same numbers in blocks of every size that a device may need.
    @Test(.timeLimit(.minutes(60))) func blocksOfEverySizeComputeTheSame() throws {
        let backend = try makeBackend(.gpu)
        var planner = backend.planner.reaching(.attention), blocks = Set<String>()
        // As if the device took smaller and smaller groups.
        for groupSize in [1024, 64, 32] {
            planner = planner.narrowed(to: KernelLimits(groupSize: groupSize)) ?? planner
            for one in KernelFamily.attention.firstCases {
                let plan = try #require(try planner.launches(one.step).first)
                blocks.insert(plan.source.split(separator: "\n").first { $0.hasPrefix("#define BLOCK") }.map(String.init) ?? "none")
                #expect(try one.fault(on: backend, planner) == nil, "\(one.name), groups of \(groupSize)")
            }
        }
        #expect(blocks == ["#define BLOCK 64", "#define BLOCK 32", "#define BLOCK 16"])
    }

    /// Heads as wide as they may be, on a device that has just the local memory which kernels for GPUs need.
    @Test(.timeLimit(.minutes(10)), arguments: [false, true]) func littleLocalMemoryIsEnough(_ isGradient: Bool) throws {
        let backend = try makeBackend(.gpu)
        var traits = backend.planner.traits
        traits.localMemoryBytes = MatmulTile.least.localMemoryBytes(isConvolution: true)
        let narrow = StepPlanner(traits: traits).reaching(.attention)
        let sample = AttentionSample(queries: 18, keys: 19, width: 128, valueWidth: 100), step = Step.attention(sample.step(isGradient: isGradient))
        #expect(try narrow.launches(step).allSatisfy { $0.source.contains("#define BLOCK 16\n#define DEPTH 4\n") && $0.groupSize == 16 })
        let memory = sample.memory(isGradient: isGradient), wanted = try result(of: step, on: backend, memory.map(\.bytes), scalars: [])
        let expected = step.writes.map(\.slot).map { ($0, CheckArray(bytes: wanted[$0], .float32)) }
        let one = CheckCase(name: "", step: step, memory: memory, expected: Dictionary(uniqueKeysWithValues: expected), tolerance: 1e-5)
        #expect(try one.fault(on: backend, narrow) == nil)
    }

    /// Operands that do not lie at multiples of four numbers are read one by one, with the same result.
    @Test func operandsMayLieAnywhere() throws {
        let backend = try makeBackend(.gpu), sample = AttentionSample(queries: 5, keys: 7, width: 8, valueWidth: 4)
        let memory = sample.memory(isGradient: false), step = sample.step(isGradient: false)
        let prepared = try backend.prepare(.attention(step))
        let results = try [0, 4].map { offset in
            let slices = try memory.map { array in
                let slice = BufferSlice(try backend.allocate(byteCount: array.bytes.count + offset), byteOffset: offset)
                try array.bytes.withUnsafeBytes { try backend.upload($0, to: slice) }
                return slice
            }
            try backend.enqueue([prepared], Bindings(buffers: slices, scalars: []))
            return try step.writes.map { operand in
                var bytes = [UInt8](repeating: 0, count: memory[operand.slot].bytes.count)
                try bytes.withUnsafeMutableBytes { try backend.download(slices[operand.slot], into: $0) }
                return CheckArray(bytes: bytes, .float32)
            }
        }
        for (got, wanted) in zip(results[1], results[0]) { #expect(got.firstDifference(from: wanted, tolerance: 1e-6) == nil) }
        #expect(results[0].allSatisfy { $0.values.contains { $0 != 0 } })
    }

    /// A sum is always taken in the same order.
    @Test(arguments: KernelKind.allCases) func twiceGivesTheSameBits(_ kind: KernelKind) throws {
        let (backend, one) = (try makeBackend(kind), try #require(KernelFamily.attention.firstCases.last))
        let runs = try (0..<2).map { _ in try result(of: one.step, on: backend, one.memory.map(\.bytes), scalars: []) }
        #expect(runs[0] == runs[1])
    }

    /// Operands beyond 32 bits are walked with 64, and what cannot be counted is refused.
    @Test(arguments: KernelKind.allCases) func hugeAttentionsAreCounted(_ kind: KernelKind) throws {
        let backend = try makeBackend(kind)
        for isGradient in [false, true] {
            let many = AttentionSample(batch: 64, heads: 16, keyHeads: 16, queries: 1 << 16, keys: 1 << 16, width: 64, valueWidth: 64)
            let wide = many.step(isGradient: isGradient)
            for plan in try backend.planner.attention(wide) { #expect(plan.source.contains("#define SOMA_WIDE 1\n")) }
            _ = try backend.prepare(.attention(wide))
            let near = AttentionSample(queries: 1000, keys: 1000, width: 64, valueWidth: 64).step(isGradient: isGradient)
            for plan in try backend.planner.attention(near) { #expect(plan.source.contains("#define SOMA_WIDE 0\n")) }
            let refused = AttentionSample(queries: 1 << 29, keys: 1, width: 1, valueWidth: 1).step(isGradient: isGradient)
            #expect(throws: BackendError.self) { try backend.planner.attention(refused) }
        }
    }
}
