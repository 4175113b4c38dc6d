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
        let some = try JSON(parsing: Command.soma("evaluate", "runs/dcgan", "--samples", "100", "--json", in: folder).output)
        let counts = (0..<10).compactMap { some["class_counts"]?["\($0)"]?.integer }
        #expect(some["samples"] == 100 && counts.count == 10 && counts.reduce(0, +) == 100)
        #expect(some["data"] == "the first 100 of as many pictures as the 359 embedded digits that were held out")
        #expect(some["coverage"]?.double == Double(counts.count { $0 > 0 }))
        Command.soma("evaluate", "runs/dcgan", "--samples", "360", in: folder).expectComplaint(2, "--samples 360: there are 359 samples")
        Command.soma("evaluate", "runs/dcgan", "--chart", "c.svg", in: folder).expectComplaint(1, "has no picture")
    }

    // MARK: Numbers made of others

    /// One small network for all tests of this part.
    private func train() { #expect(Command.soma("train", "vae", "--device", "cpu", "--epochs", "1", "hidden=16", "latents=4", in: folder).status == 0) }

    private func generate(_ words: String..., by recipe: String = "vae") -> Command {
        Command.run(["\(Command.folder)/soma", "generate", "runs/\(recipe)", "--device", "cpu"] + words, in: folder)
    }

    private func picture(_ name: String) throws -> Picture { try Picture(path: "\(folder.path)/\(name)") }

    /// The picture at a row and column of a sheet of square pictures.
    private func tile(_ sheet: Picture, _ row: Int, _ column: Int, side: Int = 8) -> [UInt8] {
        let (channels, line) = (sheet.channels, side * sheet.channels)
        return (0..<side * line).map { sheet.pixels[((row * (side + 2) + $0 / line) * sheet.width + column * (side + 2)) * channels + $0 % line] }
    }

    private func isNear(_ a: [UInt8], _ b: [UInt8]) -> Bool { a.count == b.count && zip(a, b).allSatisfy { abs(Int($0) - Int($1)) <= 1 } }

    /// The text that the file of a picture has beside its pixels.
    private func text(_ name: String) throws -> JSON {
        let bytes = try #require(folder.bytes(name))
        let (marker, end) = (Array("iTXtsoma".utf8) + [0, 0, 0, 0, 0], Array("}".utf8)[0])
        let start = try #require(bytes.indices.first { bytes[$0...].starts(with: marker) }) + marker.count
        let last = try #require(bytes[start...].firstIndex(of: end))
        return try JSON(parsing: String(decoding: bytes[start...last], as: UTF8.self))
    }

    @Test func walksAndMixtures() throws {
        train()
        #expect(generate("--count", "3", "--seed", "7", "--output", "all.png").lines == ["wrote all.png: 3 pictures in 2 rows of 2, seed 7"])
        let all = try picture("all.png")
        let drawn = [tile(all, 0, 0), tile(all, 0, 1), tile(all, 1, 0)]
        // From the first to the second, and with two walks on to the third.
        #expect(generate("--walk", "5", "--count", "2", "--seed", "7", "--output", "w.png").lines == ["wrote w.png: 2 walks of 5 pictures, seed 7"])
        let walks = try picture("w.png")
        #expect(walks.width == 48 && walks.height == 18)
        for row in 0..<2 {
            #expect(isNear(tile(walks, row, 0), drawn[row]) && isNear(tile(walks, row, 4), drawn[row + 1]))
            #expect(Set((0..<5).map { tile(walks, row, $0) }).count == 5)
        }
        #expect(generate("--mix", "0,2", "--count", "3", "--seed", "7", "--output", "m.png").lines == ["wrote m.png: samples 0,2 and their mean, seed 7"])
        let mixed = try picture("m.png")
        #expect(mixed.width == 28 && mixed.height == 8)
        #expect(isNear(tile(mixed, 0, 0), drawn[0]) && isNear(tile(mixed, 0, 1), drawn[2]) && !drawn.contains(tile(mixed, 0, 2)))
        let json = try JSON(parsing: generate("--walk", "4", "--json").output)
        #expect(json["walks"] == 1 && json["steps"] == 4 && json["count"] == 4 && json["columns"] == 4 && json["width"] == 38)
        #expect(try JSON(parsing: generate("--mix", "1,1,2", "--json").output)["mix"] == [1, 1, 2])
    }

    @Test func picturesByThemselves() throws {
        train()
        #expect(generate("--count", "9", "--seed", "7", "--output", "all.png").status == 0)
        #expect(generate("--count", "9", "--seed", "7", "--pick", "3,8", "--output", "one.png").lines == ["wrote one-3.png", "wrote one-8.png"])
        #expect(!folder.exists("one.png"))
        let all = try picture("all.png")
        for number in [3, 8] {
            let one = try picture("one-\(number).png")
            #expect(one.width == 8 && one.height == 8 && isNear(one.pixels, tile(all, number / 3, number % 3)))
            let text = try text("one-\(number).png")
            #expect(text["seed"] == 7 && text["picture"] == JSON(number) && text["recipe"] == "vae" && text["checkpoint"] == "runs/vae/best.safetensors")
            let numbers = try #require(text["numbers"]?.array).compactMap(\.double).map(Float.init)
            #expect(numbers == NoiseSource(count: 4, seed: 7).values(number))
        }
        // The numbers of a step of a walk are in its file too.
        let json = try JSON(parsing: generate("--walk", "3", "--seed", "7", "--pick", "1", "--json", "--output", "step").output)
        #expect(json["pictures"]?.array?.first?["output"] == "step-1.png" && json["steps"] == 3)
        let noise = NoiseSource(count: 4, seed: 7)
        let numbers = try #require(try text("step-1.png")["numbers"]?.array).compactMap(\.double).map(Float.init)
        #expect(numbers == NoiseSource.between(noise.values(0), noise.values(1), share: 0.5))
    }

    /// Generators of pictures of 28×28 in grey and of 64×64 in colour, trained for a few updates.
    @Test(arguments: [("dcgan", 28, ["batch=64"]), ("clothes", 64, ["pictures=256", "batch=8"])])
    func adversariesWalkMixAndPick(recipe: String, side: Int, words: [String]) throws {
        let small = ["--device", "cpu", "--epochs", "2", "width=2", "noise=8", "judge=0", "lr=0.01"]
        let train = Command.run(["\(Command.folder)/soma", "train", recipe] + small + words, in: folder)
        #expect(train.status == 0, "\(train.complaint)")
        #expect(generate("--count", "3", "--seed", "7", "--output", "all.png", by: recipe).status == 0)
        let all = try picture("all.png")
        let drawn = [tile(all, 0, 0, side: side), tile(all, 0, 1, side: side), tile(all, 1, 0, side: side)]
        #expect(Set(drawn).count == 3 && all.channels == (recipe == "dcgan" ? 1 : 3))
        #expect(generate("--walk", "4", "--count", "2", "--seed", "7", "--output", "w.png", by: recipe).lines == ["wrote w.png: 2 walks of 4 pictures, seed 7"])
        let walks = try picture("w.png")
        #expect(walks.width == 4 * side + 6 && walks.height == 2 * side + 2)
        for row in 0..<2 {
            #expect(isNear(tile(walks, row, 0, side: side), drawn[row]) && isNear(tile(walks, row, 3, side: side), drawn[row + 1]))
            #expect(Set((0..<4).map { tile(walks, row, $0, side: side) }).count == 4)
        }
        #expect(generate("--mix", "0,2", "--count", "3", "--seed", "7", "--output", "m.png", by: recipe).status == 0)
        let mixed = try picture("m.png")
        #expect(isNear(tile(mixed, 0, 0, side: side), drawn[0]) && isNear(tile(mixed, 0, 1, side: side), drawn[2]) && !drawn.contains(tile(mixed, 0, 2, side: side)))
        #expect(generate("--count", "3", "--seed", "7", "--pick", "2", "--output", "one.png", by: recipe).lines == ["wrote one-2.png"])
        let one = try picture("one-2.png")
        #expect(one.width == side && one.height == side && isNear(one.pixels, drawn[2]))
        let text = try text("one-2.png")
        #expect(text["recipe"] == JSON(recipe) && text["checkpoint"] == JSON("runs/\(recipe)/best.safetensors"))
        #expect(try #require(text["numbers"]?.array).compactMap(\.double).map(Float.init) == NoiseSource(count: 8, seed: 7).values(2))
    }

    @Test func whatCannotBeMade() throws {
        train()
        generate("--walk", "1").expectComplaint(2, "--walk 1", "2 or more")
        generate("--walk", "3", "--mix", "1,2").expectComplaint(2, "leave out one")
        generate("--mix", "3").expectComplaint(2, "nothing to be mixed with")
        generate("--mix", "3,64").expectComplaint(2, "no picture 64 among 64 pictures", "the last is 63")
        generate("--count", "4", "--pick", "0,4").expectComplaint(2, "no picture 4 among 4 pictures")
        generate("--walk", "3", "--pick", "3").expectComplaint(2, "no picture 3 among 3 pictures")
        generate("--walk", "9223372036854775807", "--count", "3").expectComplaint(2, "too many")
        generate("--walk", "1000000").expectComplaint(1, "larger than a picture may be")
        for words in [["--pick", "a"], ["--pick", "1,,2"], ["--mix=-1,2"], ["--walk", "x"]] {
            #expect(Command.run(["\(Command.folder)/soma", "generate", "runs/vae"] + words, in: folder).status == 2)
        }
        generate("--pick", "1", "--output", "nowhere/a.png").expectComplaint(1, "cannot write nowhere/a-1.png")
        #expect(!folder.exists("generated.png") && !folder.exists("generated-0.png"))
    }

    private func isNumber(_ json: JSON?) -> Bool { if case .number = json { true } else { false } }

    @Test func modelsThatTellClasses() {
        #expect(Command.soma("train", "digits", "--device", "cpu", "--epochs", "1", "hidden=8", in: folder).status == 0)
        Command.soma("generate", "runs/digits", in: folder).expectComplaint(1, "takes pictures and generates nothing")
        #expect(!folder.exists("generated.png"))
    }
}
