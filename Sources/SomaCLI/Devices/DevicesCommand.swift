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
              soma devices --check

            --peaks measures each device apart from any workload, two seconds or so each: multiply-adds, memory, transfers, launches, \
            and how long a program takes to compile.

            --check compares every kind of kernels of each OpenCL device with what the processor computes; the exit status is 1 where \
            one is wrong. Kinds are also checked by themselves when a device and its driver first use them; one that is wrong is done without.

            A driver that gives no answer within 30 seconds is passed over, and no later command waits for it until the machine starts anew or its \
            library changes; --check and --diagnose try it again.
            """)

    @Flag(help: "Print an array of objects.")
    var json = false

    @Flag(help: "Tell of each library and driver file that was looked for, and what to do where one is missing.")
    var diagnose = false

    @Flag(help: "Measure what each device is capable of.")
    var peaks = false

    @Flag(help: "Check the kernels of each OpenCL device against the processor.")
    var check = false

    @Option(help: "With --peaks or --check, the devices, with commas between them. (default: all)")
    var device: String?

    @OptionGroup var build: BuildChoice

    func validate() throws {
        if [peaks, diagnose, check].filter(\.self).count > 1 { throw ValidationError("--peaks, --diagnose and --check are different questions; ask one") }
        if device != nil && !peaks && !check {
            throw ValidationError("--device names what --peaks measures and --check checks; without them every device is listed")
        }
        if json && diagnose { throw ValidationError("--diagnose prints lines for people; leave out --json") }
    }

    func run() throws {
        if diagnose || check { Device.retrySilentDrivers() }
        if diagnose {
            for (kind, lines) in Device.diagnosis() {
                try ([kind] + lines.map { "  " + $0 }).forEach(Console.print)
            }
            return
        }
        if peaks { return try measure() }
        if check { return try checkKernels() }
        let all = Device.all()
        DeviceChoice.complaint(among: all).map(Console.complain)
        if json { return try Console.print(DeviceListing.json(all).description) }
        try DeviceListing.table(all).lines.forEach(Console.print)
        try DeviceListing.tuningLines(all).forEach(Console.print)
    }

    private func checkKernels() throws {
        let checked = try DeviceChoice.devices(device ?? "all").compactMap { device in
            try device.checkKernels().map { CheckedDevice(description: device.deviceDescription, checks: $0) }
        }
        if json {
            try Console.print(JSON.array(checked.map(\.json)).description)
        } else if checked.isEmpty {
            try Console.print("no device here but the processor, which others are checked against")
        } else {
            for (number, device) in checked.enumerated() { try ((number > 0 ? [""] : []) + device.lines).forEach(Console.print) }
        }
        if !checked.allSatisfy(\.isRight) { throw ExitCode(1) }
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
