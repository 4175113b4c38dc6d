import CLibraries

/// What a kernel can be launched with, as is known once it is built. One that needs many registers takes smaller work-groups than its device.
struct KernelLimits: Hashable {
    /// Work-items of its largest work-group.
    var groupSize: Int
    /// Whether the device has the local memory that it wants.
    var hasLocalMemory = true
}

extension OpenCLContext {
    /// What a step must be planned with instead, where its kernel does not run as planned; `nil` where it does.
    func limits(of kernel: cl_kernel, launchedAs plan: LaunchPlan) -> KernelLimits? {
        var (groupSize, localBytes) = (0, UInt64(0))
        // A driver that has no answer sets no limit.
        _ = cl.pointee.clGetKernelWorkGroupInfo(kernel, id, cl_kernel_work_group_info(CL_KERNEL_WORK_GROUP_SIZE), 8, &groupSize, nil)
        _ = cl.pointee.clGetKernelWorkGroupInfo(kernel, id, cl_kernel_work_group_info(CL_KERNEL_LOCAL_MEM_SIZE), 8, &localBytes, nil)
        let limits = KernelLimits(groupSize: groupSize > 0 ? groupSize : plan.groupSize, hasLocalMemory: localBytes <= UInt64(device.localMemoryBytes))
        return plan.groupSize > limits.groupSize || !limits.hasLocalMemory ? limits : nil
    }
}
