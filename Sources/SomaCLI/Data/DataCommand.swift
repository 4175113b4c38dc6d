import ArgumentParser
import Soma

struct DataCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "data",
        abstract: "Fetches data sets, writes them as folders of pictures, and checks such folders.",
        discussion: """
            The recipe digits needs none of this: its data is part of the program.

              soma data mnist
              soma data export mnist data/mnist-png
              soma data check data/flowers
            """,
        subcommands: [MNISTCommand.self, ExportCommand.self, CheckCommand.self])
}

struct MNISTCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "mnist",
        abstract: "Fetches MNIST: 70,000 handwritten digits, 12 MB.",
        discussion: """
            What is there and right is kept, what is missing or broken is fetched; a transfer that broke off goes on where \
            it stopped. Every file is verified by its SHA-256 checksum. Files of other data by the same names are refused, \
            not replaced.

            MNIST: Y. LeCun, C. Cortes, C. J. C. Burges, 1998, CC BY-SA 3.0.

              soma data mnist
              soma data mnist --output /srv/mnist --mirror http://example.org/mnist/
            """)

    @Option(help: ArgumentHelp("Where to put the four files.", valueName: "folder"), completion: .directory)
    var output = "data/mnist"

    @Option(help: ArgumentHelp(
        "The address of a folder with the four files; may be given several times. (default: two public mirrors)",
        valueName: "url"))
    var mirror: [String] = []

    @Option(parsing: .unconditional, help: "How often a failing transfer is begun.")
    var attempts = 5

    func validate() throws {
        guard attempts > 0 else { throw ValidationError("--attempts takes a whole number from 1 on") }
        for url in mirror where !url.hasPrefix("http://") && !url.hasPrefix("https://") {
            throw ValidationError("--mirror takes an address that begins with http:// or https://, not '\(url)'")
        }
    }

    func run() throws {
        var source = MNISTSource()
        if !mirror.isEmpty { source.mirrors = mirror }
        source.downloader.attempts = attempts
        try Download(folder: output).run(source)
    }
}
