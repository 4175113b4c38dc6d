import ArgumentParser
import Soma

struct InspectCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "inspect",
        abstract: "Shows the tensors and the metadata of a checkpoint.",
        discussion: """
            Any safetensors file will do. A checkpoint of `soma train` also holds what training needs to go on: \
            the optimiser's running values (optimizer/…) and averaged weights (average/…).

              soma inspect runs/digits/last.safetensors
            """)

    @Argument(help: "A safetensors file.", completion: .file(extensions: ["safetensors"]))
    var file: String

    @Flag(help: "Print an object with `metadata` and `tensors`.")
    var json = false

    func run() throws {
        let listing = FileListing(try SafetensorsFile(path: file))
        if json { return try Console.print(listing.json.description) }
        try listing.forEachLine(Console.print)
    }
}
