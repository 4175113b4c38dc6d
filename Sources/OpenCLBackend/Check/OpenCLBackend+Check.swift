import SomaBackend

extension OpenCLBackend: CheckableBackend {
    public func checkKernels() throws -> [KernelCheck] {
        let check = selfCheck ?? SelfCheck(CheckFile(for: openCLDevice, planner.traits.isCPU ? .cpu : .gpu, in: nil))
        return try check.check(on: self)
    }

    /// What an earlier process found to be wrong with a device's kernels, a line each.
    static func knownFaults(of device: OpenCLDevice) -> [String] {
        let kernels: KernelKind = DeviceTraits(device).isCPU ? .cpu : .gpu
        guard let verdicts = CheckFile(for: device, kernels, in: ProgramCache.standard.folder).read() else { return [] }
        return KernelFamily.allCases.compactMap { family in
            guard let verdict = verdicts.families[family], !verdict.fault.isEmpty else { return nil }
            return "\(device.name) does without its kernels for \(family.rawValue): \(verdict.fault)"
        }
    }
}
