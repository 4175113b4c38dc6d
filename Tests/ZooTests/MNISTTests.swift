import Glibc
import Soma
import SomaZoo
import Testing

extension OnTheCPU {
    @Suite struct MNISTTests {
        private let recipe = MNISTRecipe()

        /// The folder with the real files, or nil with a line that says that the test is skipped.
        private func realData(_ test: String) -> String? {
            guard let folder = getenv("SOMA_DATA").map({ String(cString: $0) + "/mnist" }), access(folder, R_OK) == 0 else {
                print("skipped: \(test) wants the folder mnist in SOMA_DATA")
                return nil
            }
            return folder
        }

        @Test func readsRealDigits() throws {
            guard let folder = realData("readsRealDigits") else { return }
            let run = try record(recipe, on: try .named("cpu"), ["hidden=64", "dropout=0", "smoothing=0"], epochs: 2, data: folder)
            let accuracy = try #require(run.result.test["accuracy"])
            #expect(accuracy > 0.95)
            #expect(run.epochs.last?.evaluation?.sampleCount == 10_000)
        }

        @Test func saysWhichDataIsMissing() throws {
            let device = try Device.named("cpu")
            #expect(throws: UsageError.self) { try record(recipe, on: device) }
            let empty = try TemporaryFolder()
            #expect(throws: SomaError.self) { try record(recipe, on: device, data: empty.path) }
        }

        /// Files of another size of pictures and a few samples, as another data set in the same form may have.
        @Test func readsOtherPictures() throws {
            let folder = try TemporaryFolder()
            try folder.writeIDX("train", count: 40, side: 5)
            try folder.writeIDX("t10k", count: 20, side: 5)
            let output = try TemporaryFolder()
            let run = try record(
                recipe, on: try .named("cpu"), ["hidden=8", "batch=64", "dropout=0"], epochs: 2, data: folder.path, output: output.path)
            #expect(run.models.first?.rows.first?.shape == [8, 25])
            #expect(run.result.test["accuracy"] != nil)
            try folder.writeIDX("t10k", count: 20, side: 6)
            #expect(throws: SomaError.self) { try record(recipe, on: try .named("cpu"), epochs: 1, data: folder.path) }
        }

        /// A run goes on with the files that it began with.
        @Test func refusesOtherFilesWhenItGoesOn() throws {
            let (folder, output) = (try TemporaryFolder(), try TemporaryFolder())
            for part in ["train", "t10k"] { try folder.writeIDX(part, count: 20, side: 28) }
            let settings = ["hidden=8", "batch=10"]
            func train(_ epochs: Int, resume: String?) throws -> Record {
                try record(
                    recipe, on: try .named("cpu"), settings, epochs: epochs, data: folder.path, output: output.path, resume: resume)
            }
            let last = try #require(try train(1, resume: nil).result.checkpoint)
            #expect(try train(2, resume: last).result.epochs == 2)
            try folder.writeIDX("t10k", count: 21, side: 28)
            let what = "\(folder.path) is not what \(last) was trained on: it has 41 pictures and had 40"
            #expect { try train(3, resume: last) } throws: { "\($0)".contains(what) }
            // Its test files say themselves what is tested on, so that is told and no more.
            let checkpoint = try Checkpoint(path: last)
            #expect(try recipe.testData(of: checkpoint, in: folder.path, isTrainedOn: true).remarks == [what])
            #expect(try recipe.testData(of: checkpoint, in: folder.path).remarks == [])
        }

        @Test func namesTheFileWithoutPictures() throws {
            for (train, test, name) in [(0, 10, "train"), (10, 0, "t10k")] {
                let folder = try TemporaryFolder()
                try folder.writeIDX("train", count: train, side: 5)
                try folder.writeIDX("t10k", count: test, side: 5)
                #expect { try record(recipe, on: try .named("cpu"), epochs: 1, data: folder.path) } throws: {
                    "\($0)".hasSuffix("\(name)-images-idx3-ubyte holds no pictures")
                }
            }
        }

        @Test func predictsPicturesOfTheSizeItWasTrainedOn() throws {
            let (folder, output) = (try TemporaryFolder(), try TemporaryFolder())
            for part in ["train", "t10k"] { try folder.writeIDX(part, count: 20, side: 28) }
            let device = try Device.named("cpu")
            _ = try record(recipe, on: device, ["hidden=8"], epochs: 1, data: folder.path, output: output.path)
            let checkpoint = try Checkpoint(path: "\(output.path)/best.safetensors")
            let session = try recipe.session(checkpoint, device: device)
            #expect(session.input.sampleShape == [784] && session.classNames.count == 10)
            let probabilities = try session.answers(to: [Array(repeating: 0.5, count: 784)])
            #expect(probabilities.count == 1 && probabilities[0].count == 10)
        }
    }
}

extension TemporaryFolder {
    /// Two IDX files as MNIST has them, of stripes whose place tells the class.
    func writeIDX(_ part: String, count: Int, side: Int) throws {
        func header(_ dimensions: [Int]) -> [UInt8] {
            [0, 0, 8, UInt8(dimensions.count)] + dimensions.flatMap { [0, 0, UInt8($0 >> 8), UInt8($0 & 255)] }
        }
        let pixels = (0..<count).flatMap { sample in (0..<side * side).map { UInt8($0 / side == sample % 10 % side ? 255 : 0) } }
        try AtomicFile.write(header([count, side, side]) + pixels, to: "\(path)/\(part)-images-idx3-ubyte")
        try AtomicFile.write(header([count]) + (0..<count).map { UInt8($0 % 10) }, to: "\(path)/\(part)-labels-idx1-ubyte")
    }
}
