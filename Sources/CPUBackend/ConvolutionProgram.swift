import CLibraries
import CPUKernels
import SomaBackend

/// A product of a convolution and its epilogue: by oneDNN where it has a kernel, else by the project's own. Images whose channels come first
/// are those of depthwise convolutions, as `Capabilities.takesDepthwiseInEitherOrder` says.
final class ConvolutionProgram: ProductProgram, @unchecked Sendable {
    private let convolution: libraries_convolution
    private let isPlanar: Bool
    private let prepared: OpaquePointer?

    /// - Throws: `BackendError.outOfMemory` where scratch memory is needed and there is none.
    init(_ step: ConvolutionStep, pool: CPUMemory) throws {
        convolution = libraries_convolution(step)
        isPlanar = step.order == .channelsFirst
        prepared = isPlanar ? nil : withUnsafePointer(to: convolution) { libraries_onednn_convolution_create($0) }
        try super.init(of: step.first, step.second, step.nest, plainTarget: step.plainTarget, pool: pool)
    }

    deinit { if let prepared { libraries_onednn_convolution_destroy(prepared) } }

    override func multiply(_ a: UnsafePointer<Float>, _ b: UnsafePointer<Float>, _ c: UnsafeMutablePointer<Float>) throws {
        if let prepared, libraries_onednn_convolution_run(prepared, a, b, c) { return }
        var convolution = convolution
        guard isPlanar ? soma_convolution_run_depthwise(&convolution, a, b, c) : soma_convolution_run(&convolution, a, b, c) else { throw BackendError.noScratchMemory }
    }
}

extension libraries_convolution {
    init(_ step: ConvolutionStep) {
        func pair(_ numbers: [Int]) -> (Int64, Int64) { (Int64(numbers[0]), Int64(numbers[1])) }
        self.init(
            pass: Int32(step.pass.rawValue), batch: Int64(step.batch), groups: Int64(step.groups),
            input_channels: Int64(step.inputChannels), output_channels: Int64(step.outputChannels), input: pair(step.input),
            output: pair(step.output), size: pair(step.windows.size), stride: pair(step.windows.stride),
            dilation: pair(step.windows.dilation), before: pair(step.windows.before))
    }
}
