import SomaBackend

/// A kernel, and the whole program that a driver is given for it.
public struct KernelProgram: Hashable, Sendable {
    /// The kernel's name in the source.
    public let entry: String
    /// OpenCL C 1.2, without includes.
    public let source: String
    /// As `clBuildProgram` takes them.
    public let options: String
    /// Work-items of a work-group.
    public let groupSize: Int

    init(entry: String, source: String, options: String = "", groupSize: Int) {
        (self.entry, self.source, self.options, self.groupSize) = (entry, source, OpenCLPrograms.options(options), groupSize)
    }

    init(_ plan: LaunchPlan) {
        self.init(entry: plan.entry, source: plan.source, options: plan.options, groupSize: plan.groupSize)
    }
}
