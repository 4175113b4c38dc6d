import ArgumentParser
import Soma
import SomaZoo

struct GenerateCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "generate",
        abstract: "Has a trained generator make pictures of random numbers.",
        discussion: """
            The pictures come as one sheet, as near to a square as they go. Those of a seed are the same on any device but for rounding, and \
            the first of them are the same however many are asked for.

              soma generate runs/dcgan --count 64 --seed 7 --output sheet.png
            """)

    @Argument(help: ArgumentHelp(CheckpointSource.help, valueName: "checkpoint"), completion: .file(extensions: ["safetensors"]))
    var checkpoint: String

    @Option(parsing: .unconditional, help: "How many pictures to make.")
    var count = 64

    @Option(parsing: .unconditional, help: "Decides the random numbers.")
    var seed: UInt64 = 0

    @Option(help: ArgumentHelp("The PNG file to write.", valueName: "file"), completion: .file(extensions: ["png"]))
    var output = "generated.png"

    @Option(help: "The device, as soma devices names it.")
    var device: String?

    @Flag(help: "Print one object.")
    var json = false

    func validate() throws {
        guard count > 0 else { throw ValidationError("--count takes a whole number from 1 on") }
        try OutputFile.checkKind(of: output, is: "png", "--output")
    }

    func run() throws {
        let saved = try CheckpointSource(checkpoint).checkpoint
        let recipe = try SavedRun(saved).recipe
        let device = try DeviceChoice.device(device)
        let session = try recipe.session(saved, device: device)
        let noise = try noise(session, saved)
        let (channels, size, range) = try pictures(session, saved)
        // What cannot be is refused before anything is computed.
        var sheet = try PictureSheet(count: count, tile: size, channels: channels)
        try OutputFile.check(output)
        for start in stride(from: 0, to: count, by: Self.atOnce) {
            let answers = try session.answers(to: (start..<min(start + Self.atOnce, count)).map(noise.values))
            for answer in answers {
                guard answer.allSatisfy(\.isFinite) else { throw SomaError("\(saved.path) makes no pictures: its weights give NaN or an infinity") }
                sheet.add(answer, from: range)
            }
        }
        let picture = sheet.picture
        try picture.write(to: output)
        guard json else {
            return try Console.announce("wrote \(output): \(Quantity.counted(count, "picture")) in \(sheet.rows) rows of \(sheet.columns), seed \(seed)", to: output)
        }
        try Console.print(
            JSON.object([
                .init("checkpoint", .string(saved.path)), .init("recipe", .string(recipe.name)), .init("device", .string("\(device)")),
                .init("output", .string(output)), .init("count", JSON(count)), .init("seed", .number(String(seed))), .init("rows", JSON(sheet.rows)),
                .init("columns", JSON(sheet.columns)), .init("width", JSON(picture.width)), .init("height", JSON(picture.height)),
            ]).description)
    }

    /// Pictures that are computed at a time, so that any number takes little memory.
    private static let atOnce = 64

    /// - Throws: `SomaError` where the model makes nothing of random numbers.
    private func noise(_ session: Session, _ saved: Checkpoint) throws -> NoiseSource {
        switch session.input {
        case .noise(let count): return NoiseSource(count: count, seed: seed)
        case .picture, .row:
            throw SomaError("\(saved.path) takes \(session.input.title) and generates nothing", hint: "soma predict tells what they show or are")
        }
    }

    /// - Throws: `SomaError` where the model makes something else than pictures.
    private func pictures(_ session: Session, _ saved: Checkpoint) throws -> (channels: Int, size: PictureSize, range: ClosedRange<Float>) {
        switch session.answer {
        case .picture(let channels, let rows, let columns, let range): return (channels, PictureSize(height: rows, width: columns), range)
        case .classes: throw SomaError("\(saved.path) tells classes and makes no pictures")
        case .number(let name, _): throw SomaError("\(saved.path) tells \(name) and makes no pictures")
        }
    }
}
