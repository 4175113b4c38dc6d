import SomaBackend

/// A kernel, and the whole program that a driver is given for it.
public struct KernelProgram: Hashable, Sendable {
    /// The kernel's name in the source.
    public let entry: String
    public let source: String
    /// As `clBuildProgram` takes them.
    public let options: String
    /// Work-items of a work-group.
    public let groupSize: Int

    init(_ plan: LaunchPlan) {
        (entry, source, options) = (plan.entry, plan.source, OpenCLPrograms.options(plan.options))
        groupSize = plan.local?.reduce(1, *) ?? 1
    }
}

/// A GPU that need not be here: what it would say about itself, as far as that decides its kernels.
///
/// For those who judge kernels with a compiler alone; see scripts/kernel-report.
public struct AbsentGPU: Sendable {
    private let planner: StepPlanner

    /// - Parameters:
    ///   - vendor: as OpenCL has it: `NVIDIA Corporation`, `Advanced Micro Devices, Inc.`
    ///   - computeUnits: decides where a tile leaves units idle, so that a smaller one is taken.
    public init(vendor: String, computeUnits: Int, maximumWorkGroupSize: Int, localMemoryBytes: Int) {
        planner = StepPlanner(
            traits: DeviceTraits(
                isCPU: false, computeUnits: computeUnits, maximumWorkGroupSize: maximumWorkGroupSize, localMemoryBytes: localMemoryBytes,
                isNVIDIA: vendor.hasPrefix("NVIDIA"), vendor: vendor))
    }

    public var capabilities: Capabilities { StepPlanner.capabilities }

    /// The kernels that a step is launched as where nothing was measured, in order.
    /// - Throws: `BackendError.unsupported`.
    public func programs(for step: Step) throws -> [KernelProgram] { try planner.launches(step).map(KernelProgram.init) }
}
