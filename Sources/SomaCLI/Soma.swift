import ArgumentParser

@main struct SomaCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "soma", abstract: "Train neural networks on the devices of this machine.", subcommands: [BenchCommand.self])
}
