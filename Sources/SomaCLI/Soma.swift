import ArgumentParser
import SomaZoo

/// The command `soma`.
@main
struct SomaCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "soma",
        abstract: "Trains neural networks on any OpenCL GPU, or on the CPU where there is none.",
        discussion: """
            A first run, which needs no file and no download:

              soma devices                        what can be trained on
              soma train digits                   1,797 handwritten digits, a few seconds
              soma inspect runs/digits/best.safetensors

            The environment variable SOMA_DEVICE names the device where no --device does.
            """,
        version: "0.1.0",
        subcommands: [DevicesCommand.self, TrainCommand.self, BenchCommand.self, InspectCommand.self])

    static func main() {
        do {
            if let recipe = RecipeHelp.recipe(askedFor: Array(CommandLine.arguments.dropFirst())) {
                return try Console.print(RecipeHelp.page(recipe))
            }
            try checkName(CommandLine.arguments.dropFirst().first)
            var command = try parseAsRoot()
            try command.run()
        } catch {
            Ending(error).exit()
        }
    }

    /// Names what was perhaps meant, which the parser does for options alone.
    private static func checkName(_ name: String?) throws {
        guard let name, !name.hasPrefix("-") else { return }
        let names = configuration.subcommands.compactMap { $0.configuration.commandName } + ["help"]
        if !names.contains(name) { throw UsageError(unknown: "command", name, among: names) }
    }
}
