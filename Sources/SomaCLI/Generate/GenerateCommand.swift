import ArgumentParser
import Soma
import SomaZoo

struct GenerateCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "generate",
        abstract: "Has a trained generator make pictures of random numbers.",
        discussion: """
            The pictures come as one sheet, as near to a square as they go. Those of a seed are the same on any device but for rounding, and \
            the first of them are the same however many are asked for. They are numbered from 0, row by row.

            --walk makes a row of pictures whose numbers lead from those of the first picture to those of the second, on the arc between the two; \
            with --count so many rows, each from one picture to the next. --mix shows some pictures and behind them that of \
            the mean direction of their numbers. --pick writes pictures of such a sheet by themselves, sheet-3.png and so on; the numbers that \
            make each again are in its PNG file, as a text called soma in JSON.

              soma generate runs/dcgan --count 64 --seed 7 --output sheet.png
              soma generate runs/dcgan --seed 7 --pick 3,17,40 --output sheet.png
              soma generate runs/vae --seed 7 --mix 3,17 --output mix.png
              soma generate runs/vae --walk 12 --count 5 --output walks.png
            """)

    @Argument(help: ArgumentHelp(CheckpointSource.help, valueName: "checkpoint"), completion: .file(extensions: ["safetensors"]))
    var checkpoint: String

    @Option(parsing: .unconditional, help: "How many pictures to make, or with --walk how many walks. (default: 64, or 1 walk)")
    var count: Int?

    @Option(parsing: .unconditional, help: "Decides the random numbers.")
    var seed: UInt64 = 0

    @Option(parsing: .unconditional, help: ArgumentHelp("How many pictures lead from one to the next.", valueName: "steps"))
    var walk: Int?

    @Option(parsing: .unconditional, help: ArgumentHelp("Numbers of pictures to mix, with commas.", valueName: "numbers"))
    var mix: PictureNumbers?

    @Option(parsing: .unconditional, help: ArgumentHelp("Numbers of pictures to write by themselves, with commas.", valueName: "numbers"))
    var pick: PictureNumbers?

    @Option(help: ArgumentHelp("The PNG file to write.", valueName: "file"), completion: .file(extensions: ["png"]))
    var output = "generated.png"

    @Option(help: "The device, as soma devices names it.")
    var device: String?

    @Flag(help: "Print one object.")
    var json = false

    func validate() throws {
        guard count ?? 1 > 0 else { throw ValidationError("--count takes a whole number from 1 on") }
        try OutputFile.checkKind(of: output, is: "png", "--output")
    }

    func run() throws {
        let saved = try CheckpointSource(checkpoint).checkpoint
        let recipe = try SavedRun(saved).recipe
        let device = try DeviceChoice.device(device)
        let generator = try PictureGenerator(recipe.session(saved, device: device), saved)
        let noise = NoiseSource(count: generator.noiseCount, seed: seed)
        let plan = try GenerationPlan(count: count, walk: walk, mix: mix?.numbers ?? [], noise: noise)
        let head: [JSON.Member] = [
            .init("checkpoint", .string(saved.path)), .init("recipe", .string(recipe.name)), .init("device", .string("\(device)")),
        ]
        if let pick { return try write(pick.numbers, of: plan, by: generator, head) }
        try writeSheet(plan, by: generator, head)
    }

    // MARK: A sheet

    private func writeSheet(_ plan: GenerationPlan, by generator: PictureGenerator, _ head: [JSON.Member]) throws {
        // What cannot be is refused before anything is computed.
        let count = try plan.count
        var sheet = try PictureSheet(count: count, tile: generator.size, channels: generator.channels, columns: plan.columns)
        try OutputFile.check(output)
        try generator.make(count, numbers: plan.numbers) { _, _, values in sheet.add(values, from: generator.range) }
        let picture = sheet.picture
        try picture.write(to: output)
        guard json else {
            let shape = plan.columns == nil ? " in \(sheet.rows) rows of \(sheet.columns)" : ""
            return try Console.announce("wrote \(output): \(plan.title(count))\(shape), seed \(seed)", to: output)
        }
        try Console.print(
            JSON.object(
                head + [
                    .init("output", .string(output)), .init("count", JSON(count)), .init("seed", .number(String(seed))),
                    .init("rows", JSON(sheet.rows)), .init("columns", JSON(sheet.columns)),
                    .init("width", JSON(picture.width)), .init("height", JSON(picture.height)),
                ] + plan.members
            ).description)
    }

    // MARK: Pictures by themselves

    /// What the text in a picture's file is called.
    private static let keyword = "soma"

    private func write(_ chosen: [Int], of plan: GenerationPlan, by generator: PictureGenerator, _ head: [JSON.Member]) throws {
        try GenerationPlan.check(chosen, of: try plan.count, "--pick")
        for number in chosen { try OutputFile.check(path(number)) }
        try generator.make(chosen.count, numbers: { try plan.numbers(chosen[$0]) }) { index, numbers, values in
            var sheet = try PictureSheet(count: 1, tile: generator.size, channels: generator.channels)
            sheet.add(values, from: generator.range)
            let origin: [JSON.Member] = [.init("seed", .number(String(seed))), .init("picture", JSON(chosen[index]))] + plan.members
            let text = JSON.object(head.filter { $0.name != "device" } + origin + [.init("numbers", .array(numbers.map { JSON($0) }))])
            try sheet.picture.write(to: path(chosen[index]), text: text.description, keyword: Self.keyword)
        }
        let paths = chosen.map(path)
        guard json else { return try paths.forEach { try Console.print("wrote \($0)") } }
        let pictures = zip(chosen, paths).map { JSON.object([.init("picture", JSON($0)), .init("output", .string($1))]) }
        let members: [JSON.Member] = [
            .init("pictures", .array(pictures)), .init("seed", .number(String(seed))), .init("width", JSON(generator.size.width)),
            .init("height", JSON(generator.size.height)),
        ]
        try Console.print(JSON.object(head + members + plan.members).description)
    }

    /// The file of a picture by itself: `sheet-3.png` beside `sheet.png`.
    private func path(_ number: Int) -> String {
        let hasKind = output.utf8.count > 4 && output.lowercased().hasSuffix(".png")
        return "\(hasKind ? String(output.dropLast(4)) : output)-\(number).png"
    }
}
