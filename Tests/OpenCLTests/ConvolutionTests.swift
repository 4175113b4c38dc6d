import SomaBackend
import SomaGraph
import SomaReference
import Testing

@testable import OpenCLBackend

/// One product of a convolution of small halves, whose products add up exactly in any order, and what becomes of it: rectified with a bias
/// for each channel and a residual.
struct ConvolutionSample: CustomStringConvertible {
    var pass = ConvolutionPass.forward
    var batch = 1
    var inputs, outputs: Int
    var groups = 1
    var input: [Int]
    var size = [3, 3]
    var stride = [1, 1]
    var dilation = [1, 1]
    var before = [1, 1]
    var after = [1, 1]
    var isPlain = false
    /// Whether sums must be rounded.
    var isInexact = false

    var description: String {
        "\(pass) of \(batch)×\(inputs)→\(outputs)/\(groups) \(input), \(size), stride \(stride), dilation \(dilation), \(before)…\(after)"
    }

    var windows: Windows { Windows(size: size, stride: stride, dilation: dilation, before: before, after: after) }

    var output: [Int] { windows.count(over: input) }

    /// Over the result's extents.
    var step: ConvolutionStep {
        func operand(_ slot: Int, _ shape: Shape) -> Operand {
            Operand(slot: slot, dtype: .float32, access: Access(strides: shape.contiguousStrides))
        }
        var step = ConvolutionStep(
            pass: pass, order: .channelsFirst, batch: batch, inputChannels: inputs, outputChannels: outputs, groups: groups, input: input,
            output: output, windows: windows, first: operand(0, []), second: operand(1, []), epilogue: Body())
        let (x, w, y) = (step.inputShape, step.filterShape, step.outputShape)
        step.first = operand(0, pass == .inputGradient ? y : x)
        step.second = operand(1, pass == .filterGradient ? y : w)
        let result = Shape(step.extents)
        let bias = Operand(slot: 3, dtype: .float32, access: Access(strides: pass == .filterGradient ? [1, 0, 0, 0] : [0, 1, 0, 0]))
        step.epilogue = isPlain ? Self.plain(operand(2, result)) : Self.fused(operand(2, result), bias, operand(4, result))
        return step
    }

    private static func plain(_ target: Operand) -> Body {
        Body(instructions: [Instruction(.accumulator, .float32)], stores: [Store(value: 0, target: target)])
    }

    private static func fused(_ target: Operand, _ bias: Operand, _ residual: Operand) -> Body {
        Body(
            loads: [bias, residual], scalars: [0],
            instructions: [
                Instruction(.accumulator, .float32), Instruction(.load(operand: 0), .float32), Instruction(.binary(.add, 0, 1), .float32),
                Instruction(.load(operand: 1), .float32), Instruction(.binary(.add, 2, 3), .float32), Instruction(.scalar(index: 0), .float32),
                Instruction(.binary(.maximum, 4, 5), .float32),
            ],
            stores: [Store(value: 6, target: target)])
    }

    var memory: [[UInt8]] {
        let step = step
        func bytes(_ count: Int, _ factor: Int) -> [UInt8] {
            (0..<count).map { Float(($0 * factor) % 11 - 5) / (isInexact ? 3 : 2) }.withUnsafeBytes { [UInt8]($0) }
        }
        let first = pass == .inputGradient ? step.outputShape.count : step.inputShape.count
        let second = pass == .filterGradient ? step.outputShape.count : step.filterShape.count
        let count = step.extents.reduce(1, *)
        return [
            bytes(first, 7), bytes(second, 3), [UInt8](repeating: 0xA5, count: count * 4), bytes(max(inputs, outputs), 5), bytes(count, 4),
        ]
    }

    func output(on backend: some Backend) throws -> [UInt8] {
        try result(of: .convolution(step), on: backend, memory, scalars: [Scalar(0, .float32).bits])[2]
    }

    /// The same where every buffer begins at an element that no vector may begin at.
    func outputOfOddBuffers(on backend: some Backend) throws -> [UInt8] {
        let prepared = try backend.prepare(.convolution(step))
        let slices = try memory.map { bytes in
            let slice = BufferSlice(try backend.allocate(byteCount: bytes.count + 4), byteOffset: 4)
            try bytes.withUnsafeBytes { try backend.upload($0, to: slice) }
            return slice
        }
        try backend.enqueue([prepared], Bindings(buffers: slices, scalars: [Scalar(0, .float32).bits]))
        var output = memory[2]
        try output.withUnsafeMutableBytes { try backend.download(slices[2], into: $0) }
        return output
    }

    func with(_ pass: ConvolutionPass) -> ConvolutionSample {
        var sample = self
        sample.pass = pass
        return sample
    }

    static let passes: [ConvolutionPass] = [.forward, .inputGradient, .filterGradient]
}

extension BackendTests {
    private static let convolutions: [ConvolutionSample] = [
        ConvolutionSample(inputs: 31, outputs: 33, input: [3, 4]),
        ConvolutionSample(inputs: 1, outputs: 65, input: [5, 4], size: [2, 4], before: [0, 2], isPlain: true),
        ConvolutionSample(batch: 3, inputs: 3, outputs: 5, input: [8, 11], stride: [3, 3], after: [2, 0]),
        ConvolutionSample(batch: 2, inputs: 4, outputs: 8, input: [7, 6], stride: [2, 1], dilation: [2, 3], before: [2, 3], after: [2, 3]),
        ConvolutionSample(inputs: 6, outputs: 9, groups: 3, input: [6, 8], stride: [2, 4], dilation: [1, 2], before: [0, 1]),
        ConvolutionSample(batch: 2, inputs: 8, outputs: 4, input: [4, 4], size: [1, 1], before: [0, 0], after: [0, 0]),
        ConvolutionSample(batch: 2, inputs: 5, outputs: 4, input: [5, 7], size: [1, 1], stride: [2, 3], before: [0, 0], after: [0, 0]),
        ConvolutionSample(inputs: 4, outputs: 5, input: [8, 8], size: [1, 1], before: [0, 0], after: [0, 0]),
        ConvolutionSample(batch: 2, inputs: 3, outputs: 6, groups: 3, input: [5, 9]),
        ConvolutionSample(inputs: 2, outputs: 2, groups: 2, input: [7, 8], size: [2, 4], stride: [2, 3], dilation: [2, 1], before: [1, 3]),
    ]

    @Test(.timeLimit(.minutes(60)), arguments: KernelKind.allCases)
    func convolutionsOfEveryGeometry(_ kind: KernelKind) async throws {
        let backend = try makeBackend(kind)
        for sample in Self.convolutions {
            for pass in ConvolutionSample.passes {
                await Task.yield()
                let sample = sample.with(pass)
                let isRight = try sample.output(on: backend) == sample.output(on: InterpretingBackend())
                #expect(isRight, "\(sample)")
            }
        }
    }

    /// A filter gradient that is made in segments, and the same bits twice where sums must be rounded.
    @Test(.timeLimit(.minutes(60)), arguments: KernelKind.allCases)
    func convolutionsInSegments(_ kind: KernelKind) throws {
        let backend = try makeBackend(kind)
        var sample = ConvolutionSample(batch: 4, inputs: 2, outputs: 3, input: [12, 24])
        #expect(try backend.planner.convolution(sample.with(.filterGradient).step).contains { $0.source.contains("#define SEGMENTS 1\n") })
        for pass in ConvolutionSample.passes {
            sample.pass = pass
            sample.isInexact = false
            #expect(try sample.output(on: backend) == sample.output(on: InterpretingBackend()), "\(pass)")
            sample.isInexact = true
            #expect(try sample.output(on: backend) == sample.output(on: backend), "the same bits twice")
        }
    }

    @Test(.timeLimit(.minutes(60))) func convolutionsOfSlicesThatBeginAnywhere() throws {
        let backend = try makeBackend(.gpu)
        let sample = ConvolutionSample(batch: 2, inputs: 4, outputs: 4, input: [4, 4])
        for pass in ConvolutionSample.passes {
            let sample = sample.with(pass)
            #expect(try sample.outputOfOddBuffers(on: backend) == sample.output(on: backend), "\(pass)")
        }
    }

    /// The tiles that ship for other classes of devices or for large products, on one that does not fit them.
    @Test(.timeLimit(.minutes(60))) func convolutionsByEveryTile() throws {
        let shipped = ShippedTiles.convolutions.filter { $0.key != "cpu" }.values.flatMap { [$0.large, $0.small, $0.flat, $0.narrow].compactMap(\.self) }
        let common = ShippedTiles.convolutions["other"].map { [$0.small, $0.flat, $0.narrow].compactMap(\.self) } ?? []
        let tiles = Set(shipped).subtracting(common)
        #expect(tiles.count > 4)
        let sample = ConvolutionSample(inputs: 4, outputs: 33, input: [5, 7])
        let expected = try sample.output(on: InterpretingBackend())
        for tile in tiles {
            let backend = try makeBackend(.gpu) { $0.convolutionTiles = ShippedTiles(tile) }
            let isRight = try sample.output(on: backend) == expected
            #expect(isRight, "\(tile)")
        }
    }

    /// Positions of 64 bits, which only more memory than there is here would need: the programs build.
    @Test(.timeLimit(.minutes(60))) func convolutionsBeyond32BitsBuild() throws {
        let backend = try makeBackend(.gpu) { $0.usesWinograd = true }
        let samples = [
            ConvolutionSample(batch: 20_000, inputs: 128, outputs: 128, input: [32, 32]),
            ConvolutionSample(batch: 20_000, inputs: 128, outputs: 128, input: [32, 32], stride: [2, 2]),
            ConvolutionSample(batch: 20_000, inputs: 128, outputs: 128, groups: 128, input: [32, 32]),
        ]
        let steps = samples.flatMap { sample in ConvolutionSample.passes.map { pass in sample.with(pass).step } }
        for step in steps {
            let plans = try backend.planner.convolution(step)
            #expect(plans[0].source.contains("#define SOMA_WIDE 1\n"))
            let programs = Dictionary(plans.map { ($0.source, $0) }, uniquingKeysWith: { first, _ in first })
            for plan in programs.values {
                _ = try backend.programs.kernel(plan.entry, plan.source, options: plan.options)
            }
        }
    }

    @Test func convolutionsWithChannelsLastAreRefused() throws {
        var step = ConvolutionSample(inputs: 1, outputs: 1, input: [3, 3]).step
        step.order = .channelsLast
        #expect(throws: BackendError.self) { _ = try makeBackend(.gpu).prepare(.convolution(step)) }
    }

    /// Winograd's algorithm gives the sums of small halves without rounding too; here in parts of two images.
    @Test(.timeLimit(.minutes(60))) func convolutionsByWinograd() throws {
        let backend = try makeBackend(.gpu) { ($0.usesWinograd, $0.winogradBytes) = (true, 26_000) }
        let samples = [
            ConvolutionSample(batch: 3, inputs: 5, outputs: 33, input: [3, 4]),
            ConvolutionSample(inputs: 31, outputs: 2, input: [5, 7], before: [0, 2], after: [1, 0], isPlain: true),
        ]
        for sample in samples {
            for pass in [ConvolutionPass.forward, .inputGradient] {
                let sample = sample.with(pass)
                let isRight = try sample.output(on: backend) == sample.output(on: InterpretingBackend())
                #expect(isRight, "\(sample)")
            }
        }
        let names = try backend.planner.convolution(samples[0].step).map(\.entry)
        let part = ["soma_winograd_image", "soma_matmul", "soma_winograd_result"]
        #expect(names == ["soma_winograd_filter"] + part + part)
    }

    /// Results that see infinities, a NaN or numbers that are too large on the way are those of the definition, beside filters of zeros too.
    @Test(.timeLimit(.minutes(60)), arguments: [ConvolutionPass.forward, .inputGradient]) func winogradOfWhatIsNotFinite(_ pass: ConvolutionPass) throws {
        // In parts, of one image or two.
        let backend = try makeBackend(.gpu) { ($0.usesWinograd, $0.winogradBytes) = (true, 20_000) }
        let sample = ConvolutionSample(batch: 3, inputs: 5, outputs: 6, input: [7, 8], before: [1, 0], after: [0, 2], isPlain: true).with(pass)
        #expect(try backend.planner.convolution(sample.step).filter { $0.entry == "soma_winograd_result" }.count > 1)
        func changed(_ bytes: [UInt8], _ change: (inout [Float]) -> Void) -> [UInt8] {
            var values = floats(bytes)
            change(&values)
            return values.withUnsafeBytes { [UInt8]($0) }
        }
        func floats(_ bytes: [UInt8]) -> [Float] { bytes.withUnsafeBytes { Array($0.bindMemory(to: Float.self)) } }
        let alterations: [(inout [Float]) -> Void] = [
            { ($0[$0.count / 3], $0[$0.count / 2], $0[$0.count - 1]) = (.infinity, .nan, -.infinity) },
            { x in x = x.indices.map { [x.count / 3, x.count / 3 + 1, x.count - 2].contains($0) ? 0x1p127 : 0 } },
        ]
        for alter in alterations {
            var memory = sample.memory
            memory[0] = changed(memory[0], alter)
            // Zeros for the first channel of all filters and for all of the first.
            memory[1] = changed(memory[1]) { w in w = w.indices.map { $0 / 9 % 5 == 0 || $0 < 45 ? 0 : w[$0] / 16 } }
            let got = floats(try result(of: .convolution(sample.step), on: backend, memory, scalars: [])[2])
            let wanted = floats(try result(of: .convolution(sample.step), on: InterpretingBackend(), memory, scalars: [])[2])
            let wrong = got.indices.filter { got[$0] != wanted[$0] && !(got[$0].isNaN && wanted[$0].isNaN) }
            #expect(wrong.isEmpty, "\(wrong.prefix(3).map { "\(got[$0]) for \(wanted[$0]) at \($0)" })")
        }
    }

    /// An image for whose transforms there is no room is convolved as others are, and one beyond all counting refused.
    @Test func hugeImagesNeedNoMoreMemory() throws {
        let planner = try makeBackend(.gpu) { $0.usesWinograd = true }.planner
        func launches(_ side: Int) throws -> [LaunchPlan] {
            try planner.convolution(ConvolutionSample(inputs: 64, outputs: 64, input: [side, side]).step)
        }
        // 16 · 128 · 4 bytes for each tile of four pixels: 128 MiB are 16,384 tiles.
        #expect(try launches(256).first?.entry == "soma_winograd_filter")
        #expect(try launches(258).map(\.entry) == ["soma_convolution"])
        #expect(try launches(256).allSatisfy { $0.workspaceBytes <= 130 << 20 } && launches(8000).allSatisfy { $0.workspaceBytes == 0 })
        let side = 1 << 16
        let x = Operand(slot: 0, dtype: .float32, access: Access(strides: Shape([1, 1, side, side]).contiguousStrides))
        let windows = Windows(size: [2, 2], stride: [2, 2], dilation: [1, 1], before: [0, 0], after: [0, 0])
        let step = PoolingStep(
            function: .max, isGradient: false, order: .channelsFirst, batch: 1, channels: 1, input: [side, side], output: [side / 2, side / 2],
            windows: windows, operands: [x], result: x)
        #expect(throws: BackendError.self) { _ = try planner.pooling(step) }
    }
}

extension BackendTests {
    /// Windows that overlap, that leave pixels out, and that lie outside altogether; equal numbers, infinities and NaN.
    @Test(.timeLimit(.minutes(60)), arguments: KernelKind.allCases)
    func poolingOfEveryGeometry(_ kind: KernelKind) throws {
        let backend = try makeBackend(kind)
        let samples = [
            Windows(size: [3, 2], stride: [2, 1], dilation: [1, 2], before: [1, 0], after: [2, 1]),
            Windows(size: [2, 2], stride: [3, 2], dilation: [1, 1], before: [0, 2], after: [0, 0]),
        ]
        for windows in samples {
            for (function, isGradient) in [(PoolingFunction.max, false), (.max, true), (.sum, false), (.sum, true)] {
                let (step, memory) = Self.pooling(function, isGradient, windows)
                let expected = try result(of: .pooling(step), on: InterpretingBackend(), memory, scalars: [])
                let actual = try result(of: .pooling(step), on: backend, memory, scalars: [])
                #expect(agree(actual[2], expected[2], .float32), "\(function), gradient: \(isGradient), \(windows)")
            }
        }
    }

    private static func pooling(_ function: PoolingFunction, _ isGradient: Bool, _ windows: Windows) -> (PoolingStep, [[UInt8]]) {
        let input = [6, 7]
        let output = windows.count(over: input)
        let x = Shape([2, 3] + input), y = Shape([2, 3] + output)
        var values = (0..<x.count).map { Float($0 * 7 % 5) }
        if function == .max { (values[3], values[20], values[50], values[51]) = (.nan, -.infinity, .infinity, .nan) }
        func operand(_ slot: Int, _ shape: Shape) -> Operand { Operand(slot: slot, dtype: .float32, access: Access(strides: shape.contiguousStrides)) }
        func bytes(_ values: [Float]) -> [UInt8] { values.withUnsafeBytes { [UInt8]($0) } }
        let operands = isGradient ? (function == .max ? [operand(0, x), operand(1, y)] : [operand(1, y)]) : [operand(0, x)]
        let step = PoolingStep(
            function: function, isGradient: isGradient, order: .channelsFirst, batch: 2, channels: 3, input: input, output: output, windows: windows,
            operands: operands, result: operand(2, isGradient ? x : y))
        let count = isGradient ? x.count : y.count
        return (step, [bytes(values), bytes((0..<y.count).map { Float($0 % 9) / 2 }), [UInt8](repeating: 0xA5, count: count * 4)])
    }
}

extension Windows {
    /// How many windows there are in lines and pixels.
    fileprivate func count(over input: [Int]) -> [Int] {
        (0...1).map { axis -> Int in
            let reach = (size[axis] - 1) * dilation[axis] + 1
            return (input[axis] + before[axis] + after[axis] - reach) / stride[axis] + 1
        }
    }
}
