import ArgumentParser
import Soma

struct DevicesCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "devices",
        abstract: "Lists what can be trained on, named as --device takes it.",
        discussion: """
            The device marked with * is used where none is named: a GPU, else another accelerator, else the CPU. \
            An OpenCL driver that runs on the CPU is listed and never chosen by itself.

              soma devices
              soma devices --json
              soma devices --diagnose
            """)

    @Flag(help: "Print an array of objects.")
    var json = false

    @Flag(help: "Tell of each library and driver file that was looked for, and what to do where one is missing.")
    var diagnose = false

    func validate() throws {
        if json && diagnose { throw ValidationError("--diagnose prints lines for people; leave out --json") }
    }

    func run() throws {
        if diagnose {
            for (kind, lines) in Device.diagnosis() {
                try ([kind] + lines.map { "  " + $0 }).forEach(Console.print)
            }
            return
        }
        let all = Device.all()
        DeviceChoice.complaint(among: all).map(Console.complain)
        if json { return try Console.print(DeviceListing.json(all).description) }
        try DeviceListing.table(all).lines.forEach(Console.print)
    }
}
