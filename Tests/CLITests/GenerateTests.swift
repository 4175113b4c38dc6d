import Soma
import Testing

@testable import SomaCLI

/// Random numbers in, pictures out.
@Suite struct GenerateTests {
    let folder = TestFolder()

    @Test func picturesOfRandomNumbers() throws {
        let train = Command.soma("train", "dcgan", "--device", "cpu", "--epochs", "2", "width=2", "noise=8", "judge=1", "batch=64", "lr=0.01", "--json", in: folder)
        #expect(train.status == 0, "\(train.complaint)")
        #expect(train.lines.contains { $0.hasPrefix(#"{"event":"epoch""#) && $0.contains(#""test_frechet_distance""#) }, "\(train.output)")
        #expect(folder.exists("runs/dcgan/samples/epoch-0001.png") && folder.exists("runs/dcgan/samples.png"))
        let words = ["--count", "70", "--seed", "7", "--device", "cpu"]
        func generate(_ more: String...) -> Command { Command.run(["\(Command.folder)/soma", "generate", "runs/dcgan"] + more, in: folder) }
        #expect(Command.run(["\(Command.folder)/soma", "generate", "runs/dcgan", "--output", "a.png"] + words, in: folder).lines == ["wrote a.png: 70 pictures in 8 rows of 9, seed 7"])
        let json = try JSON(parsing: Command.run(["\(Command.folder)/soma", "generate", "runs/dcgan", "--output", "b.png", "--json"] + words, in: folder).output)
        #expect(json["width"] == 268 && json["height"] == 238 && json["seed"] == 7 && json["count"] == 70 && json["recipe"] == "dcgan")
        #expect(folder.bytes("a.png") == folder.bytes("b.png"))
        let sheet = try Picture(path: "\(folder.path)/a.png")
        #expect(sheet.width == 268 && sheet.height == 238 && Set(sheet.pixels).count > 20)
        // The first picture is the same however many there are, and another seed gives another.
        #expect(generate("--count", "1", "--seed", "7", "--output", "one.png").status == 0 && generate("--count", "1", "--output", "other.png").status == 0)
        let (one, other) = (try Picture(path: "\(folder.path)/one.png"), try Picture(path: "\(folder.path)/other.png"))
        let corner = (0..<784).map { sheet.pixels[$0 / 28 * 268 + $0 % 28] }
        #expect(zip(one.pixels, corner).allSatisfy { abs(Int($0) - Int($1)) <= 1 } && other != one)
        generate("--count", "1000000000").expectComplaint(1, "a sheet of 1,000,000,000 pictures", "at most 110,889")
        #expect(generate("--count", "0").status == 2 && generate("--output", "a.svg").status == 2 && generate("--seed", "-1").status == 2)
        generate("--output", "nowhere/a.png").expectComplaint(1, "cannot write nowhere/a.png")
        #expect(!folder.exists("generated.png"))
        Command.soma("predict", "runs/dcgan", "a.png", in: folder).expectComplaint(2, "random numbers", "soma generate")
        Command.soma("features", "runs/dcgan", in: folder).expectComplaint(1, "random numbers")
        let scores = try JSON(parsing: Command.soma("evaluate", "runs/dcgan", "--json", in: folder).output)
        #expect(scores["samples"] == 359 && ["frechet_distance", "inception_score", "coverage", "classifier_accuracy", "real_inception_score"].allSatisfy { isNumber(scores[$0]) })
        Command.soma("evaluate", "runs/dcgan", "--chart", "c.svg", in: folder).expectComplaint(1, "has no picture")
    }

    private func isNumber(_ json: JSON?) -> Bool { if case .number = json { true } else { false } }

    @Test func modelsThatTellClasses() {
        #expect(Command.soma("train", "digits", "--device", "cpu", "--epochs", "1", "hidden=8", in: folder).status == 0)
        Command.soma("generate", "runs/digits", in: folder).expectComplaint(1, "takes pictures and generates nothing")
        #expect(!folder.exists("generated.png"))
    }
}
