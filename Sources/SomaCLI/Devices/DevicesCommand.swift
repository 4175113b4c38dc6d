import ArgumentParser
import Soma

struct DevicesCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "devices",
        abstract: "Lists what can be trained on, named as --device takes it.",
        discussion: """
            The device marked with * is used where none is named: a GPU, else the CPU. Other accelerators, GPUs of the embedded \
            profile, and OpenCL drivers that run on the CPU are listed and never chosen by themselves.

              soma devices
              soma devices --json
              soma devices --diagnose
              soma devices --peaks

            --peaks measures each device apart from any workload, two seconds or so each: multiply-adds, memory, transfers, launches, \
            and how long a program takes to compile.
            """)

    @Flag(help: "Print an array of objects.")
    var json = false

    @Flag(help: "Tell of each library and driver file that was looked for, and what to do where one is missing.")
    var diagnose = false

    @Flag(help: "Measure what each device is capable of.")
    var peaks = false

    @Option(help: "With --peaks, the devices to measure, with commas between them. (default: all)")
    var device: String?

    @OptionGroup var build: BuildChoice

    func validate() throws {
        if peaks && diagnose { throw ValidationError("--peaks and --diagnose are two questions; ask one") }
        if device != nil && !peaks { throw ValidationError("--device names what --peaks measures; without it every device is listed") }
        if json && diagnose { throw ValidationError("--diagnose prints lines for people; leave out --json") }
    }

    func run() throws {
        if diagnose {
            for (kind, lines) in Device.diagnosis() {
                try ([kind] + lines.map { "  " + $0 }).forEach(Console.print)
            }
            return
        }
        if peaks { return try measure() }
        let all = Device.all()
        DeviceChoice.complaint(among: all).map(Console.complain)
        if json { return try Console.print(DeviceListing.json(all).description) }
        try DeviceListing.table(all).lines.forEach(Console.print)
        try DeviceListing.tuningLines(all).forEach(Console.print)
    }

    private func measure() throws {
        try build.check("devices --peaks")
        let devices = try DeviceChoice.devices(device ?? "all").map { device in
            var result = BenchDevice(device.deviceDescription)
            result.peaks = device.measured()
            return result
        }
        if json { return try Console.print(JSON.array(devices.map(\.json)).description) }
        try PeakTable.lines(devices).forEach(Console.print)
    }
}
