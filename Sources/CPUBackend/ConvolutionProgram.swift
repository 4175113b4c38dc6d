import CLibraries
import CPUKernels
import SomaBackend

/// A product of a convolution and its epilogue, by the kernel that suits its shape.
final class ConvolutionProgram: ProductProgram, @unchecked Sendable {
    private enum Kernel {
        /// One filter for each channel, images with channels first.
        case depthwise
        /// Few channels; the strides of x.
        case direct(strides: [Int64])
        case winograd
        case oneDNN(OpaquePointer)
        /// The gradient of a filter, in parts.
        case filterGradient(OpaquePointer)
        /// Windows copied into the rows of a matrix.
        case columns

        var name: String {
            switch self {
            case .depthwise: "own depthwise kernel"
            case .direct: "own direct kernel"
            case .winograd: "own Winograd kernel"
            case .oneDNN: "oneDNN"
            case .filterGradient(let parts): soma_filter_gradient_uses_onednn(parts) ? "oneDNN" : "own kernel"
            case .columns: "own kernel"
            }
        }
    }

    private let convolution: libraries_convolution
    private let order: ImageOrder
    private let kernel: Kernel

    /// - Throws: `BackendError.outOfMemory` where scratch memory is needed and there is none.
    init(_ step: ConvolutionStep, pool: CPUMemory) throws {
        let convolution = libraries_convolution(step)
        (self.convolution, order, kernel) = (convolution, step.order, try Self.kernel(of: step, convolution))
        try super.init(of: step.first, step.second, step.nest, plainTarget: step.plainTarget, pool: pool)
    }

    override var kernelName: String { "convolution, \(kernel.name)" }

    deinit {
        switch kernel {
        case .oneDNN(let prepared): libraries_onednn_convolution_destroy(prepared)
        case .filterGradient(let parts): soma_filter_gradient_destroy(parts)
        case .depthwise, .direct, .winograd, .columns: break
        }
    }

    private static func kernel(of step: ConvolutionStep, _ convolution: libraries_convolution) throws -> Kernel {
        let direct = Kernel.direct(strides: step.first.access.strides.map(Int64.init))
        return try withUnsafePointer(to: convolution) { convolution in
            if step.order == .channelsFirst { return step.pass == .forward && step.groups == 1 ? direct : .depthwise }
            if step.pass == .filterGradient {
                guard let parts = soma_filter_gradient_create(convolution, true) else { throw BackendError.noScratchMemory }
                if library_lacked_memory() {
                    soma_filter_gradient_destroy(parts)
                    throw BackendError.noLibraryMemory()
                }
                return .filterGradient(parts)
            }
            if soma_convolution_suits_winograd(convolution) { return .winograd }
            let suitsDirect = soma_convolution_suits_direct(convolution)
            // oneDNN's vectors are filters side by side: these would leave half of one empty.
            if suitsDirect && step.outputChannels <= 8 { return direct }
            if let prepared = libraries_onednn_convolution_create(convolution) { return .oneDNN(prepared) }
            try BackendError.checkLibraryMemory()
            return suitsDirect ? direct : .columns
        }
    }

    override func multiply(_ a: UnsafePointer<Float>, _ b: UnsafePointer<Float>, _ c: UnsafeMutablePointer<Float>) throws {
        var convolution = convolution
        let isDone =
            switch kernel {
            case .depthwise: soma_convolution_run_depthwise(&convolution, a, b, c)
            case .direct(let strides): soma_convolution_run_direct(&convolution, strides, order == .channelsLast, a, b, c)
            case .winograd: soma_convolution_run_winograd(&convolution, a, b, c)
            case .oneDNN(let prepared): try Self.run(prepared, a, b, c)
            case .filterGradient(let parts): soma_filter_gradient_run(parts, a, b, c)
            case .columns: soma_convolution_run(&convolution, a, b, c)
            }
        guard isDone else { throw BackendError.noLibraryMemory() }
    }

    /// Computes it by oneDNN. Where that fails now, another kernel would give other bits than the run before.
    private static func run(
        _ prepared: OpaquePointer, _ a: UnsafePointer<Float>, _ b: UnsafePointer<Float>, _ c: UnsafeMutablePointer<Float>
    ) throws -> Bool {
        if libraries_onednn_convolution_run(prepared, a, b, c) { return true }
        try BackendError.checkLibraryMemory()
        throw BackendError.unsupported("oneDNN refuses to run a convolution that it has prepared: SOMA_WITHOUT=onednn does without it")
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
