import Glibc
import Testing

/// The README tells the truth.
@Suite struct ReadmeTests {
    private let root = #filePath.split(separator: "/").dropLast(3).reduce("") { "\($0)/\($1)" }
    let folder = TestFolder()

    private func file(_ name: String) throws -> String {
        let copy = Command.run(["cat", "\(root)/\(name)"], in: folder)
        try #require(copy.status == 0, "\(name) is missing")
        return copy.output
    }

    @Test func programIsTheOneThatRuns() throws {
        let program = try file("Examples/Digits/Digits.swift")
        #expect(try file("README.md").contains("```swift\n\(program)```\n"))
        let command = Command.run(["\(Command.folder)/ExampleDigits"], in: folder, environment: ["SOMA_DEVICE": "cpu"])
        #expect(command.status == 0, "\(command.complaint)")
        let last = try #require(command.lines.last).split(separator: " ")
        #expect(last.first == "accuracy")
        #expect((Double(last[1]) ?? 0) > 0.9)
        #expect(command.lines.count == 11)
    }

    /// A recipe in a program of one's own, which needs the product SomaZoo.
    @Test func theRecipeIsTheOneThatRuns() throws {
        let program = try file("Examples/Recipe/Recipe.swift")
        #expect(try file("README.md").contains("```swift\n\(program)```\n"))
        #expect(try file("Package.swift").contains(".library(name: \"SomaZoo\", targets: [\"SomaZoo\"])"))
        let command = Command.run(["\(Command.folder)/ExampleRecipe"], in: folder, environment: ["SOMA_DEVICE": "cpu"])
        #expect(command.status == 0 && command.lines.count == 6, "\(command.complaint)")
        let last = try #require(command.lines.last).split(separator: " ")
        #expect(last.first == "accuracy" && (Double(last[1]) ?? 0) > 0.8)
    }

    /// A task of one's own, with two players.
    @Test func theTaskIsTheOneThatRuns() throws {
        let program = try file("Examples/Task/OwnTask.swift")
        #expect(try file("docs/training.md").contains("```swift\n\(program)```\n"))
        func run(_ words: String...) -> Command {
            Command.run(["\(Command.folder)/ExampleTask"] + words, in: folder, environment: ["SOMA_DEVICE": "cpu"])
        }
        let command = run()
        try #require(command.status == 0 && command.lines.count == 23, "\(command.complaint)")
        let (last, best, point) = (command.lines[19].split(separator: " "), command.lines[21], command.lines[22])
        #expect(last.starts(with: ["epoch", "20:", "generator", "loss"]) && (Double(last.last ?? "") ?? 1) < 0.5, "\(command.output)")
        #expect(command.lines[20].hasPrefix("profile: ") && best.hasPrefix("best: error 0.") && point.hasPrefix("a point: ["))
        for name in ["metrics.csv", "curves.svg", "last.safetensors", "best.safetensors"] { #expect(folder.exists("runs/circle/\(name)"), "\(name)") }
        // There is nothing left to train, and the best is what it was.
        let resumed = run("--resume")
        #expect(resumed.status == 0 && Array(resumed.lines.suffix(2)) == [best, point], "\(resumed.output) \(resumed.complaint)")
        #expect(folder.text("runs/circle/metrics.csv").split(separator: "\n").filter { $0.hasPrefix("circle,20,") }.count == 1)
    }

    @Test func theTimedProgramIsTheOneThatRuns() throws {
        let program = try file("Examples/TimedProduct/TimedProduct.swift")
        #expect(try file("docs/bench.md").contains("```swift\n\(program)```\n"))
        let command = Command.run(["\(Command.folder)/ExampleTimedProduct"], in: folder, environment: ["SOMA_DEVICE": "cpu"])
        let words = command.output.split(whereSeparator: \.isWhitespace)
        try #require(command.status == 0 && words.count == 7, "\(command.complaint)")
        let (median, best) = (try #require(Double(words[1])), try #require(Double(words[3])))
        #expect(median > 0 && best >= median && words[6] == "cpu")
    }

    /// The page of figures has those of the kept run.
    @Test func figuresAreThoseOfTheKeptRun() throws {
        let command = Command.soma("bench", "--show", "\(root)/docs/measurements/epyc-2-cores/devices.json", "--format", "md", in: folder)
        let table = command.lines.filter { $0.hasPrefix("|") }
        #expect(command.status == 0 && table.count > 30, "\(command.complaint)")
        #expect(try file("docs/performance.md").contains(table.joined(separator: "\n")))
    }

    @Test func commandsExist() throws {
        let readme = try file("README.md")
        for line in readme.split(separator: "\n") where line.hasPrefix("scripts/") {
            let script = line.prefix { $0 != " " }
            #expect(access("\(root)/\(script)", X_OK) == 0, "\(script)")
        }
        for word in ["devices", "train", "evaluate", "predict", "bench", "data", "inspect", "tune", "profile", "explain-graph"] { #expect(readme.contains("soma \(word)"), "\(word)") }
    }
}
