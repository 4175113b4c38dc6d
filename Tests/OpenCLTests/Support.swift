import Foundation
import OpenCLBackend
import Soma
import SomaBackend
import Synchronization
import Testing

/// The device the tests run on: the one `SOMA_TEST_DEVICE` names, else the first; `nil`, said once, where there is none.
let testDevice: OpenCLDevice? = {
    let (devices, wanted) = (OpenCLDevice.all, ProcessInfo.processInfo.environment["SOMA_TEST_DEVICE"] ?? "")
    let device = wanted.isEmpty ? devices.first : devices.first { $0.name == wanted }
    // Tests that were to run on a device and run on none have not passed.
    precondition(wanted.isEmpty || device != nil, "SOMA_TEST_DEVICE=\(wanted) is none of \(devices.map(\.name).joined(separator: ", "))")
    if device == nil { print("skipped: no OpenCL device (\(OpenCLDevice.diagnosis().joined(separator: "; ")))") }
    return device
}()

/// One backend for each kind of kernels, shared by all tests: each compiles its programs once. On a processor both kinds run, so that those for
/// GPUs are tested without one.
func sharedDevice(_ kind: KernelKind) throws -> Device {
    try devices.withLock { devices in
        if let known = devices[kind] { return known }
        let device = Device(running: try makeBackend(kind))
        devices[kind] = device
        return device
    }
}

private let devices = Mutex<[KernelKind: Device]>([:])

func makeBackend(_ kind: KernelKind, _ change: (inout OpenCLBackend.Options) -> Void = { _ in }) throws -> OpenCLBackend {
    var options = OpenCLBackend.Options()
    options.usesCPUKernels = kind == .cpu
    // Some drivers compile a program twice where it is to be kept.
    options.cacheFolder = ""
    options.tuning = Tuning()
    options.isIsolated = ProcessInfo.processInfo.environment["SOMA_MEMORY"] == "isolated"
    change(&options)
    return try OpenCLBackend(try #require(testDevice), options: options)
}
