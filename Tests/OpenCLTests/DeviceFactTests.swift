import SomaBackend
import Testing

@testable import OpenCLBackend

/// What is made of what devices say of themselves.
@Suite struct DeviceFactTests {
    private static let gpu = [
        "type": "4", "memory": "1000", "allocation": "250", "local": "32768", "local-type": "1", "units": "8", "group": "256", "items": "256",
        "fp-config": "63", "is-available": "1", "has-compiler": "1", "model": "X", "profile": "FULL_PROFILE", "extensions": "cl_khr_fp16 cl_khr_icd",
    ]

    private func device(_ changes: [String: String]) -> OpenCLDevice {
        OpenCLDevice(Self.gpu.merging(changes) { $1 }, on: OpenCLSurvey.Platform(), at: (0, 0), number: 0)
    }

    /// Only what is truly a GPU is chosen by itself; emulators run the kernels for processors.
    @Test(arguments: [
        ([:], DeviceDescription.Kind.gpu, true, KernelKind.gpu),
        // A GPU may keep what groups share in ordinary memory.
        (["local-type": "2"], .gpu, true, .gpu),
        (["type": "2", "local-type": "2"], .cpu, false, .cpu),
        (["type": "6"], .cpu, false, .cpu),
        (["type": "8"], .accelerator, false, .gpu),
        (["type": "8", "local-type": "2"], .accelerator, false, .cpu),
        (["profile": "EMBEDDED_PROFILE"], .gpu, false, .cpu),
    ] as [([String: String], DeviceDescription.Kind, Bool, KernelKind)])
    func onlyGPUsAreChosenByThemselves(_ facts: [String: String], _ kind: DeviceDescription.Kind, _ isChosen: Bool, _ kernels: KernelKind) {
        let device = device(facts)
        #expect(device.kind == kind && device.description.isByNameOnly == !isChosen && device.suitableKernels == kernels)
    }

    @Test func limitsAreTheLeastThatIsSaid() {
        #expect(device(["group": "1024", "items": "64"]).maximumWorkGroupSize == 64)
        #expect(device(["group": "0", "items": "0", "units": "0"]).maximumWorkGroupSize == 1)
        #expect(device([:]).hasFMA && !device(["fp-config": "31"]).hasFMA)
        #expect(device(["is-available": "0"]).problem != nil && device(["has-compiler": "0"]).problem != nil && device([:]).problem == nil)
        #expect(DeviceTraits(device(["group": "16"])).isCPU && DeviceTraits(device(["local": "1024"])).isCPU && !DeviceTraits(device([:])).isCPU)
    }

    @Test func platformsWithoutDevicesComeWithAdvice() {
        let advice = { (name: String, variables: [String: String]) in PlatformAdvice.text(for: name) { variables[$0] } ?? "" }
        #expect(advice("rusticl", [:]).contains("set RUSTICL_ENABLE"))
        #expect(advice("Clover", [:]).contains("Rusticl"))
        #expect(advice("AMD Accelerated Parallel Processing", ["ROCR_VISIBLE_DEVICES": "7"]).contains("ROCR_VISIBLE_DEVICES=7"))
        #expect(advice("AMD Accelerated Parallel Processing", [:]).hasPrefix("it must be a GPU that ROCm knows"))
        #expect(advice("NVIDIA CUDA", ["CUDA_VISIBLE_DEVICES": "9"]).contains("CUDA_VISIBLE_DEVICES=9"))
        #expect(advice("Intel(R) OpenCL Graphics", [:]).contains("/dev/dri"))
        #expect(advice("Some other", [:]).isEmpty)
    }
}
