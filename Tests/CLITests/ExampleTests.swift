import Glibc
import Soma
import Testing

/// The programs in Examples that people begin with: they run as they stand, and learn.
@Suite struct ExampleTests {
    private let root = #filePath.split(separator: "/").dropLast(3).reduce("") { "\($0)/\($1)" }
    let folder = TestFolder()

    private func run(_ name: String, _ arguments: String...) -> Command {
        Command.run(["\(Command.folder)/\(name)"] + arguments, in: folder, environment: ["SOMA_DEVICE": "cpu"])
    }

    /// The number behind a word of a line.
    private func number(_ name: String, in line: String) throws -> Double {
        let words = line.split(separator: " ").map { $0.filter { $0 != "," && $0 != ";" } }
        let place = try #require(words.lastIndex(of: name), "no \(name) in \(line)")
        return try #require(Double(words[place + 1]), "\(line)")
    }

    @Test func theResidualNetworkLearnsAndIsRestored() throws {
        let command = run("ExampleResidualNetwork")
        try #require(command.status == 0 && command.lines.count == 6, "\(command.complaint)")
        let accuracy = try number("accuracy", in: command.lines[5])
        #expect(command.lines[5].hasPrefix("restored: loss ") && accuracy > 0.95, "\(command.output)")
        #expect(try number("accuracy", in: command.lines[4]) == accuracy, "the same weights, the same answers")
        let names = try SafetensorsFile(path: "\(folder.path)/digits-cnn.safetensors").tensors.map(\.name)
        for name in ["stem.weight", "block1.conv1.weight", "block2.norm2.running_var", "head.bias"] { #expect(names.contains(name), "\(names)") }
    }

    @Test func theAutoencoderReconstructs() throws {
        let command = run("ExampleAutoencoder")
        try #require(command.status == 0 && command.lines.count == 20, "\(command.complaint)")
        #expect(try number("loss", in: command.lines[19]) < 0.03, "\(command.output)")
        let sheet = try Picture(path: "\(folder.path)/reconstructions.png")
        #expect([sheet.width, sheet.height, sheet.channels] == [78, 18, 1])
        for column in 0..<8 { #expect(correlation(tile(sheet, 0, column), tile(sheet, 1, column)) > 0.7, "digit \(column)") }
    }

    @Test func theAdversariesMakeDigits() throws {
        let command = run("ExampleAdversaries")
        try #require(command.status == 0 && command.lines.count == 20, "\(command.complaint)")
        let last = command.lines[19]
        #expect(last.hasPrefix("epoch 20: generator loss ") && last.contains(", discriminator loss "), "\(last)")
        let sheet = try Picture(path: "\(folder.path)/samples.png")
        #expect([sheet.width, sheet.height, sheet.channels] == [78, 78, 1])
        let samples = (0..<64).map { tile(sheet, $0 / 8, $0 % 8) }
        let digits = try Minibatch(of: Digits.dataSet, device: Device.named("cpu"))["image"].mean(alongAxes: 0).scalars()
        let mean = (0..<64).map { pixel in samples.reduce(0) { $0 + $1[pixel] } / 64 }
        #expect(correlation(mean, digits) > 0.8, "on average they are where digits are")
        // Not one picture over and over.
        let spread = samples.reduce(0) { sum, sample in sum + zip(sample, mean).reduce(0) { $0 + ($1.0 - $1.1) * ($1.0 - $1.1) } } / 4096
        #expect(spread > 500, "\(spread)")
    }

    @Test func theRegressionTellsTheMassOfPenguins() throws {
        let command = run("ExampleRegression", "\(root)/Sources/CTables/data/penguins.csv")
        try #require(command.status == 0 && command.lines.count > 17, "\(command.complaint)")
        #expect(command.lines.count < 202, "it stops before the last epoch")
        let (test, penguin) = (command.lines[command.lines.count - 2], command.lines[command.lines.count - 1])
        #expect(try number("RMSE", in: test) < 450 && number("R²", in: test) > 0.7, "\(test)")
        let mass = try #require(penguin.split(separator: " ").last.flatMap { Double($0) })
        // A Gentoo of that bill and those flippers.
        #expect(penguin.hasPrefix("one more penguin, in g: ") && (4700...5700).contains(mass), "\(penguin)")
        for name in ["best", "last"] { #expect(access("\(folder.path)/penguins/\(name).safetensors", R_OK) == 0) }
    }

    /// The page for people who come from PyTorch shows the whole program that runs.
    @Test func thePageShowsTheResidualNetwork() throws {
        let files = ["docs/from-pytorch.md", "Examples/ResidualNetwork/ResidualNetwork.swift"].map { Command.run(["cat", "\(root)/\($0)"], in: folder) }
        #expect(files.allSatisfy { $0.status == 0 } && files[0].output.contains("```swift\n\(files[1].output)```\n"))
    }

    /// The 64 pixels of a digit on a sheet.
    private func tile(_ sheet: Picture, _ row: Int, _ column: Int) -> [Double] {
        (0..<64).map { Double(sheet.pixels[(row * 10 + $0 / 8) * sheet.width + column * 10 + $0 % 8]) }
    }

    private func correlation(_ a: [Double], _ b: [Double]) -> Double {
        let (meanA, meanB) = (a.reduce(0, +) / Double(a.count), b.reduce(0, +) / Double(b.count))
        let (x, y) = (a.map { $0 - meanA }, b.map { $0 - meanB })
        func product(_ x: [Double], _ y: [Double]) -> Double { zip(x, y).reduce(0) { $0 + $1.0 * $1.1 } }
        return product(x, y) / (product(x, x) * product(y, y)).squareRoot()
    }
}
