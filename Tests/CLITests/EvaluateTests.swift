import Soma
import Testing

@testable import SomaCLI

/// What soma evaluate tells of a checkpoint.
@Suite struct EvaluateTests {
    let folder = TestFolder()

    @Test func tableJSONAndPicture() throws {
        #expect(Command.soma("train", "digits", "--device", "cpu", "--epochs", "3", "hidden=32", in: folder).status == 0)
        let text = Command.soma("evaluate", "runs/digits", "--device", "cpu", "--chart", "confusion.svg", in: folder)
        #expect(text.status == 0, "\(text.complaint)")
        for word in ["accuracy", "top-5", "precision", "recall", "F1", "class \\ told", "359", "wrote confusion.svg"] {
            #expect(text.output.contains(word), "\(word)")
        }
        #expect(folder.text("confusion.svg").hasPrefix("<svg"))
        let json = try JSON(parsing: Command.soma("evaluate", "runs/digits/best.safetensors", "--device", "cpu", "--json", in: folder).output)
        let confusion = try #require(json["confusion"]?.array).map { ($0.array ?? []).compactMap(\.integer) }
        #expect(confusion.count == 10 && confusion.joined().reduce(0, +) == 359 && json["samples"] == 359)
        let right = confusion.indices.reduce(0) { $0 + confusion[$1][$1] }
        #expect(json["accuracy"]?.double == Double(right) / 359)
        #expect(json["classes"]?.array?.count == 10)
        let some = Command.soma("evaluate", "runs/digits", "--device", "cpu", "--samples", "50", in: folder)
        #expect(some.output.contains("the first 50 of the 359 embedded digits") && some.output.contains("of 50"), "\(some.output)")
        // Folders of pictures, one for each class: scaled to what the model takes.
        for digit in 0..<10 {
            let number = try #require(try Digits.labels.withBytes { Array($0) }.firstIndex(of: UInt8(digit)))
            let ink = try Digits.images.withSample(number) { $0.map { UInt8(min(Int($0) * 16, 255)) } }
            try folder.write("all/readme", [])
            try folder.write("all/\(digit)/a.png", try Picture(width: 8, height: 8, channels: 1, pixels: ink).encoded())
        }
        let pictures = Command.soma("evaluate", "runs/digits", "--data", "all", "--json", in: folder)
        #expect(try JSON(parsing: pictures.output)["samples"] == 10, "\(pictures.complaint)")
        try folder.write("all/x/a.png", [])
        Command.soma("evaluate", "runs/digits", "--data", "all", in: folder).expectComplaint(1, "'x'", "does not know")
    }

    @Test func saysWhatIsMissing() throws {
        try folder.write("empty/x", [])
        Command.soma("evaluate", "nothing.safetensors", in: folder).expectComplaint(1, "nothing.safetensors")
        Command.soma("evaluate", "empty", in: folder).expectComplaint(1, "no checkpoint")
        #expect(Command.soma("train", "xor", "sweeps=2", "--device", "cpu", "--epochs", "1", in: folder).status == 0)
        Command.soma("evaluate", "runs/xor/last.safetensors", in: folder).expectComplaint(1, "nothing to evaluate")
        #expect(Command.soma("train", "digits", "--device", "cpu", "--epochs", "1", "hidden=8", in: folder).status == 0)
        Command.soma("evaluate", "runs/digits", "--data", "empty", in: folder).expectComplaint(1, "empty", "no folder")
        Command.soma("evaluate", "runs/digits", "--data", "none", in: folder).expectComplaint(1, "none")
        #expect(Command.soma("evaluate", "runs/digits", "--batch", "0", in: folder).status == 2)
        #expect(Command.soma("evaluate", "runs/digits", "--samples", "0", in: folder).status == 2)
    }
}
