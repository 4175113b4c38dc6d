import ArgumentParser
import Glibc
import Soma
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
              soma predict runs/digits some-digit.png

            The environment variable SOMA_DEVICE names the device where no --device does.
            """,
        version: Version.text,
        subcommands: [
            DevicesCommand.self, TrainCommand.self, CrossValidateCommand.self, EvaluateCommand.self, PredictCommand.self, GenerateCommand.self,
            FeaturesCommand.self, BenchCommand.self, TuneCommand.self, ProfileCommand.self, ExplainGraphCommand.self, DataCommand.self, InspectCommand.self,
        ])

    static func main() {
        Console.openClosed()
        Device.endInWords()
        // A file that grows past a limit is an error to tell, not an end without a word.
        signal(SIGXFSZ, SIG_IGN)
        HelpWidth.settle()
        Environment.complaints.forEach(Console.complain)
        do {
            try checkEncoding()
            try checkForEmptyWords(CommandLine.arguments.dropFirst())
            if let recipe = RecipeHelp.recipe(askedFor: Array(CommandLine.arguments.dropFirst())) {
                return try Console.print(RecipeHelp.page(recipe))
            }
            try checkNames(CommandLine.arguments.dropFirst(), configuration.subcommands, "command")
            var command = try parseAsRoot(try SettingOptions.rewritten(Array(CommandLine.arguments.dropFirst())))
            try command.run()
        } catch {
            Ending(error).exit()
        }
    }

    /// Swift would put signs of its own in the place of what is no UTF-8, and another file than was named would be looked for.
    private static func checkEncoding() throws {
        for place in 1..<max(1, Int(CommandLine.argc)) {
            guard let word = CommandLine.unsafeArgv[place], String(validatingCString: word) == nil else { continue }
            throw UsageError("'\(String(cString: word))' is no UTF-8, in which arguments are read; rename the file")
        }
        if let variable = Environment.illegible { throw UsageError("the variable \(variable) is no UTF-8, in which it is read; name another folder") }
    }

    /// An empty word names no file, device or setting: mostly it was a variable of the shell that is not set.
    private static func checkForEmptyWords(_ words: ArraySlice<String>) throws {
        if let word = words.first(where: { $0.hasPrefix("--") && $0.hasSuffix("=") }) { throw UsageError("nothing stands behind '\(word)'") }
        guard let place = words.firstIndex(of: "") else { return }
        throw UsageError(place == 1 ? "the first argument is empty" : "the argument behind '\(words[place - 1])' is empty")
    }

    /// Names what was perhaps meant, which the parser does for options alone.
    private static func checkNames(
        _ words: ArraySlice<String>, _ commands: [any ParsableCommand.Type], _ kind: String
    ) throws {
        guard let name = words.first, !name.hasPrefix("-"), !commands.isEmpty, name != "help" else { return }
        // Not by a key path: the compiler crashes on one to a static member.
        guard let command = commands.first(where: { $0.configuration.commandName == name }) else {
            throw UsageError(unknown: kind, name, among: commands.compactMap { $0.configuration.commandName })
        }
        try checkNames(words.dropFirst(), command.configuration.subcommands, "\(kind) of soma \(name)")
    }
}
