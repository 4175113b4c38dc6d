import ArgumentParser
import Soma
import SomaZoo

struct ExportCommand: ParsableCommand {
    enum Source: String, CaseIterable, ExpressibleByArgument { case mnist, digits }

    static let configuration = CommandConfiguration(
        commandName: "export",
        abstract: "Writes a data set as PNG files, in a folder for each class.",
        discussion: """
            FOLDER/train/CLASS/NUMBER.png and FOLDER/val/CLASS/NUMBER.png, as recipes with --data FOLDER take them. A \
            file that is there and right is kept: a run that was stopped is simply started again. A folder that holds \
            other pictures is refused.

              soma data export digits data/digits-png
              soma data export mnist data/mnist-png --limit 5000
            """)

    @Argument(help: "mnist or digits.")
    var source: Source

    @Argument(help: "Where to write.", completion: .directory)
    var folder: String

    @Option(help: ArgumentHelp("At most so many pictures of each part: train, val.", valueName: "number"))
    var limit: Int?

    @Option(help: ArgumentHelp("The folder with the four files of MNIST.", valueName: "folder"), completion: .directory)
    var data = "data/mnist"

    func validate() throws {
        if let limit, limit < 1 { throw ValidationError("--limit takes a whole number from 1 on") }
        if folder.isEmpty { throw ValidationError("FOLDER is empty") }
    }

    func run() throws {
        Interruption.watch()
        switch source {
        case .digits:
            let (training, heldOut) = DigitsRecipe.dataSets
            try export(training, heldOut, PictureSize(8))
        case .mnist:
            let files = try MNIST(folder: data)
            let shape = files.trainingImages.shape
            guard shape.count == 3, files.testImages.shape.dropFirst() == shape.dropFirst() else {
                throw SomaError("\(data) does not hold pictures of rows and columns, all of one size")
            }
            try export(
                try ImageDataSet(images: files.trainingImages, labels: files.trainingLabels),
                try ImageDataSet(images: files.testImages, labels: files.testLabels),
                PictureSize(height: shape[1], width: shape[2]))
        }
    }

    /// - Throws: `SomaError`; `ExitCode` 130 where it was interrupted.
    private func export(_ training: some DataSet, _ heldOut: some DataSet, _ size: PictureSize) throws {
        let writer = try ImageFolderWriter(path: folder)
        let limit = limit ?? .max
        let total = min(limit, training.count) + min(limit, heldOut.count)
        let line = CountingLine("wrote", of: total, "pictures")
        func progress(_ count: Int) throws {
            if Interruption.isPending { throw Interruption.exitCode }
            try line.show(count)
        }
        defer { line.clear() }
        try writer.write([.init("train", training, limit: limit), .init("val", heldOut, limit: limit)], size: size, progress: progress)
        writer.finish()
        line.clear()
        let kept = writer.keptCount > 0 ? ", \(Quantity.grouped(writer.keptCount)) were there" : ""
        try Console.print("\(folder): wrote \(Quantity.grouped(writer.writtenCount)) pictures\(kept)")
    }
}

/// `wrote 1,200 of 70,000 pictures`: one line of a terminal that is written over and over; elsewhere nothing.
final class CountingLine {
    private let verb: String
    private let total: Int
    private let noun: String
    private var drawn: ContinuousClock.Instant?

    init(_ verb: String, of total: Int, _ noun: String) { (self.verb, self.total, self.noun) = (verb, total, noun) }

    func show(_ count: Int) throws {
        guard Console.isTerminal else { return }
        if let drawn, .now - drawn < .milliseconds(100) { return }
        drawn = .now
        try Console.redraw("\(verb) \(Quantity.grouped(count)) of \(Quantity.grouped(total)) \(noun)")
    }

    func clear() {
        if drawn != nil { try? Console.write("\r\u{1B}[K") }
        drawn = nil
    }
}
