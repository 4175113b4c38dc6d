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
              soma devices --json | jq '.[0].name'
            """)

    @Flag(help: "Print an array of objects.")
    var json = false

    func run() throws {
        let all = Device.all()
        if json { return try Console.print(DeviceListing.json(all).description) }
        try DeviceListing.table(all).lines.forEach(Console.print)
    }
}
