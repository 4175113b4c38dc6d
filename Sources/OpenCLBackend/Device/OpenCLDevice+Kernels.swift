/// Which of the two kinds of kernels a device runs.
public enum KernelKind: String, Sendable, CaseIterable {
    /// For processors: a work-item is a loop of vector instructions.
    case cpu
    /// For GPUs: work-groups share local memory.
    case gpu
}

extension OpenCLDevice {
    /// The kind that suits it: processors, emulators of other devices on them, and devices that promise less than the kernels for GPUs need take
    /// those for processors.
    var suitableKernels: KernelKind { isCPU || !isFullProfile || kind == .accelerator && hasGlobalLocalMemory ? .cpu : .gpu }

    /// The kind that `SOMA_KERNELS` asks for, if it does.
    static var wantedKernels: KernelKind? { environmentVariable("SOMA_KERNELS").flatMap { KernelKind(rawValue: $0.lowercased()) } }

    /// The kind that it runs.
    public var kernels: KernelKind { Self.wantedKernels ?? suitableKernels }

    /// What is added to the model's name where the kernels are not those that suit it.
    var kernelRemark: String { kernels == suitableKernels ? "" : ", kernels for \(kernels == .gpu ? "GPUs" : "processors")" }
}
