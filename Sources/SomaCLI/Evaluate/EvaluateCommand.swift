import ArgumentParser
import Glibc
import Soma
import SomaZoo

struct EvaluateCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "evaluate",
        abstract: "Measures how well a trained checkpoint does on samples whose answers are known.",
        discussion: """
            Of a model that tells classes apart: accuracy, that among the five likeliest classes where there are more than five, \
            precision, recall and F1 of each class, and the confusion matrix: how often each class was taken for which; of tables \
            ROC AUC, balanced accuracy and calibration too. Of a model that tells a number: RMSE, MAE and R². Of a generator: the \
            Fréchet distance of its pictures to held-out ones, how sure and how varied a classifier finds them, and how many \
            classes there are. Of an autoencoder: the error of its reconstructions, and of a variational one the bound of the \
            likelihood and its parts. Of a language model: the loss of a token, perplexity and bits per character. Without --data on the \
            data that the recipe has to test on, or what its run has held out. With --data on the test files of MNIST or of a data set in \
            the same form, on the rows of a table, on a text, or on folders of pictures, one for \
            each class: on their part val where there is one, else on all; of the folder that was trained on, on the pictures held \
            out. Pictures that cannot be read are left out, named and counted.

            --samples takes the first so many of the samples; of a generator it makes as many pictures. Fréchet distances compare where there are \
            as many.

              soma evaluate runs/digits
              soma evaluate runs/dcgan --samples 1000
              soma evaluate runs/lenet/best.safetensors --data data/mnist --chart confusion.svg
            """)

    @Argument(
        help: ArgumentHelp(CheckpointSource.help, valueName: "checkpoint"),
        completion: .file(extensions: ["safetensors"]))
    var checkpoint: String

    @Option(help: ArgumentHelp("The folder or file with the data. (default: that of the run)", valueName: "path"))
    var data: String?

    @Option(help: "The device, as soma devices names it.")
    var device: String?

    @Option(parsing: .unconditional, help: "Samples to evaluate at a time. (default: as many as take 16 MiB, at most 250)")
    var batch: Int?

    @Option(parsing: .unconditional, help: ArgumentHelp("How many samples to evaluate, the first ones. (default: all)", valueName: "count"))
    var samples: Int?

    @Option(help: ArgumentHelp("Draw the picture of the evaluation, such as the confusion matrix, as SVG.", valueName: "file"), completion: .file(extensions: ["svg"]))
    var chart: String?

    @Flag(help: "Print one object.")
    var json = false

    func validate() throws {
        guard (1...1_000_000).contains(batch ?? 1) else { throw ValidationError("--batch takes a whole number from 1 to 1000000") }
        guard samples ?? 1 > 0 else { throw ValidationError("--samples takes a whole number from 1 on") }
        if let chart { try OutputFile.checkKind(of: chart, is: "svg", "--chart") }
    }

    func run() throws {
        let source = try CheckpointSource(checkpoint)
        let saved = try SavedRun(source.checkpoint)
        let device = try DeviceChoice.device(device)
        let place = source.place()
        let folder = data ?? source.data(of: saved.recipe, place)
        var test = try saved.recipe.testData(of: source.checkpoint, in: folder, isTrainedOn: source.isTrainedOn(folder, place))
        if let samples { test = try Self.first(samples, of: test) }
        let session = try saved.recipe.session(source.checkpoint, device: device)
        Interruption.watch()
        let evaluation = try session.evaluate(test.dataSet, batchSize: batch) { _ in
            if Interruption.isPending { throw Interruption.exitCode }
        }
        let differences = source.checkpoint.arithmetic.map(Arithmetic(of: device).differences) ?? []
        if !differences.isEmpty { Console.complain("soma: the last digits may differ from those of the run: \(differences.joined(separator: "; "))") }
        for remark in test.remarks + test.dataSet.takeRemarks() { Console.complain("soma: \(remark)") }
        let report = EvaluationReport(
            evaluation, checkpoint: source.checkpoint, recipe: saved.recipe.name, origin: test.origin, device: "\(device)")
        // First what took long: a chart that cannot be written loses nothing then.
        try (json ? [report.json.description] : report.lines).forEach(Console.print)
        guard let chart else { return }
        try AtomicFile.write(report.chart(), to: chart)
        if !json { try Console.announce("wrote \(chart)", to: chart) }
    }

    /// - Throws: `UsageError` where there are fewer, or where samples go on from one another.
    private static func first(_ count: Int, of test: TestData) throws -> TestData {
        guard test.dataSet.batching == .free else {
            throw UsageError("--samples is for samples that stand by themselves, and a text goes on from one to the next")
        }
        guard count <= test.dataSet.count else {
            throw UsageError("--samples \(count): there are \(Quantity.counted(test.dataSet.count, "sample")), \(test.origin)")
        }
        let dataSet = Subset(test.dataSet, indices: Array(0..<count))
        return TestData(dataSet: dataSet, origin: "the first \(Quantity.grouped(count)) of \(test.origin)", remarks: test.remarks)
    }
}
