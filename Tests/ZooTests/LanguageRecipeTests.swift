import Glibc
@testable import Soma
@testable import SomaZoo
import Testing

extension OnTheCPU {
    @Suite struct LanguageRecipeTests {
        private let small = ["units=16", "batch=8", "length=16", "lr=0.01"]

        /// Lines of a language with few words, by which a network that remembers more than a letter is told from others.
        private func text(_ count: Int = 400) -> String {
            (0..<count).map { ["the cat sat on the mat\n", "a dog lay by the door\n", "the end\n"][($0 * $0 + $0 / 3) % 3] }.joined()
        }

        private func write(_ text: String, in folder: TemporaryFolder, _ name: String = "text.txt") throws -> String {
            try AtomicFile.write(text, to: "\(folder.path)/\(name)")
            return "\(folder.path)/\(name)"
        }

        @Test(arguments: [CharLSTMRecipe() as any Recipe, CharGRURecipe()]) func learns(recipe: any Recipe) throws {
            let (folder, output, device) = (try TemporaryFolder(), try TemporaryFolder(), try Device.named("cpu"))
            let path = try write(text(), in: folder)
            let run = try record(recipe, on: device, small, epochs: 8, data: path, output: output.path)
            #expect(run.result.test.figures.map(\.name) == ["loss", "perplexity", "bits_per_character"])
            let loss = try #require(run.result.test["loss"])
            // Letters by themselves cost 2.6 nats; who knows the words has about one choice of three a line.
            #expect(loss < 0.6 && abs((run.result.test["perplexity"] ?? 0) - exp(loss)) < 1e-6, "\(loss)")
            #expect(abs((run.result.test["bits_per_character"] ?? 0) - loss / log(2)) < 1e-6)
            let sample = String(decoding: try contents("\(output.path)/samples/epoch-0008.txt"), as: UTF8.self)
            #expect(sample.contains("the cat sat") || sample.contains("a dog lay"), "\(sample)")
            // The session measures the same on the held-out part, and the whole text is another file's.
            let checkpoint = try Checkpoint(path: "\(output.path)/last.safetensors")
            let session = try recipe.session(checkpoint, device: device)
            let again = try session.evaluate(recipe.testData(of: checkpoint, in: path, isTrainedOn: true).dataSet)
            #expect(abs((again["loss"] ?? 0) - loss) < 1e-5)
            let other = try write("the end\n", in: folder, "other.txt")
            let short = try recipe.testData(of: checkpoint, in: other)
            #expect(short.origin == "the 8 tokens of \(other)" && short.dataSet.count == 1)
            #expect(try session.evaluate(short.dataSet)["loss"] ?? 9 < 3)
        }

        @Test func aGPTLearns() throws {
            let (folder, output, device) = (try TemporaryFolder(), try TemporaryFolder(), try Device.named("cpu"))
            let path = try write(text(), in: folder)
            let settings = ["width=16", "layers=1", "heads=2", "batch=8", "length=24", "lr=0.01"]
            let run = try record(GPTNanoRecipe(), on: device, settings, epochs: 8, data: path, output: output.path)
            #expect(try #require(run.result.test["loss"]) < 1.2)
            // Another length of text than what it looks back at.
            let checkpoint = try Checkpoint(path: "\(output.path)/last.safetensors")
            let session = try GPTNanoRecipe().session(checkpoint, device: device)
            let again = try session.evaluate(GPTNanoRecipe().testData(of: checkpoint, in: path, isTrainedOn: true).dataSet)
            #expect(abs((again["loss"] ?? 0) - (run.result.test["loss"] ?? 9)) < 1e-5)
            let sample = String(decoding: try contents("\(output.path)/samples/epoch-0008.txt"), as: UTF8.self)
            #expect(sample.count == 501 && sample.contains("the"), "\(sample)")
            #expect(throws: UsageError.self) { try record(GPTNanoRecipe(), on: device, ["width=10", "heads=3"], epochs: 1, data: path) }
        }

        @Test(arguments: ["cpu", "opencl:0"]) func goesOnBitByBit(name: String) throws {
            guard let device = try? Device.named(name) else { return print("skipped: \(name) is not there") }
            let (folder, whole, parts) = (try TemporaryFolder(), try TemporaryFolder(), try TemporaryFolder())
            let (path, recipe) = (try write(text(120), in: folder), CharLSTMRecipe())
            _ = try record(recipe, on: device, small, epochs: 2, data: path, output: whole.path)
            var steps = 0
            let first = try record(recipe, on: device, small, epochs: 2, data: path, output: parts.path, isInterrupted: {
                steps += 1
                return steps == 7
            })
            #expect(first.result.isInterrupted)
            _ = try record(recipe, on: device, small, epochs: 2, data: path, output: parts.path, resume: "\(parts.path)/last.safetensors")
            for name in ["last.safetensors", "best.safetensors", "samples/epoch-0001.txt", "samples/epoch-0002.txt"] {
                #expect(try contents("\(parts.path)/\(name)") == contents("\(whole.path)/\(name)"), "\(name)")
            }
        }

        /// The loss of a batch is that of its tokens behind all tokens of the batches before; a text that begins anew is not.
        @Test func theStateIsCarried() throws {
            try withDevice(Device.named("cpu")) {
                let model = withRandomSeed(1) { RecurrentLanguageModel(.lstm, vocabularyCount: 5, units: 4, layers: 2) }
                let tokens: [Int32] = (0..<82).map { (place: Int32) -> Int32 in (place * place + place / 5) % 5 }
                func losses(of rows: [[Int32]]) throws -> [Double] {
                    let length = rows[0].count - 1
                    let (inputs, targets) = (rows.flatMap { $0.dropLast() }, rows.flatMap { $0.dropFirst() })
                    let logits = model(Tensor(inputs, shape: [rows.count, length]), from: nil).logits
                    return try crossEntropy(logits, Tensor(targets, shape: [rows.count, length]), reduction: .none).scalars(as: Double.self)
                }
                // Two streams of 41 tokens, read 8 at a time: 40 of each are predicted.
                let whole = try losses(of: [Array(tokens[..<41]), Array(tokens[41...])])
                let tokenizer = try CharacterTokenizer(learningFrom: "abcde")
                let text = String(String.UnicodeScalarView(tokens.map { tokenizer.alphabet[Int($0)] }))
                let streams = try TextStreams(TokenSequence(of: text, tokenizer), length: 8, streams: 2)
                let evaluator = Evaluator(LanguageMeasure(model, tokenizer: tokenizer, streams: [1, 2]))
                let mean = whole.reduce(0, +) / 80
                // A second pass begins anew.
                for _ in 0..<2 { #expect(abs(try evaluator.evaluate(streams).value(of: "loss") - mean) < 1e-5) }
                // Without a state each row is a text by itself.
                let alone = try Evaluator(LanguageMeasure(model, tokenizer: tokenizer)).evaluate(streams).value(of: "loss")
                #expect(abs(alone - mean) > 1e-4)

                // In training, at a rate of 0.
                let trained = CarriedLanguageModel(model, streams: 2)
                let task = LanguageTask(
                    trained, try Optimizer(SGD(), for: trained, learningRate: 0), measuredBy: LanguageMeasure(model, tokenizer: tokenizer, streams: [2]))
                var told: [Double] = []
                var options = Trainer.Options(epochs: 2, batchSize: 2, seed: 1)
                options.readingInterval = 1
                try Trainer(task, options).run(on: streams) { event in
                    if case .step(_, let losses?) = event, let loss = losses.first { told.append(loss.value) }
                }
                for (batch, loss) in told.enumerated() {
                    let columns = (batch % 5) * 8..<(batch % 5) * 8 + 8
                    let wanted = columns.reduce(0) { $0 + whole[$1] + whole[40 + $1] } / 16
                    #expect(abs(loss - wanted) < 1e-5, "batch \(batch)")
                }
                #expect(told.count == 10)
            }
        }

        @Test func namesArePyTorchs() throws {
            let model = CarriedLanguageModel(RecurrentLanguageModel(.gru, vocabularyCount: 3, units: 2, layers: 1), streams: 4)
            let names = ["embedding.weight", "recurrent.weight_ih_l0", "recurrent.weight_hh_l0", "recurrent.bias_ih_l0", "recurrent.bias_hh_l0"]
            #expect(model.namedParameters.map(\.name) == names + ["output.weight", "output.bias"])
            #expect(model.namedStates.map(\.name) == ["carried.0"] && model.namedStates[0].state.shape == [1, 4, 2])
        }

        @Test func whatCannotBeTrainedOn() throws {
            let (folder, output, device, recipe) = (try TemporaryFolder(), try TemporaryFolder(), try Device.named("cpu"), CharLSTMRecipe())
            func refusal(_ name: String, _ bytes: [UInt8], _ words: [String]? = nil) throws -> String {
                try AtomicFile.write(bytes, to: "\(folder.path)/\(name)")
                do { _ = try record(recipe, on: device, words ?? small, epochs: 1, data: "\(folder.path)/\(name)") } catch { return "\(error)" }
                return "nothing"
            }
            #expect(try refusal("empty.txt", []).contains("empty.txt is empty"))
            #expect(try refusal("mark.txt", [0xEF, 0xBB, 0xBF]).contains("empty"))
            let short = try refusal("short.txt", Array("to be or not to be".utf8))
            #expect(short.contains("short.txt is too short: it has 16 tokens to train on and 2 to measure by") && short.contains("batch="))
            #expect(try refusal("one.txt", Array("a".utf8), ["batch=1", "length=1"]).contains("too short"))
            let torn = try refusal("torn.txt", Array(text(20).utf8) + [0xC3, 0x28])
            #expect(torn.contains("torn.txt") && torn.contains("UTF-8"), "\(torn)")
            // As bytes it is no worse than any other.
            #expect(try refusal("torn.txt", Array(text(40).utf8) + [0xC3, 0x28], small + ["tokens=bytes"]) == "nothing")
            #expect { try record(recipe, on: device, small, data: "\(folder.path)/none.txt") } throws: { "\($0)".contains("none.txt") }

            let path = try write(text(120), in: folder)
            _ = try record(recipe, on: device, small, epochs: 1, data: path, output: output.path)
            let last = "\(output.path)/last.safetensors"
            #expect { try recipe.testData(of: Checkpoint(path: last), in: nil) } throws: { "\($0)".contains("name it by --data") }
            let strange = try write("the cat ßat", in: folder, "strange.txt")
            #expect { try recipe.testData(of: Checkpoint(path: last), in: strange) } throws: {
                "\($0)".contains("strange.txt") && "\($0)".contains("'ß' (U+00DF) is none of the")
            }
            #expect { try record(recipe, on: device, small, epochs: 2, data: strange, resume: last) } throws: { _ in true }
            _ = try write(text(121), in: folder)
            #expect { try record(recipe, on: device, small, epochs: 2, data: path, resume: last) } throws: { "\($0)".contains("is not what") }
            #expect { try recipe.testData(of: Checkpoint(path: last), in: path, isTrainedOn: true) } throws: { "\($0)".contains("what was held out") }
        }

        @Test func probes() throws {
            let folder = try TemporaryFolder()
            var context = RecipeContext(CharGRURecipe(), device: try .named("cpu"), seed: 3)
            context.settings = try Settings(CharGRURecipe(), arguments: ["units=3", "layers=1", "batch=2", "length=4"])
            context.data = try write(text(10), in: folder)
            let tensors = try CharGRURecipe().probe(context)
            #expect(tensors.count == 8)
            #expect(try context.device.firstDivergence(of: tensors, against: interpreter()) == nil)
        }
    }
}
