import ArgumentParser
import Glibc
import Soma
import SomaZoo

struct EvaluateCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "evaluate",
        abstract: "Measures how well a trained checkpoint tells classes apart.",
        discussion: """
            Accuracy, that among the five likeliest classes where there are more than five, precision, recall and F1 of \
            each class, and the confusion matrix: how often each class was taken for which. Without --data on the data \
            that the recipe has to test on, or the pictures that its run has held out. With --data on the test files of \
            MNIST or of a data set in the same form, or on folders of pictures, one for each class: on their part val \
            where there is one, else on all; of the folder that was trained on, on the pictures held out.

              soma evaluate runs/digits
              soma evaluate runs/lenet/best.safetensors --data data/mnist --chart confusion.svg
            """)

    @Argument(
        help: ArgumentHelp("A checkpoint of soma train, or a run folder, of which best.safetensors is taken.", valueName: "checkpoint"),
        completion: .file(extensions: ["safetensors"]))
    var checkpoint: String

    @Option(help: ArgumentHelp("The folder with the data. (default: that of the run)", valueName: "folder"), completion: .directory)
    var data: String?

    @Option(help: "The device, as soma devices names it.")
    var device: String?

    @Option(parsing: .unconditional, help: "Samples to evaluate at a time. (default: as many as take 16 MiB, at most 250)")
    var batch: Int?

    @Option(help: ArgumentHelp("Draw the confusion matrix, as SVG.", valueName: "file"), completion: .file(extensions: ["svg"]))
    var chart: String?

    @Flag(help: "Print one object.")
    var json = false

    func validate() throws {
        guard (1...1_000_000).contains(batch ?? 1) else { throw ValidationError("--batch takes a whole number from 1 to 1000000") }
        if chart == "" { throw ValidationError("--chart names no file") }
    }

    func run() throws {
        let source = try CheckpointSource(checkpoint)
        let saved = try SavedRun(source.checkpoint)
        let device = try DeviceChoice.device(device)
        let test = try saved.recipe.testData(of: source.checkpoint, in: data ?? source.data(of: saved.recipe))
        let predictor = try saved.recipe.predictor(source.checkpoint, device: device)
        Interruption.watch()
        let matrix = try predictor.evaluate(test.dataSet, batchSize: batch) { _ in
            if Interruption.isPending { throw Interruption.exitCode }
        }
        for remark in test.dataSet.takeRemarks() { Console.complain("soma: \(remark)") }
        let report = EvaluationReport(
            matrix, checkpoint: source.checkpoint, recipe: saved.recipe.name, origin: test.origin, device: "\(device)")
        // First what took long: a chart that cannot be written loses nothing then.
        try (json ? [report.json.description] : report.lines).forEach(Console.print)
        guard let chart else { return }
        try AtomicFile.write(report.chart, to: chart)
        if !json { try ["", "wrote \(chart)"].forEach(Console.print) }
    }
}

/// A checkpoint that was named by its file or by its run folder.
struct CheckpointSource {
    let checkpoint: Checkpoint
    private let folder: String

    /// - Throws: `SomaError` where there is none, or a broken one.
    init(_ path: String) throws {
        var status = stat()
        if stat(path, &status) == 0, status.st_mode & S_IFMT == S_IFDIR {
            folder = path
            let names = ["best.safetensors", "last.safetensors"].map { "\(path)/\($0)" }
            guard let file = names.first(where: { access($0, F_OK) == 0 }) else {
                throw SomaError("\(path) holds no checkpoint", hint: "soma train writes best.safetensors and last.safetensors there")
            }
            checkpoint = try Checkpoint(path: file)
        } else {
            folder = path.contains("/") ? String(path[..<(path.lastIndex(of: "/") ?? path.startIndex)]) : "."
            checkpoint = try Checkpoint(path: path)
        }
    }

    /// The folder of data that the run beside the checkpoint has used, else the usual one of the recipe.
    func data(of recipe: any Recipe) throws -> String? {
        if let configuration = try? RunConfiguration(folder: folder.isEmpty ? "/" : folder), configuration.recipe == recipe.name, let data = configuration.data {
            return data
        }
        guard case .folder(_, let usual?) = recipe.data, access(usual, F_OK) == 0 else { return nil }
        return usual
    }
}
