import CLibraries
import SomaBackend
import SomaGraph
import SomaReference
import Testing

@testable import OpenCLBackend

/// Work-groups and local memory stay within what a device, and each of its kernels, allows.
@Suite struct LimitTests {
    private static let groupSizes = [1, 2, 16, 31, 32, 48, 64, 96, 100, 128, 192, 224, 256, 384, 1024]
    private static let vendors = ["NVIDIA Corporation", "AMD", "Intel(R) Corporation", "ARM", ""]

    private func planner(_ groupSize: Int, _ localKilobytes: Int, _ vendor: String) throws -> StepPlanner {
        let traits = DeviceTraits(isCPU: false, computeUnits: 16, maximumWorkGroupSize: 2048, localMemoryBytes: localKilobytes << 10, vendor: vendor)
        return try #require(StepPlanner(traits: traits).narrowed(to: KernelLimits(groupSize: groupSize)))
    }

    private static func sums(_ count: Int, rows: Int, columns: Int, isAcross: Bool) -> LoopNest {
        let load = Operand(slot: 0, dtype: .float32, access: Access(strides: isAcross ? [1, rows] : [columns, 1]))
        let reductions = (0..<count).map { Instruction(.reduce($0 % 2 == 0 ? .argmax : .sum, 0), $0 % 2 == 0 ? .int32 : .float32) }
        let stores = (0..<count).map {
            Store(value: $0 + 1, target: Operand(slot: $0 + 1, dtype: $0 % 2 == 0 ? .int32 : .float32, access: Access(strides: [1, 0])))
        }
        return LoopNest(outer: [rows], inner: [columns], body: Body(loads: [load], instructions: [Instruction(.load(operand: 0), .float32)] + reductions, stores: stores))
    }

    private static let steps: [Step] = {
        let products = [Product(m: 4096, n: 4096, k: 512), Product(m: 20, n: 4096, k: 512), Product(m: 4096, n: 20, k: 512), Product(m: 65, n: 33, k: 9000)]
        let images = [
            ConvolutionSample(batch: 16, inputs: 64, outputs: 64, input: [32, 32]),
            ConvolutionSample(batch: 2, inputs: 5, outputs: 7, input: [9, 9], stride: [2, 2]),
            ConvolutionSample(batch: 20_000, inputs: 128, outputs: 128, input: [32, 32], stride: [2, 2]),
            ConvolutionSample(batch: 8, inputs: 6, outputs: 6, groups: 6, input: [30, 30]),
        ].flatMap { sample in ConvolutionSample.passes.map { Step.convolution(sample.with($0).step) } }
        let nests = [softmax(rows: 3, count: 900), softmax(rows: 70, count: 7)] + [1, 20].flatMap { count in
            [true, false].map { sums(count, rows: 300, columns: 5000, isAcross: $0) }
        }
        let attentions = [(40, 128, false), (100, 64, true), (70, 5, true)].map {
            Step.attention(AttentionSample(queries: $0, keys: 90, width: $1, valueWidth: $1).step(isGradient: $2))
        }
        return attentions + products.map { .matmul($0.step) } + images + nests.map { .row($0) } + nests.dropFirst(2).map { .reduce($0) }
    }()

    @Test(arguments: vendors) func plansFitEveryDevice(_ vendor: String) throws {
        for groupSize in Self.groupSizes {
            for kilobytes in [1, 4, 16, 32, 48] {
                let planner = try planner(groupSize, kilobytes, vendor)
                for step in Self.steps {
                    for plan in try planner.launches(step) { try check(plan, planner.traits, "\(step.name), \(groupSize) work-items, \(kilobytes) KB") }
                }
            }
        }
    }

    /// Groups are no larger than the device's, trees have a power of two of lanes, and local memory as the text declares it has room.
    private func check(_ plan: LaunchPlan, _ traits: DeviceTraits, _ name: String) throws {
        #expect(plan.groupSize <= traits.maximumWorkGroupSize, "\(name): \(plan.entry) in groups of \(plan.groupSize)")
        for (global, local) in zip(plan.global, plan.local ?? []) { #expect(global % local == 0, "\(name): \(plan.entry)") }
        func definition(_ name: String) -> Int? {
            plan.source.firstMatch(of: try! Regex("#define \(name) (\\d+)\\n")).flatMap { Int($0.output[1].substring ?? "") }
        }
        if plan.entry == "soma_depthwise_filter" { #expect(definition("ITEMS").map { $0 & ($0 - 1) } == 0, "\(name): \(plan.entry)") }
        guard !traits.isCPU else { return }
        if plan.entry == "soma_reduce" || plan.entry == "soma_row" {
            let (lanes, places) = (try #require(definition("LANES")), try #require(definition("PLACES")))
            #expect(lanes & (lanes - 1) == 0 && lanes * places == plan.groupSize, "\(name): \(plan.entry), \(lanes) lanes")
            let widths = ["float": 4, "int": 4, "uchar": 1, "long": 8, "uint": 4, "bool": 1]
            let arrays = plan.source.matches(of: /local (\w+) \w+\[LANES \* PLACES\];/).map { widths[String($0.output.1)] ?? 8 }
            #expect(arrays.reduce(0, +) * lanes * places <= traits.localMemoryBytes, "\(name): \(plan.entry)")
        } else if plan.entry.hasPrefix("soma_attention") {
            let (rows, depth, width) = (try #require(definition("BLOCK")), try #require(definition("DEPTH")), try #require(definition("WIDTH")))
            let stage = depth * max(2 * (rows + 4), (width + rows - 1) / rows * rows)
            #expect(rows * rows / 16 == plan.groupSize, "\(name): \(plan.entry)")
            #expect(4 * (stage + rows * (rows + 4)) <= traits.localMemoryBytes, "\(name): \(plan.entry), blocks of \(rows)")
        } else if let m = definition("TILE_M"), let n = definition("TILE_N"), let k = definition("TILE_K") {
            let taps = plan.entry == "soma_convolution" ? 32 * (2 * k + n) + 8 : 0
            #expect(2 * k * (m + n + 8) * 4 + taps <= traits.localMemoryBytes, "\(name): \(plan.entry), tile \(m)×\(n)×\(k)")
        }
    }

    /// The driver reckons no more local memory than the tile counts.
    @Test(.enabled(if: testDevice != nil, "no OpenCL device")) func localMemoryIsCounted() throws {
        let backend = try makeBackend(.gpu) { $0.usesWinograd = false }
        for pass in ConvolutionSample.passes {
            let step = ConvolutionSample(inputs: 33, outputs: 40, input: [9, 9]).with(pass).step
            let plan = try #require(try backend.planner.convolution(step).first)
            let kernel = try backend.programs.kernel(plan.entry, plan.source, options: plan.options)
            var bytes: UInt64 = 0
            let key = cl_kernel_work_group_info(CL_KERNEL_LOCAL_MEM_SIZE)
            try check(cl.pointee.clGetKernelWorkGroupInfo(kernel, backend.context.id, key, 8, &bytes, nil), "clGetKernelWorkGroupInfo")
            let tile = backend.planner.tile(for: step, ImplicitProduct(step))
            #expect(Int(bytes) <= tile.localMemoryBytes(isConvolution: true), "\(pass)")
        }
    }

    private func check(_ code: cl_int, _ function: String) throws { if code != CL_SUCCESS { throw OpenCLError(function: function, code: code) } }

    /// The right numbers on a device of small groups, whose size is no power of two.
    @Test(.timeLimit(.minutes(60)), .enabled(if: testDevice != nil, "no OpenCL device"), arguments: [96, 32, 7])
    func smallGroupsComputeTheSame(_ groupSize: Int) throws {
        let backend = try makeBackend(.gpu) { $0.groupLimit = groupSize }
        #expect(backend.planner.traits.isCPU == (groupSize < 32))
        #expect(try Product(m: 33, n: 66, k: 20).firstDifference(on: backend) == nil)
        let depthwise = ConvolutionSample(pass: .filterGradient, batch: 8, inputs: 3, outputs: 3, groups: 3, input: [30, 30])
        for sample in [depthwise, ConvolutionSample(inputs: 5, outputs: 33, input: [5, 7])] {
            #expect(try sample.output(on: backend) == sample.output(on: InterpretingBackend()), "\(sample)")
        }
        let (rows, columns) = (70, 1000)
        let values = (0..<rows * columns).map { Float($0 % 7) / 2 }
        let output = [UInt8](repeating: 0xA5, count: rows * 4)
        let memory = [values.withUnsafeBytes { [UInt8]($0) }, output, output]
        for isAcross in [true, false] {
            let step = Step.reduce(Self.sums(2, rows: rows, columns: columns, isAcross: isAcross))
            #expect(try result(of: step, on: backend, memory, scalars: []) == result(of: step, on: InterpretingBackend(), memory, scalars: []))
        }
    }

    @Test func kernelsForGPUsNeedAGroupOfOneTile() {
        func isCPU(_ groupSize: Int, _ bytes: Int) -> Bool {
            let planner = StepPlanner(traits: DeviceTraits(isCPU: false, computeUnits: 1, maximumWorkGroupSize: 256, localMemoryBytes: bytes))
            return planner.narrowed(to: KernelLimits(groupSize: groupSize))?.traits.isCPU ?? true
        }
        #expect(!isCPU(32, 32 << 10) && isCPU(31, 32 << 10) && isCPU(64, 4096))
    }

    /// `fma` only where the device has it as an instruction.
    @Test func fusedMultiplyAddsAreGuarded() throws {
        for hasFMA in [true, false] {
            let planner = StepPlanner(
                traits: DeviceTraits(isCPU: true, computeUnits: 2, maximumWorkGroupSize: 64, localMemoryBytes: 1 << 15, hasFMA: hasFMA))
            let product = try #require(planner.matmul(Product(m: 64, n: 64, k: 64).step).last)
            for source in [product.source, planner.peakSource()] { #expect(source.contains("#define SOMA_FMA \(hasFMA ? 1 : 0)\n")) }
        }
        for name in ["tile_cpu", "peaks"] {
            let calls = KernelTemplate.text(of: name).split(separator: "\n").filter { $0.contains("fma(") || $0.hasSuffix(" fma") }
            #expect(calls.count == 1, "\(name).cl: one guarded use")
        }
    }
}
