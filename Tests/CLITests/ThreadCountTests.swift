import Soma
import Testing

/// Runs on different numbers of threads.
@Suite struct ThreadCountTests {
    let folder = TestFolder()

    /// The beginning of MNIST's files, filled with a pattern.
    private func writeImages(_ name: String, _ count: Int) throws {
        let pixels = (0..<count * 784).map { UInt8(truncatingIfNeeded: $0 * $0 % 251 + $0 / 784 * 7) }
        try folder.write("data/\(name)-images-idx3-ubyte", [0, 0, 8, 3, 0, 0, UInt8(count >> 8), UInt8(count & 255), 0, 0, 0, 28, 0, 0, 0, 28] + pixels)
        try folder.write("data/\(name)-labels-idx1-ubyte", [0, 0, 8, 1, 0, 0, UInt8(count >> 8), UInt8(count & 255)] + (0..<count).map { UInt8($0 % 10) })
    }

    /// The same weights, moments and metrics to the bit, from products and convolutions whose libraries divide sums among the threads.
    @Test(arguments: [
        ["mnist-mlp", "--data", "data", "hidden=512,256", "batch=128"], ["lenet", "--data", "data", "batch=128"],
        ["resnet20", "batch=60"],
    ])
    func runsAreTheSameToTheBit(_ words: [String]) throws {
        try folder.write("data/readme", [])
        try writeImages("train", 384)
        try writeImages("t10k", 64)
        for threads in ["1", "2", "3"] {
            let command = Command.run(
                ["\(Command.folder)/soma", "train"] + words + ["--device", "cpu", "--epochs", "1", "--output", threads], in: folder,
                environment: ["OMP_NUM_THREADS": threads])
            #expect(command.status == 0, "\(command.complaint)")
            #expect(folder.exists("\(threads)/last.safetensors") && folder.bytes("\(threads)/last.safetensors") == folder.bytes("1/last.safetensors"), "\(threads) threads")
        }
        // Begun on one number of threads, gone on with on another.
        for (threads, epochs) in [("2", "2"), ("3", "2")] {
            let command = Command.run(
                ["\(Command.folder)/soma", "train", words[0], "--resume", "1", "--epochs", epochs, "--output", "on\(threads)"], in: folder,
                environment: ["OMP_NUM_THREADS": threads])
            #expect(command.status == 0 && command.complaint.isEmpty, "\(command.complaint)")
        }
        #expect(folder.exists("on2/last.safetensors") && folder.bytes("on2/last.safetensors") == folder.bytes("on3/last.safetensors"))
    }
}

/// What decides the last bits is kept with a run, and told where it is another.
@Suite struct ArithmeticTests {
    let folder = TestFolder()

    @Test func metadataTellItAll() throws {
        let own = Arithmetic(of: try Device.named("cpu"))
        #expect(own.entries["device"] == "cpu" && own.entries["Soma"] == Arithmetic.version)
        for name in ["processor", "vectors", "products", "convolutions"] { #expect(own.entries[name]?.isEmpty == false, "\(name)") }
        #expect(Arithmetic(metadata: own.metadata.merging(["epochs": "3"]) { own, _ in own }) == own)
        #expect(Arithmetic(metadata: ["epochs": "3"]) == nil && own.differences(from: own).isEmpty)
    }

    @Test func differencesAreToldByName() throws {
        func arithmetic(_ entries: [String: String]) throws -> Arithmetic {
            try #require(Arithmetic(metadata: Dictionary(uniqueKeysWithValues: entries.map { ("arithmetic.\($0.key)", $0.value) })))
        }
        let before = try arithmetic(["device": "cpu", "vectors": "a", "products": "own", "old": "x"])
        #expect(try arithmetic(["device": "cpu", "vectors": "b", "products": "own"]).differences(from: before) == ["old none, was x", "vectors b, was a"])
        #expect(try arithmetic(["device": "opencl:0", "units": "2"]).differences(from: before) == ["device opencl:0, was cpu"])
        let long = String(repeating: "k", count: 200)
        #expect(try arithmetic(["device": "cpu", "vectors": long, "products": "own", "old": "x"]).differences(from: before)[0].count < 110)
    }

    /// One line at resume and at evaluation where something is otherwise, none where not.
    @Test func runsTellWhatIsOtherwise() throws {
        func soma(_ words: String, _ environment: [String: String] = [:]) -> Command {
            let command = Command.run(["\(Command.folder)/soma"] + words.split(separator: " ").map(String.init), in: folder, environment: environment)
            #expect(command.status == 0, "\(command.complaint)")
            return command
        }
        _ = soma("train digits hidden=16 --device cpu --epochs 1 --output run")
        let kept = try JSON(parsing: folder.text("run/config.json"))["arithmetic"]?.members ?? []
        let arithmetic = try #require(try Checkpoint(path: "\(folder.path)/run/last.safetensors").arithmetic)
        #expect(arithmetic.entries == Dictionary(uniqueKeysWithValues: kept.map { ($0.name, $0.value.string ?? "") }))
        let (threads, other) = (["OMP_NUM_THREADS": "3"], ["SOMA_WITHOUT": "winograd,onednn"])
        for environment in [[:], threads] {
            let evaluation = soma("evaluate run --device cpu", environment)
            #expect(evaluation.complaint.isEmpty, "\(evaluation.complaint)")
        }
        soma("evaluate run --device cpu", other).expectComplaint(0, "the last digits may differ", "convolutions own kernels, was ")
        #expect(!soma("train --resume run --epochs 2", threads).output.contains("last digits"))
        let lines = soma("train --resume run --epochs 3", other).lines.filter { $0.contains("last digits may differ") }
        #expect(lines.count == 1 && lines[0].contains("convolutions own kernels, was "), "\(lines)")
    }
}
