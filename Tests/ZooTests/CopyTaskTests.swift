import Glibc
@testable import Soma
@testable import SomaZoo
import Testing

extension OnTheCPU {
    @Suite struct CopyTaskTests {
        private let recipe = CopyTaskRecipe()
        private let small = ["delay=6", "symbols=2", "units=8", "samples=64", "batch=16"]

        @Test func sequences() throws {
            func batches(seed: UInt64 = 1, isHeldOut: Bool = false) throws -> [(tokens: [Int32], targets: [Int32])] {
                let data = CopySequences(count: 40, symbols: 3, delay: 4, alphabet: 5, seed: seed, isHeldOut: isHeldOut)
                let loader = try BatchLoader(data, batchSize: 40, seed: nil, epochs: 2)
                return try (0..<2).map { _ in
                    let batch = try Minibatch(try #require(try loader.next()))
                    return (try batch["tokens"].scalars(), try batch["targets"].scalars())
                }
            }
            let first = try batches()
            for (tokens, targets) in first {
                for row in 0..<40 {
                    let sequence = Array(tokens[row * 10..<row * 10 + 10]), symbols = Array(targets[row * 3..<row * 3 + 3])
                    #expect(sequence == symbols + [5, 5, 5, 6, 5, 5, 5] && symbols.allSatisfy { (0..<5).contains($0) })
                }
                #expect(Set(targets) == [0, 1, 2, 3, 4])
            }
            // New in each epoch, by another seed and for what is held out; and else the same.
            #expect(first[0].targets != first[1].targets)
            #expect(try batches().map(\.targets) == first.map(\.targets))
            #expect(try batches(seed: 2)[0].targets != first[0].targets && batches(isHeldOut: true)[0].targets != first[0].targets)
        }

        @Test func gatesBeginToKeep() throws {
            try withDevice(Device.named("cpu")) {
                let biases = { (kind: CopyNetwork.Kind, lag: Int?) throws -> [String: [Double]] in
                    let network = withRandomSeed(1) { CopyNetwork(kind, alphabet: 4, symbols: 2, units: 50, lag: lag) }
                    return try Dictionary(uniqueKeysWithValues: network.namedParameters.filter { $0.name.contains("bias_") }.map {
                        ($0.name, try $0.parameter.tensor.scalars(as: Double.self))
                    })
                }
                let lstm = try biases(.lstm, 30), inputs = try #require(lstm["recurrent.bias_ih_l0"])
                let keeping = Array(inputs[50..<100])
                #expect(keeping.allSatisfy { $0 >= 0 && $0 <= log(30) } && (keeping.max() ?? 0) > 3 && (keeping.min() ?? 9) < 2.5)
                #expect(Array(inputs[..<50]) == keeping.map { -$0 } && inputs[100...].allSatisfy { $0 == 0 })
                #expect(lstm["recurrent.bias_hh_l0"]?.allSatisfy { $0 == 0 } == true)
                let gru = try #require(try biases(.gru, 30)["recurrent.bias_ih_l0"])
                #expect(gru[50..<100].allSatisfy { $0 >= 0 } && gru[..<50].allSatisfy { $0 == 0 } && gru[100...].allSatisfy { $0 == 0 })
                let plain = try #require(try biases(.lstm, nil)["recurrent.bias_ih_l0"])
                #expect(plain.allSatisfy { abs($0) <= 1 / 50.0.squareRoot() } && plain.contains { $0 < 0 })
            }
        }

        /// Behind the last step by its definition; and wherever the sequence is cut, the norms are the same.
        @Test(arguments: [CopyNetwork.Kind.rnn, .lstm, .gru]) func gradientsThroughTime(kind: CopyNetwork.Kind) throws {
            try withDevice(Device.named("cpu")) {
                let network = withRandomSeed(2) { CopyNetwork(kind, alphabet: 3, symbols: 1, units: 6, lag: 8) }
                let data = CopySequences(count: 4, symbols: 1, delay: 7, alphabet: 3, seed: 1, isHeldOut: true)
                let batch = try Minibatch(of: data)
                let (tokens, targets) = (batch["tokens"], batch["targets"])
                let norms = try network.gradientNorms(tokens: tokens, targets: targets, every: 1)
                #expect(norms.map(\.step) == Array(1...9))
                let weight = try #require(network.namedParameters.first { $0.name == "output.weight" }).parameter.tensor
                let logits = network(tokens).reshaped(to: [4, 3])
                let isRight = (targets .== Tensor.range(3).reshaped(to: [1, 3])).as(.float32)
                let last = try square(matmul((logits.softmax(alongAxis: 1) - isRight) / 4, weight)).sum().item().squareRoot()
                #expect(abs(norms[8].norm - last) < 1e-5 * last)
                for interval in [2, 4] {
                    for (step, norm) in try network.gradientNorms(tokens: tokens, targets: targets, every: interval) {
                        #expect(abs(norm - norms[step - 1].norm) < 1e-4 * norm, "\(step), every \(interval)")
                    }
                }
            }
        }

        /// At a delay of 25 a simple network stays where it began, and an LSTM does not.
        @Test func whoRemembers() throws {
            let folder = try TemporaryFolder()
            let words = ["delay=25", "symbols=1", "units=24", "samples=640", "alphabet=4"]
            let run = try record(recipe, on: try .named("cpu"), words, seed: 2, epochs: 8, output: folder.path)
            let (simple, long) = (try #require(run.result.measures["rnn_accuracy"]), try #require(run.result.measures["lstm_accuracy"]))
            #expect(simple < 0.4 && long > 0.9, "\(simple), \(long)")
            #expect(run.result.test["accuracy"] == long && run.tables[0].rows.map { $0[0] } == ["simple RNN", "LSTM"])
            // Of what the loss has of the symbols almost nothing is left in the one before training, and much in the other.
            let reach = run.tables[0].rows.map { Double($0[3]) ?? .nan }
            #expect(reach[0] < 1e-4 && reach[0] > 0 && reach[1] > 0.01, "\(reach)")
            #expect(run.files.map { $0.dropFirst(folder.path.count + 1) } == ["gradients.svg"])
        }

        @Test func goesOnBitByBit() throws {
            let (whole, parts, device) = (try TemporaryFolder(), try TemporaryFolder(), try Device.named("cpu"))
            _ = try record(recipe, on: device, small, epochs: 2, output: whole.path)
            // In the first phase and in the second.
            for stop in [3, 9] {
                var steps = 0
                let resumed = stop == 3 ? nil : "\(parts.path)/last.safetensors"
                let part = try record(recipe, on: device, small, epochs: 2, output: parts.path, resume: resumed, isInterrupted: {
                    steps += 1
                    return steps == stop
                })
                #expect(part.result.isInterrupted && !parts.names.contains("gradients.svg"))
            }
            _ = try record(recipe, on: device, small, epochs: 2, output: parts.path, resume: "\(parts.path)/last.safetensors")
            for name in ["last.safetensors", "gradients.svg"] {
                #expect(try contents("\(parts.path)/\(name)") == contents("\(whole.path)/\(name)"), "\(name)")
            }
        }

        @Test func settingsThatCannotBe() {
            for words in [["models="], ["models=rnn,rnn"], ["models=cnn"], ["delay=0"], ["alphabet=1"]] {
                #expect(throws: UsageError.self) { try Settings(recipe, arguments: words) }
            }
        }
    }
}
