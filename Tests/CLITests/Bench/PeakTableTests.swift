import Soma
import Testing

@testable import SomaCLI

/// What devices were measured to be capable of, written.
@Suite struct PeakTableTests {
    @Test func devicesSideBySide() {
        let lines = PeakTable.lines(BenchReportTests.report.devices)
        #expect(lines[0].hasPrefix("cpu: ") && lines[1].hasPrefix("opencl:0: "))
        #expect(lines.contains("float32 multiply-adds     100.0 GFLOP/s  200.0 GFLOP/s"))
        #expect(lines.contains("memory, write                 5.00 GB/s      5.00 GB/s"))
        #expect(lines.contains("launch, in a row                      —              —"))
        #expect(lines.contains("cpu: no float16 multiply-adds: no 16 bits"))
    }

    @Test func unitsThatSuit() {
        #expect(Peak.launch.text(2.5e-6) == "2.50 µs" && Peak.buildCold.text(0.25) == "250 ms" && Peak.buildCold.text(1.5) == "1.50 s")
    }

    @Test func theCommand() throws {
        let folder = TestFolder()
        let command = Command.soma("devices", "--peaks", "--device", "cpu", "--json", "--allow-debug", in: folder)
        #expect(command.status == 0, "\(command.complaint)")
        let devices = try #require(try JSON(parsing: command.output).array)
        #expect(devices.count == 1 && (devices[0]["peaks"]?["float32_fma"]?.double ?? 0) > 0)
        #expect(devices[0]["peaks"]?["float16_fma"]?.string == "this backend computes in float32")
        #expect(Command.soma("devices", "--device", "cpu", in: folder).status == 2)
        #expect(Command.soma("devices", "--peaks", "--diagnose", in: folder).status == 2)
    }
}
