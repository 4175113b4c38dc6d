import Soma
import SomaZoo
import Testing

/// The example that goes on from a network of PyTorch: compiled and run as docs/training.md has it.
@Suite struct FineTuningTests {
    private let root = #filePath.split(separator: "/").dropLast(3).reduce("") { "\($0)/\($1)" }
    let folder = TestFolder()

    private func file(_ name: String) throws -> String {
        let copy = Command.run(["cat", "\(root)/\(name)"], in: folder)
        try #require(copy.status == 0, "\(name) is missing")
        return copy.output
    }

    /// A state_dict of torchvision's resnet18 with 1000 classes and halves for numbers: names and shapes as PyTorch has them, weights that are
    /// drawn and not trained.
    private func writeWeights() throws {
        let model = withoutInitialization { ResNet.resNet18() }
        var entries: [(tensor: SafetensorsFile.Tensor, bytes: [UInt8])] = []
        func add(_ name: String, _ shape: Shape, _ half: (UInt32) -> Float16) {
            var word: UInt32 = 1
            let halves = [UInt16](unsafeUninitializedCapacity: shape.count) { memory, count in
                var index = 0
                while index < shape.count {
                    word = word &* 1_664_525 &+ 1_013_904_223
                    memory[index] = half(word).bitPattern
                    index += 1
                }
                count = shape.count
            }
            entries.append((.init(name: name, elementType: .float16, shape: shape.dimensions), halves.withUnsafeBytes(Array.init)))
        }
        for named in model.namedParameters {
            let shape = named.parameter.shape
            if shape.rank == 1 {
                add(named.name, shape) { _ in named.name.hasSuffix(".weight") ? 1 : 0 }
            } else {
                // Uniform, with variance 2 / inputs.
                let bound = (6 / Float(shape.count / shape[0])).squareRoot()
                add(named.name, shape) { Float16((Float($0 >> 8) / Float(1 << 23) - 1) * bound) }
            }
        }
        for named in model.namedStates where !named.name.hasSuffix("num_batches_tracked") {
            add(named.name, named.state.shape) { _ in named.name.hasSuffix("running_var") ? 1 : 0 }
        }
        try SafetensorsFile.write(entries, to: "\(folder.path)/resnet18.safetensors")
    }

    /// Three classes that colours tell, with noise.
    private func writePictures() throws {
        try folder.write("pictures/readme", [])
        for (label, name) in ["red", "green", "blue"].enumerated() {
            for number in 0..<16 {
                var word = UInt32(label * 100 + number)
                let pixels = (0..<24 * 24 * 3).map { place -> UInt8 in
                    word = word &* 1_664_525 &+ 1_013_904_223
                    return UInt8(place % 3 == label ? 160 : 60) &+ UInt8(word >> 26)
                }
                try folder.write("pictures/\(name)/\(number).png", try Picture(width: 24, height: 24, channels: 3, pixels: pixels).encoded())
            }
        }
    }

    private func run(_ more: String...) throws -> Command {
        let words = ["\(Command.folder)/ExampleFineTuning", "resnet18.safetensors", "pictures"] + more
        return Command.run(words, in: folder, environment: ["SOMA_DEVICE": "cpu"])
    }

    @Test func aNetworkOfPyTorchIsTrainedOn() throws {
        try writeWeights()
        try writePictures()
        for way in [[], ["whole"]] {
            let command = way.isEmpty ? try run() : try run(way[0])
            try #require(command.status == 0 && command.lines.count == 9, "\(command.complaint)\(command.output)")
            // The counts of batches, 20 of them, are not in the file.
            #expect(command.lines[0] == "100 tensors restored, 0 missing, 0 unused, 2 that do not fit")
            #expect(command.lines[1] == "does not fit: fc.weight is F16 [1000, 512], the model wants F32 [3, 512]")
            #expect(command.lines[2] == "does not fit: fc.bias is F16 [1000], the model wants F32 [3]")
            let words = try #require(command.lines.last).split(separator: " ")
            #expect(words.starts(with: ["epoch", "6:", "loss"]) && (Double(words.last ?? "") ?? 0) >= 0.75, "\(command.output)")
        }
    }

    /// The page has the program as it is, and beside it one that does the same in PyTorch with torchvision.
    @Test func theProgramIsNotMuchLongerThanInPyTorch() throws {
        let (program, page) = (try file("Examples/FineTuning/FineTuning.swift"), try file("docs/training.md"))
        #expect(page.contains("```swift\n\(program)```\n"))
        let blocks = page.split(separator: "```python\n")
        let python = try #require(blocks.count == 2 ? blocks[1].split(separator: "```\n").first : nil)
        #expect(python.contains("models.resnet18(num_classes"))
        let lines = program.split(separator: "\n").count { !$0.allSatisfy(\.isWhitespace) }
        let others = python.split(separator: "\n").count { !$0.allSatisfy(\.isWhitespace) }
        #expect(lines > 15 && others > 15 && 2 * lines <= 3 * others, "\(lines) lines here, \(others) in PyTorch")
    }
}
