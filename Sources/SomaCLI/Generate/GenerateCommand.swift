import ArgumentParser
import Soma
import SomaZoo

struct GenerateCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "generate",
        abstract: "Has a trained generator make pictures of random numbers, or a language model write a text.",
        discussion: """
            A language model goes on with --prompt, or begins a text without one, and draws --length tokens one after the other; each is shown as \
            soon as it is drawn. How many there were in a second is told on standard error. --temperature below 1 makes likely tokens likelier, and \
            at 0 the likeliest is taken; --top-k draws among so many of the likeliest, --top-p among the fewest whose probabilities add up to it. \
            The same seed gives the same text on the same device. --output writes the text, the prompt included, to a file.

              soma generate runs/char-lstm --prompt "ROMEO." --length 500 --temperature 0.8 --seed 7

            Pictures of a generator come as one sheet, as near to a square as they go. Those of a seed are the same on any device but for rounding, \
            and the first of them are the same however many are asked for. They are numbered from 0, row by row.

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

    @Option(parsing: .unconditional, help: ArgumentHelp("The text that a language model goes on with.", valueName: "text"))
    var prompt: String?

    @Option(parsing: .unconditional, help: ArgumentHelp("How many tokens a language model writes. (default: 500)", valueName: "tokens"))
    var length: Int?

    @Option(parsing: .unconditional, help: "What a language model's logits are divided by. (default: 0.8)")
    var temperature: Double?

    @Option(parsing: .unconditional, help: ArgumentHelp("Draw among so many of the likeliest tokens. (default: all)", valueName: "tokens"))
    var topK: Int?

    @Option(
        parsing: .unconditional,
        help: ArgumentHelp("Draw among the fewest likeliest tokens whose probabilities add up to this. (default: 1)", valueName: "share"))
    var topP: Double?

    @Option(
        help: ArgumentHelp("The file to write. (default: generated.png; a text goes to standard output)", valueName: "file"),
        completion: .file(extensions: ["png", "txt"]))
    var output: String?

    @Option(help: "The device, as soma devices names it.")
    var device: String?

    @Flag(help: "Print one object.")
    var json = false

    func validate() throws {
        guard count ?? 1 > 0 else { throw ValidationError("--count takes a whole number from 1 on") }
        guard length ?? 1 > 0 else { throw ValidationError("--length takes a whole number from 1 on") }
        guard topK ?? 1 > 0 else { throw ValidationError("--top-k takes a whole number from 1 on") }
        if let topP, !(topP > 0 && topP <= 1) { throw ValidationError("--top-p takes a number above 0 and at most 1") }
        if let temperature, !(temperature >= 0 && temperature.isFinite) { throw ValidationError("--temperature takes a number from 0 on") }
    }

    func run() throws {
        let saved = try CheckpointSource(checkpoint).checkpoint
        let recipe = try SavedRun(saved).recipe
        let device = try DeviceChoice.device(device)
        let session = try recipe.session(saved, device: device)
        let head: [JSON.Member] = [
            .init("checkpoint", .string(saved.path)), .init("recipe", .string(recipe.name)), .init("device", .string("\(device)")),
        ]
        switch session.input {
        case .text: try write(by: try TextWriting(session, saved, temperature: temperature, topK: topK, topP: topP), head)
        case .noise, .picture, .row: try draw(by: try PictureGenerator(session, saved), head)
        }
    }

    /// - Throws: `UsageError` naming an option that is for models of the other kind.
    private func refuse(_ options: [(name: String, isGiven: Bool)], because reason: String) throws {
        if let option = options.first(where: \.isGiven) { throw UsageError("\(option.name) is for \(reason)") }
    }

    // MARK: A text

    private func write(by writing: TextWriting, _ head: [JSON.Member]) throws {
        try refuse(
            [("--count", count != nil), ("--walk", walk != nil), ("--mix", mix != nil), ("--pick", pick != nil)],
            because: "models that make pictures, and this one writes a text")
        try output.map { try OutputFile.checkKind(of: $0, is: "txt", "--output") }
        try writing.write(length ?? 500, after: prompt ?? "", seed: seed, to: output, json ? head : nil)
    }

    // MARK: Pictures

    private func draw(by generator: PictureGenerator, _ head: [JSON.Member]) throws {
        try refuse(
            [
                ("--prompt", prompt != nil), ("--length", length != nil), ("--temperature", temperature != nil), ("--top-k", topK != nil),
                ("--top-p", topP != nil),
            ], because: "models that write texts, and this one makes pictures")
        try OutputFile.checkKind(of: sheetPath, is: "png", "--output")
        let noise = NoiseSource(count: generator.noiseCount, seed: seed)
        let plan = try GenerationPlan(count: count, walk: walk, mix: mix?.numbers ?? [], noise: noise)
        if let pick { return try write(pick.numbers, of: plan, by: generator, head) }
        try writeSheet(plan, by: generator, head)
    }

    private var sheetPath: String { output ?? "generated.png" }

    // MARK: A sheet

    private func writeSheet(_ plan: GenerationPlan, by generator: PictureGenerator, _ head: [JSON.Member]) throws {
        // What cannot be is refused before anything is computed.
        let count = try plan.count
        var sheet = try PictureSheet(count: count, tile: generator.size, channels: generator.channels, columns: plan.columns)
        let output = sheetPath
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
        let output = sheetPath
        let hasKind = output.utf8.count > 4 && output.lowercased().hasSuffix(".png")
        return "\(hasKind ? String(output.dropLast(4)) : output)-\(number).png"
    }
}
