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

    /// A device that was listed is told by what it says of itself, and by its turn among those that say the same.
    @Test func devicesAreKnownAgain() {
        func place(_ platform: Int, _ device: Int, _ now: [[String]]) -> [Int]? {
            let listed = [["a", "b"], [], ["b", "c"]]
            return OpenCLDrivers.place(of: (platform, device), listedAs: listed, in: now).map { [$0.platform, $0.device] }
        }
        let same = [["a", "b"], [], ["b", "c"]], swapped = [["b", "c"], ["a", "b"]], shorter = [["a", "b"]]
        #expect(place(0, 0, same) == [0, 0] && place(0, 1, same) == [0, 1] && place(2, 0, same) == [2, 0])
        #expect(place(0, 0, swapped) == [1, 0] && place(2, 1, swapped) == [0, 1] && place(0, 1, swapped) == [0, 0] && place(2, 0, swapped) == [1, 1])
        #expect(place(0, 1, shorter) == [0, 1] && place(2, 0, shorter) == nil && place(2, 1, shorter) == nil)
        #expect(place(2, 1, [["a", "b"], [], ["b", "a"]]) == nil && place(0, 0, []) == nil)
    }

    /// The process is told the same of a device as the one that listed it.
    @Test(.enabled(if: testDevice != nil, "no OpenCL device")) func factsAreTheSameInBothProcesses() throws {
        let device = try #require(testDevice)
        #expect(OpenCLDevice.discovery.facts[device.place.platform][device.place.device] == device.facts)
        #expect(!device.facts.model.isEmpty && !device.facts.driver.isEmpty)
        _ = try OpenCLDrivers.handle(of: device)
    }

    /// A carriage return before the end of a line is one Character with it, and still the end of a line.
    @Test func linesEndWithOrWithoutACarriageReturn() {
        let text = "platform \r\nname A\u{2028}B\r\nend\n"
        let lines = Array(text.utf8).withUnsafeBytes { OpenCLSurvey.lines($0) }
        #expect(lines.map(\.key) == ["platform", "name", "end"] && lines.map(\.value) == ["", "A\u{2028}B", ""])
        let table = shippedTable("# a remark\r\ncpu 1 2\r\nother 3 4\r\n") { Array($0) }
        #expect(table == ["cpu": ["1", "2"], "other": ["3", "4"]])
        let sections = KernelTemplate.sections(of: "a\r\n//@ section s\r\nb\r\n")
        #expect(sections == ["head": ["a"], "s": ["b", ""]])
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
