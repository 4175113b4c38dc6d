import ArgumentParser
import Soma
import SomaZoo

struct PredictCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "predict",
        abstract: "Tells what pictures show, or what rows of a table or texts are, by a trained checkpoint.",
        discussion: """
            Pictures are PNG or JPEG files, or IDX files of many pictures, plain or gzip. A single picture may be dark \
            on light or light on dark, of any size, grey or in colour: it is cut to what is drawn, scaled to what the \
            model takes, and centred as the pictures are that it was trained on, unless it already has that size.

            Rows are those of CSV files with the columns that the model was trained on, in any order and among others; --output writes \
            them with the answer behind each.

            Texts are the lines of files in UTF-8, or one by --text.

              soma predict runs/digits some-digit.png
              soma predict runs/table new.csv --output answers.csv
              soma predict runs/sentiment --text "the film was not bad."
              soma predict runs/mnist-mlp/best.safetensors pictures-idx3-ubyte --index 7
            """)

    @Argument(help: ArgumentHelp(CheckpointSource.help, valueName: "checkpoint"), completion: .file(extensions: ["safetensors"]))
    var checkpoint: String

    @Argument(help: ArgumentHelp("PNG, JPEG, IDX, CSV or text files.", valueName: "files"), completion: .file())
    var files: [String] = []

    @Option(parsing: .unconditional, help: ArgumentHelp("A text to tell the class of.", valueName: "text"))
    var text: String?

    @Option(parsing: .unconditional, help: "How many classes to show for each picture.")
    var top = 3

    @Option(parsing: .unconditional, help: "The number of one picture of an IDX file, or of one row or text, from 0. (default: all of them)")
    var index: Int?

    @Option(help: ArgumentHelp("The CSV file to write, of rows with their answers.", valueName: "file"), completion: .file(extensions: ["csv"]))
    var output: String?

    @Option(help: "The device, as soma devices names it.")
    var device: String?

    @Flag(help: "Print one object a line.")
    var json = false

    func validate() throws {
        guard !files.isEmpty || text != nil else { throw ValidationError("Missing expected argument '<files> ...'") }
        guard top > 0 else { throw ValidationError("--top takes a whole number from 1 on") }
        if let index, index < 0 { throw ValidationError("--index takes a whole number from 0 on") }
    }

    func run() throws {
        let saved = try CheckpointSource(checkpoint).checkpoint
        let device = try DeviceChoice.device(device)
        let session = try SavedRun(saved).recipe.session(saved, device: device)
        switch session.input {
        case .picture(let input):
            try refuseText(saved.path, session.input.title)
            // All files are read before anything is told, so that a broken one does not pass unnoticed among many lines.
            if let output { throw UsageError("--output \(output) is for rows of a table, and \(saved.path) takes pictures") }
            let sources = try files.map { try PictureSource(path: $0, input: input) }
            let prediction = try Prediction(session, checkpoint: saved.path, top: top, isJSON: json)
            for source in sources { try prediction.tell(source, index) }
        case .row(let preparation):
            try refuseText(saved.path, session.input.title)
            try RowPrediction(session, preparation, checkpoint: saved.path, top: top, isJSON: json).tell(files, index, to: output)
        case .text(let input):
            if let output { throw UsageError("--output \(output) is for rows of a table, and \(saved.path) takes texts") }
            try TextPrediction(session, input, checkpoint: saved.path, top: top, isJSON: json).tell(text, files, index)
        case .noise: throw UsageError("\(saved.path) takes random numbers and no files; soma generate makes pictures of them")
        }
    }

    private func refuseText(_ path: String, _ taken: String) throws {
        if text != nil { throw UsageError("--text is for models of texts, and \(path) takes \(taken)") }
    }
}
