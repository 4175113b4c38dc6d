import CLibraries
import CPUKernels
import SomaBackend

/// A product of a convolution and its epilogue: by Winograd's algorithm where that suits, else by oneDNN where it has a kernel, else by
/// the project's own plain ones. Images whose channels come first
/// are those of depthwise convolutions, as `Capabilities.takesDepthwiseInEitherOrder` says.
final class ConvolutionProgram: ProductProgram, @unchecked Sendable {
    /// The project's own kernels.
    private enum Kernel {
        case depthwise, winograd, plain

        var run: (UnsafePointer<libraries_convolution>, UnsafePointer<Float>, UnsafePointer<Float>, UnsafeMutablePointer<Float>) -> Bool {
            switch self {
            case .depthwise: soma_convolution_run_depthwise
            case .winograd: soma_convolution_run_winograd
            case .plain: soma_convolution_run
            }
        }
    }

    private let convolution: libraries_convolution
    private let kernel: Kernel
    private let prepared: OpaquePointer?

    /// - Throws: `BackendError.outOfMemory` where scratch memory is needed and there is none.
    init(_ step: ConvolutionStep, pool: CPUMemory) throws {
        convolution = libraries_convolution(step)
        let suitsWinograd = withUnsafePointer(to: convolution) { soma_convolution_suits_winograd($0) }
        kernel = step.order == .channelsFirst ? .depthwise : suitsWinograd ? .winograd : .plain
        prepared = kernel == .plain ? withUnsafePointer(to: convolution) { libraries_onednn_convolution_create($0) } : nil
        try super.init(of: step.first, step.second, step.nest, plainTarget: step.plainTarget, pool: pool)
    }

    deinit { if let prepared { libraries_onednn_convolution_destroy(prepared) } }

    override func multiply(_ a: UnsafePointer<Float>, _ b: UnsafePointer<Float>, _ c: UnsafeMutablePointer<Float>) throws {
        if let prepared, libraries_onednn_convolution_run(prepared, a, b, c) { return }
        var convolution = convolution
        guard kernel.run(&convolution, a, b, c) else { throw BackendError.noScratchMemory }
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
