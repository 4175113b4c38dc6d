#if canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#endif
import CLibraries

extension OpenCLDevice {
    /// What was looked for on the way to a device, what came of it and what to do, a line each.
    public static func diagnosis() -> [String] {
        var lines = [line(cl.pointee.search)]
        if !cl.pointee.search.found { lines.append("  install the OpenCL loader (Debian: ocl-icd-libopencl1)") }
        lines += driverLines()
        lines += discovery.passedOver.map { "passed over: \($0.driver.library) (\($0.driver.path)): it \($0.death)" }
        lines += discovery.platforms.map(line)
        if cl.pointee.search.found && discovery.platforms.isEmpty {
            lines.append("no platform: no driver is installed, or none of its ICD files is right")
        }
        lines += discovery.problems
        lines += discovery.devices.map { "\($0.name): \($0.description.model), driver \($0.driver)" }
        lines += discovery.devices.flatMap(OpenCLBackend.knownFaults)
        let place = ICDFile.folders().first ?? "", isFile = place.hasSuffix(".icd") || place.contains(".so")
        if cl.pointee.search.found && !opencl_loader_is_ocl_icd() && isFile {
            lines.append("OCL_ICD_VENDORS names a file, and this loader, Khronos', looks into folders alone")
        }
        // CLBlast itself loads libOpenCL: only where that is there.
        if cl.pointee.search.found { lines.append(line(libraries_clblast_table().pointee.search)) }
        return lines
    }

    private static func driverLines() -> [String] {
        let icds = ICDFile.installed()
        // Those that are known not to answer are not waited for again.
        let silent = Dictionary(discovery.passedOver.filter(\.death.isSilence).map { ($0.driver, "it \($0.death)") }) { $1 }
        func problem(_ driver: ICDFile) -> String? { silent[driver] ?? LibraryTrial.problem(with: driver.library) }
        var lines = icds.isEmpty ? ["no ICD file in \(ICDFile.folders().joined(separator: ", "))"] : icds.map { $0.line(problem($0)) }
        if !ICDFile.named.isEmpty && cl.pointee.search.found && opencl_loader_is_ocl_icd() {
            lines.append("OCL_ICD_FILENAMES is not read by this loader, ocl-icd: name a folder of ICD files, or one, in OCL_ICD_VENDORS")
        }
        if !silent.keys.contains(where: NVIDIADriver.isOwn), let advice = NVIDIADriver.advice(icds.filter { silent[$0] == nil }) {
            lines.append(advice)
        }
        return lines
    }

    private static func line(_ platform: OpenCLSurvey.Platform) -> String {
        guard platform.devices.isEmpty else { return "platform \(platform.name)" }
        let advice = PlatformAdvice.text(for: platform.name).map { "; \($0)" } ?? ""
        return "platform \(platform.name): no device\(advice)"
    }

    private static func line(_ search: library_search) -> String {
        let reason = withUnsafeBytes(of: search.reason) { String(decoding: $0.prefix { $0 != 0 }, as: UTF8.self) }
        let (name, file) = (String(cString: search.name), String(cString: search.file))
        return search.found ? "\(name): \(file) found" : "\(name): not found: \(reason)"
    }
}

/// What to do about a platform that shows no device.
enum PlatformAdvice {
    static func text(for platform: String, _ variable: (String) -> String? = environmentVariable) -> String? {
        let name = platform.lowercased()
        func set(_ key: String) -> String? { variable(key).flatMap { $0.isEmpty ? nil : "\(key)=\($0)" } }
        if name.contains("rusticl") {
            let drivers = "its drivers by name, with commas: iris (Intel), radeonsi (AMD), nouveau, panfrost, llvmpipe (the processor)"
            guard let enabled = set("RUSTICL_ENABLE") else { return "set RUSTICL_ENABLE to \(drivers)" }
            return "none of \(enabled) finds one; RUSTICL_ENABLE takes \(drivers)"
        }
        if name.contains("clover") {
            return "Mesa's Clover drives few GPUs: install the maker's driver, or take Rusticl of the same package (RUSTICL_ENABLE)"
        }
        if name.contains("amd") {
            let hidden = ["ROCR_VISIBLE_DEVICES", "HIP_VISIBLE_DEVICES", "GPU_DEVICE_ORDINAL"].compactMap(set)
            return (hidden.isEmpty ? "" : "\(hidden.joined(separator: ", ")) may hide it; ")
                + "it must be a GPU that ROCm knows, and this user needs /dev/kfd and /dev/dri/renderD* "
                + "(groups render and video; a container must be handed both)"
        }
        if name.contains("nvidia") {
            return (set("CUDA_VISIBLE_DEVICES").map { "\($0) may hide it; " } ?? "")
                + "nvidia-smi tells whether the driver sees one (a container must be handed the card: docs/gpu.md)"
        }
        if name.contains("intel") { return "this user needs /dev/dri/renderD* (group render; a container must be handed the folder)" }
        if name.contains("portable computing") { return set("POCL_DEVICES").map { "\($0) names none that is here" } }
        return nil
    }
}

/// Containers often get NVIDIA's driver without the file that announces its OpenCL.
enum NVIDIADriver {
    static func isOwn(_ driver: ICDFile) -> Bool { driver.library.contains("nvidia") }

    static func advice(_ icds: [ICDFile]) -> String? {
        guard access("/proc/driver/nvidia/version", F_OK) == 0 || access("/dev/nvidiactl", F_OK) == 0 else { return nil }
        if icds.contains(where: { isOwn($0) && LibraryTrial.problem(with: $0.library) == nil }) { return nil }
        guard LibraryTrial.problem(with: "libnvidia-opencl.so.1") == nil else {
            return "an NVIDIA driver is here, but not its libnvidia-opencl.so.1: install it (in a container: NVIDIA_DRIVER_CAPABILITIES=compute,utility)"
        }
        return "an NVIDIA driver is here without an ICD file: mkdir -p /etc/OpenCL/vendors && echo libnvidia-opencl.so.1 > /etc/OpenCL/vendors/nvidia.icd"
    }
}
