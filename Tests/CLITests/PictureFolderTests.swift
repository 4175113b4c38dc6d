import Glibc
import Soma
import Testing

@testable import SomaCLI

/// Runs on folders of pictures that change, are broken, or have odd names.
@Suite struct PictureFolderTests {
    let folder = TestFolder()

    private func picture(_ label: Int, _ number: Int) throws -> [UInt8] {
        let pixels = (0..<64).map { UInt8(($0 / 8 + number) % (label + 2) == 0 ? 255 : 0) }
        return try Picture(width: 8, height: 8, channels: 1, pixels: pixels).encoded()
    }

    /// Three classes of four pictures, one of each held out.
    private func train(_ classes: [String], _ more: String...) throws -> Command {
        try folder.write("pictures/readme", [])
        for (label, name) in classes.enumerated() {
            for number in 0..<4 { try folder.write("pictures/\(name)/\(number).png", try picture(label, number)) }
        }
        let words = ["train", "resnet20", "--data", "pictures", "--image-size", "8", "held-out=0.25", "batch=3", "augment=none"]
        return Command.run(["\(Command.folder)/soma"] + words + ["--device", "cpu", "--epochs", "1"] + more, in: folder)
    }

    @Test func foldersThatChange() throws {
        let run = try train(["a", "b", "c"])
        #expect(run.status == 0 && run.output.contains("augment=none"), "\(run.complaint)")
        // From another working directory the data is found, by a run folder too.
        let elsewhere = TestFolder()
        let json = try JSON(parsing: Command.soma("evaluate", "\(folder.path)/runs/resnet20", "--json", in: elsewhere).output)
        #expect(json["samples"] == 3 && json["left_out"] == 0 && json["data"]?.string?.hasPrefix("the pictures held out of /") == true)
        #expect(Command.soma("predict", "runs/resnet20", "pictures/a/0.png", in: folder).status == 0)
        // The same number of pictures, of which one is another.
        rename("\(folder.path)/pictures/b/0.png", "\(folder.path)/pictures/b/9.png")
        let what = "pictures of the class 'b' have other names or sizes"
        Command.soma("evaluate", "runs/resnet20", in: folder).expectComplaint(1, "pictures is not what", "was trained on", what)
        Command.soma("evaluate", "runs/resnet20", "--data", "./pictures/", in: folder).expectComplaint(1, "is not what", what)
        Command.soma("train", "resnet20", "--resume", "--epochs", "2", in: folder).expectComplaint(1, "is not what", what, "begin anew")
        rename("\(folder.path)/pictures/b/9.png", "\(folder.path)/pictures/b/0.png")
        #expect(Command.soma("train", "resnet20", "--resume", "--epochs", "2", in: folder).status == 0)
    }

    /// A copy by a system that keeps names decomposed, as macOS does, is the same data set: by the bytes of the names its classes would be swapped.
    @Test func copiesInAnotherFormOfUnicode() throws {
        let (composed, decomposed) = ("caf\u{E9}", "cafe\u{301}")
        #expect(try train(["cafz", composed]).status == 0)
        try folder.write("copy/readme", [])
        for (label, name) in ["cafz", decomposed].enumerated() {
            for number in 0..<4 { try folder.write("copy/\(name)/\(number).png", try picture(label, number)) }
        }
        func evaluate(_ data: String) throws -> JSON {
            let command = Command.soma("evaluate", "runs/resnet20", "--data", data, "--json", in: folder)
            #expect(command.status == 0, "\(command.complaint)")
            return try JSON(parsing: command.output)
        }
        let (own, copy) = (try evaluate("pictures"), try evaluate("copy"))
        #expect(copy["data"] == "the pictures held out of copy" && copy["samples"] == 2)
        #expect(copy["confusion"] == own["confusion"] && copy["classes"] == own["classes"] && copy["accuracy"] == own["accuracy"])
        #expect(copy["classes"]?.array?.compactMap { $0["class"]?.string.map { Array($0.utf8) } } == [Array("cafz".utf8), Array(composed.utf8)])
        let resumed = Command.soma("train", "resnet20", "--resume", "--data", "copy", "--epochs", "2", in: folder)
        #expect(resumed.status == 0, "\(resumed.complaint)")
        // A class that one part lacks is told, in training and in evaluation.
        mkdir("\(folder.path)/parts", 0o777)
        try folder.write("parts/val/readme", [])
        rename("\(folder.path)/copy", "\(folder.path)/parts/train")
        unlink("\(folder.path)/parts/val/readme")
        for number in 0..<2 { try folder.write("parts/val/cafz/\(number).png", try picture(0, number)) }
        let what = "the class '\(composed)' has no pictures in parts/val"
        let parted = Command.soma("train", "resnet20", "--data", "parts", "--image-size", "8", "batch=3", "--epochs", "1", "--device", "cpu", "--output", "p", in: folder)
        #expect(parted.status == 0 && parted.output.contains(what), "\(parted.complaint)")
        Command.soma("evaluate", "p", in: folder).expectComplaint(0, "the class '\(composed)' has no pictures in /", "/parts/val")
    }

    @Test func evaluationsLeaveOutWhatCannotBeRead() throws {
        #expect(try train(["a", "b", "c"]).status == 0)
        for name in ["other/a", "other/b", "other/c"] {
            try folder.write("other/readme", [])
            for number in 0..<2 { try folder.write("\(name)/\(number).png", try picture(number, 1)) }
        }
        try folder.write("other/b/1.png", [])
        let command = Command.soma("evaluate", "runs/resnet20", "--data", "other", in: folder)
        command.expectComplaint(0, "other/b/1.png is empty; it is left out")
        #expect(command.lines.contains("left out    1 sample that cannot be read") && command.output.contains(" of 5)"))
        let json = try JSON(parsing: Command.soma("evaluate", "runs/resnet20", "--data", "other", "--json", in: folder).output)
        #expect(json["samples"] == 5 && json["left_out"] == 1)
        for name in ["a", "b", "c"] { for number in 0..<2 { try folder.write("other/\(name)/\(number).png", [1]) } }
        Command.soma("evaluate", "runs/resnet20", "--data", "other", in: folder).expectComplaint(1, "none of 6 samples can be read", "other/")
    }

    /// What a name holds never reaches the terminal as a command to it.
    @Test func namesOfClassesMoveNoCursor() throws {
        let name = "b\u{1B}[31mred\u{9B}\n"
        #expect(try train(["a", name, "c"]).status == 0)
        for words in [["evaluate", "runs/resnet20"], ["predict", "runs/resnet20", "pictures/\(name)/0.png", "--top", "3"], ["data", "check", "pictures"]] {
            let command = Command.run(["\(Command.folder)/soma"] + words, in: folder)
            #expect(command.output.contains("b [31mred"), "\(words): \(command.complaint)")
            #expect(!(command.output + command.complaint).unicodeScalars.contains { $0 == "\u{1B}" || $0 == "\u{9B}" || $0 == "\u{7F}" })
        }
        let json = Command.soma("evaluate", "runs/resnet20", "--json", in: folder)
        #expect(json.lines.count == 1 && !json.output.unicodeScalars.contains("\u{9B}"))
        #expect(try JSON(parsing: json.output)["classes"]?.array?[1]["class"]?.string == name)
    }

    @Test func foldersThatTrainingRefuses() throws {
        try folder.write("few/readme", [])
        for name in ["few/a", "few/b"] { try folder.write("\(name)/0.png", try picture(0, 0)) }
        Command.soma("data", "check", "few", in: folder).expectComplaint(1, "few holds too few pictures to hold some out", "there are 2")
        Command.soma("train", "resnet20", "--data", "few", in: folder).expectComplaint(1, "few holds too few pictures to hold some out")
        Command.soma("train", "resnet18", in: folder).expectComplaint(2, "--data FOLDER with pictures, in a folder for each class")
    }

    /// Neither another source nor fewer pictures are mixed with what is there.
    @Test func exportsAreNotMixed() throws {
        #expect(Command.soma("data", "export", "digits", "png", "--limit", "20", in: folder).status == 0)
        Command.soma("data", "export", "digits", "png", "--limit", "10", in: folder).expectComplaint(1, "is no picture of this export", "larger --limit")
        #expect(Command.soma("data", "export", "digits", "png", "--limit", "25", in: folder).output == "png: wrote 10 pictures, 40 were there\n")
        // A readable picture of another source under the same name.
        let path = try #require((0..<10).map { "png/val/\($0)/00003.png" }.first(where: folder.exists))
        let own = try #require(folder.bytes(path))
        try folder.write(path, try Picture(width: 4, height: 4, channels: 1, pixels: [UInt8](repeating: 1, count: 16)).encoded())
        Command.soma("data", "export", "digits", "png", "--limit", "25", in: folder).expectComplaint(1, path, "another source")
        try folder.write(path, own)
        try folder.write("png/train/cat/00000.jpg", own)
        Command.soma("data", "export", "digits", "png", "--limit", "25", in: folder).expectComplaint(1, "png/train/cat/00000.jpg", "no picture of this export")
    }

    /// Tiles that would fill more than a picture are reduced; each keeps its mean.
    @Test func largeMapsAreReduced() throws {
        let device = try Device.named("cpu")
        var sheet = FeatureSheet()
        try sheet.addMaps(Tensor([Float](repeating: 1, count: 480 * 2), shape: [1, 1, 480, 2], device: device), caption: "high")
        // Captions take 22 rows above the tiles and below them, numbers 10, gaps 16.
        #expect(try sheet.picture().height == 240 + 2 * 22 + 10 + 16)
        sheet = FeatureSheet()
        // Left half 0, right half 1, but for a column in the middle.
        let row = (0..<482).map { $0 < 240 ? 0 : $0 == 240 ? 0.5 : Float(1) }
        try sheet.addMaps(Tensor(row, shape: [1, 1, 1, 482], device: device), caption: "wide")
        let picture = try sheet.picture()
        #expect(picture.height == 1 + 2 * 22 + 10 + 16)
        #expect(picture.pixels[(36 * picture.width + 4) * 3] == 0 && picture.pixels[(36 * picture.width + 164) * 3] == 255)
        #expect((170...215).contains(picture.pixels[(36 * picture.width + 84) * 3]), "\(picture.pixels[(36 * picture.width + 84) * 3])")
        sheet = FeatureSheet()
        try sheet.addMaps(Tensor.zeros([1, 2000, 30, 30], device: device), caption: "many")
        #expect(try sheet.picture().height <= 8000 + 2 * 22 + 8)
    }
}
