import Glibc
import Soma
import SomaZoo
import Testing

extension OnTheCPU {
    /// Recipes on folders of pictures: a few steps on a few small pictures each.
    @Suite struct ImageRecipeTests {
        private let recipes: [(recipe: any Recipe, settings: [String])] = [
            (AlexNetRecipe(), ["image-size=16", "augment=shift"]), (ResNet20Recipe(), ["image-size=8"]),
            (ResNet18Recipe(), ["image-size=32", "augment=crop,flip,turn,colour"]), (VGG11Recipe(), ["image-size=32", "channels=1"]),
        ]

        @Test func learnFromFolders() throws {
            let folder = try PictureFolder(classes: 6, count: 6)
            for (recipe, settings) in recipes {
                let output = try TemporaryFolder()
                let run = try record(
                    recipe, on: try .named("cpu"), settings + ["batch=16", "held-out=0.2"], epochs: 1, data: folder.path, output: output.path)
                #expect(run.messages == ["29 pictures of 6 classes to train on, 7 to test on"])
                #expect(run.result.test["top5_accuracy"] != nil && run.epochs.first?.evaluation?["top5_accuracy"] != nil)
                let checkpoint = try Checkpoint(path: "\(output.path)/last.safetensors")
                let session = try recipe.session(checkpoint, device: .named("cpu"))
                #expect(session.classNames == (0..<6).map { "class \($0)" })
                let test = try recipe.testData(of: checkpoint, in: folder.path)
                #expect(test.dataSet.count == 7 && test.origin.contains("held out"))
                #expect(try session.evaluate(test.dataSet)["accuracy"] == run.result.test["accuracy"])
                #expect(session.featureMaps(of: [Float](repeating: 0, count: session.input.sampleShape.reduce(1, *))).count >= 5)
            }
        }

        /// Pictures of another folder are all evaluated; classes must be the same.
        @Test func evaluatesOtherFolders() throws {
            let (folder, other) = (try PictureFolder(classes: 3, count: 5), try PictureFolder(classes: 3, count: 2))
            let output = try TemporaryFolder()
            let recipe = ResNet20Recipe()
            let run = try record(
                recipe, on: try .named("cpu"), ["image-size=8", "held-out=0.2"], epochs: 1, data: folder.path, output: output.path)
            #expect(run.result.measures["test_top5_accuracy"] == nil, "five of three classes say nothing")
            let checkpoint = try Checkpoint(path: run.checkpoints[0])
            #expect(try recipe.testData(of: checkpoint, in: other.path).dataSet.count == 6)
            let foreign = try PictureFolder(classes: 4, count: 2)
            #expect { try recipe.testData(of: checkpoint, in: foreign.path) } throws: { "\($0)".contains("'class 3'") }
            let fewer = try PictureFolder(classes: 2, count: 2)
            #expect { try recipe.testData(of: checkpoint, in: fewer.path) } throws: { "\($0)".contains("'class 2'") }
            #expect(throws: UsageError.self) { try recipe.testData(of: checkpoint, in: nil) }
            func resume(_ words: String..., sourceLocation: SourceLocation = #_sourceLocation, in path: String) throws {
                let settings = ["image-size=8", "held-out=0.2"]
                #expect(sourceLocation: sourceLocation) {
                    try record(recipe, on: try .named("cpu"), settings, epochs: 2, data: path, resume: checkpoint.path)
                } throws: { error in words.allSatisfy("\(error)".contains) }
            }
            try resume("is not what", "the class 'class 3' is new", in: foreign.path)
            try resume("is not what", "the class 'class 2' is gone", in: fewer.path)
            try resume("is not what", "the class 'class 0' has 2 pictures and had 5", in: other.path)
            // As many pictures, but not the same: which were held out cannot be told.
            try Picture(width: 9, height: 9, channels: 1, pixels: [UInt8](repeating: 9, count: 81)).write(to: "\(folder.path)/class 1/3.png")
            try resume("pictures of the class 'class 1' have other names or sizes", in: folder.path)
            #expect { try recipe.testData(of: checkpoint, in: folder.path, isTrainedOn: true) } throws: { "\($0)".contains("is not what") }
            #expect(try recipe.testData(of: checkpoint, in: folder.path).dataSet.count == 15)
            #expect(throws: UsageError.self) { try record(AlexNetRecipe(), on: try .named("cpu")) }
        }

        /// Pictures that cannot be read count for nothing in an evaluation, during training and after it.
        @Test func leavesOutWhatCannotBeRead() throws {
            let folder = try PictureFolder(classes: 3, count: 5)
            let output = try TemporaryFolder()
            let recipe = ResNet20Recipe()
            let settings = ["image-size=8", "held-out=0.4"]
            var run = try record(recipe, on: try .named("cpu"), settings, epochs: 1, data: folder.path, output: output.path)
            #expect(run.epochs.first?.evaluation?.sampleCount == 6 && run.epochs.first?.evaluation?.leftOutCount == 0)
            // One picture of each class, which is held out or trained on.
            for label in 0..<3 { try AtomicFile.write([], to: "\(folder.path)/class \(label)/1.png") }
            run = try record(recipe, on: try .named("cpu"), settings, epochs: 1, data: folder.path, output: output.path)
            let evaluation = try #require(run.epochs.first?.evaluation)
            #expect(evaluation.sampleCount + evaluation.leftOutCount == 6 && evaluation.leftOutCount > 0)
            let checkpoint = try Checkpoint(path: "\(output.path)/last.safetensors")
            let test = try recipe.testData(of: checkpoint, in: folder.path)
            let again = try recipe.session(checkpoint, device: .named("cpu")).evaluate(test.dataSet)
            #expect(again.sampleCount == evaluation.sampleCount && again["accuracy"] == evaluation["accuracy"])
            let all = try PictureFolder(classes: 3, count: 2)
            try AtomicFile.write([], to: "\(all.path)/class 1/0.png")
            let foreign = try recipe.testData(of: checkpoint, in: all.path)
            #expect(try recipe.session(checkpoint, device: .named("cpu")).evaluate(foreign.dataSet).sampleCount == 5 && foreign.dataSet.count == 6)
            for label in 0..<3 { for number in 0..<2 { try AtomicFile.write([], to: "\(all.path)/class \(label)/\(number).png") } }
            let none = try recipe.testData(of: checkpoint, in: all.path)
            #expect { try recipe.session(checkpoint, device: .named("cpu")).evaluate(none.dataSet) } throws: {
                "\($0)".contains("none of 6 samples can be read")
            }
        }

        @Test func readsScaledUpDigits() throws {
            let output = try TemporaryFolder()
            let recipe = ResNet20Recipe()
            var updates = 0
            let run = try record(recipe, on: try .named("cpu"), ["image-size=8"], epochs: 1, output: output.path, isInterrupted: {
                updates += 1
                return updates == 2
            })
            #expect(run.models.first?.rows.first?.shape == [16, 1, 3, 3])
            let checkpoint = try Checkpoint(path: "\(output.path)/last.safetensors")
            #expect(try recipe.testData(of: checkpoint, in: nil).dataSet.count == 359)
            #expect(try recipe.session(checkpoint, device: .named("cpu")).input.sampleShape == [64])
        }

        /// Neither what is computed again nor in how many parts changes what is learned, up to rounding.
        @Test func savesMemoryAndLearnsTheSame() throws {
            let folder = try PictureFolder(classes: 2, count: 4)
            func loss(_ recipe: any Recipe, _ settings: [String]) throws -> Double {
                let run = try record(recipe, on: try .named("cpu"), settings + ["held-out=0.25"], epochs: 2, data: folder.path)
                return try #require(run.result.test["loss"])
            }
            let alexNet = ["image-size=16", "channels=1", "augment=", "dropout=0"]
            let whole = try loss(AlexNetRecipe(), alexNet + ["batch=6"])
            #expect(abs(try loss(AlexNetRecipe(), alexNet + ["batch=2", "accumulate=3"]) - whole) < 1e-4)
            let dropped = try loss(AlexNetRecipe(), ["image-size=16", "dropout=0.3", "batch=3"])
            #expect(abs(try loss(AlexNetRecipe(), ["image-size=16", "dropout=0.3", "batch=3", "checkpoint=blocks"]) - dropped) < 1e-4)
            let resNet = ["image-size=8", "batch=3"]
            #expect(abs(try loss(ResNet20Recipe(), resNet + ["checkpoint=blocks"]) - loss(ResNet20Recipe(), resNet)) < 1e-4)
        }
    }
}

/// A folder of pictures for each of some classes, grey and in colour, whose stripes tell the class; removed when the test ends.
final class PictureFolder {
    let path: String
    private var files: [String] = []
    private var folders: [String] = []

    init(classes: Int, count: Int) throws {
        var template = Array("/tmp/soma-pictures-XXXXXX".utf8CString)
        guard let made = mkdtemp(&template) else { throw SomaError("no folder for a test") }
        path = String(cString: made)
        for label in 0..<classes {
            let folder = "\(path)/class \(label)"
            mkdir(folder, 0o777)
            folders.append(folder)
            for number in 0..<count {
                let (width, height, channels) = (9 + number % 3, 10, number % 2 == 0 ? 1 : 3)
                let pixels = (0..<width * height * channels).map { UInt8(($0 / channels / width) % (label + 2) == 0 ? 200 : 10 * number % 200) }
                files.append("\(folder)/\(number).png")
                try Picture(width: width, height: height, channels: channels, pixels: pixels).write(to: files[files.count - 1])
            }
        }
    }

    deinit {
        files.forEach { unlink($0) }
        (folders + [path]).forEach { rmdir($0) }
    }
}
