/// What of a device decides kernels and geometry.
struct DeviceTraits: Hashable {
    /// Whether a work-item runs as a loop of vector instructions: then kernels named `_cpu` are used.
    var isCPU: Bool
    var computeUnits: Int
    /// Work-items of the largest work-group; of no kernel more, and of some fewer: see `KernelLimits`.
    var maximumWorkGroupSize: Int
    var localMemoryBytes: Int
    /// Whether a multiplication and an addition that are rounded once are an instruction.
    var hasFMA = true
    var isNVIDIA = false
    var vendor = ""
}

extension DeviceTraits {
    /// - Parameter usesCPUKernels: whether kernels for processors are used; `nil` asks the device.
    init(_ device: OpenCLDevice, usesCPUKernels: Bool? = nil) {
        self.init(
            isCPU: usesCPUKernels ?? (device.kernels == .cpu), computeUnits: device.computeUnits, maximumWorkGroupSize: device.maximumWorkGroupSize,
            localMemoryBytes: device.localMemoryBytes, hasFMA: device.hasFMA, isNVIDIA: device.isNVIDIA, vendor: device.vendor)
        if !fitKernelsForGPUs { isCPU = true }
    }

    /// Whether every kernel for GPUs has a form with so small work-groups and so little local memory. Those for processors always have.
    var fitKernelsForGPUs: Bool { MatmulTile.least.items <= maximumWorkGroupSize && MatmulTile.least.localMemoryBytes(isConvolution: true) <= localMemoryBytes }

    /// The largest power of two of work-items, of which each has so many bytes of local memory, that fits a work-group; trees need a power of two.
    func treeSize(atMost limit: Int, bytesPerItem: Int = 0) -> Int {
        powerOfTwo(atMost: min(limit, maximumWorkGroupSize, bytesPerItem > 0 ? localMemoryBytes / bytesPerItem : .max))
    }
}

/// The largest power of two that is no greater than a number; 1 where there is none.
func powerOfTwo(atMost number: Int) -> Int { number < 2 ? 1 : 1 << (Int.bitWidth - 1 - number.leadingZeroBitCount) }
