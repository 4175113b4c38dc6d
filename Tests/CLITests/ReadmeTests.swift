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
        let command = Command.run(["\(Command.folder)/ExampleTask"], in: folder, environment: ["SOMA_DEVICE": "cpu"])
        #expect(command.status == 0 && command.lines.count == 20, "\(command.complaint)")
        let words = try #require(command.lines.last).split(separator: " ")
        #expect(words.starts(with: ["epoch", "20:", "generator", "loss"]) && (Double(words.last ?? "") ?? 1) < 0.5, "\(command.output)")
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
