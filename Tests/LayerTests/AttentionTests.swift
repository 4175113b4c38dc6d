import Soma
import SomaBackend
import SomaReference
import Testing

/// Attention and transformer layers against PyTorch's, kept in fixtures/attention.json with the script that made them.
@Suite struct AttentionTests {
    static let answers = Answers.file("attention.json").array ?? []

    /// All answers; of devices of OpenCL, whose compilers take seconds for each, one of the function and one of a layer.
    private static let trials: [(device: Device, number: Int)] = TestDevices.all.flatMap { device in
        let isSlow = "\(device)".hasPrefix("opencl")
        return answers.indices.filter { !isSlow || isRunOnSlowDevices(answers[$0]) }.map { (device, $0) }
    }

    private static func isRunOnSlowDevices(_ answer: JSON) -> Bool {
        answer["name"]?.string?.hasPrefix("grouped queries") == true || answer.part("kind").string == "cross"
    }

    @Test(arguments: trials) func agreesWithPyTorch(_ device: Device, _ number: Int) throws {
        let answer = Self.answers[number]
        try withDevice(device) { () throws in
            let inputs = (answer.part("inputs").array ?? []).map(\.sampled)
            let (module, call) = Self.subject(answer)
            let parameters = module?.namedParameters ?? []
            let wanted = answer["parameters"]?.members ?? []
            #expect(parameters.map(\.name) == wanted.map(\.name))
            #expect(parameters.map(\.parameter.shape) == wanted.map(\.value.sampled.shape))
            for (named, value) in zip(parameters, wanted) { named.parameter.assign(value.value.sampled) }

            let sources = inputs + parameters.map(\.parameter.tensor)
            let result = call(inputs)
            let slopes = gradient(of: result, withRespectTo: sources, seed: answer.part("seed").tensor(result.shape))
            let total = slopes.map { square($0).sum() }.reduce(Tensor(0), +)
            // Before values are read, which releases the graph behind them.
            let second = answer["second"].map { _ in gradient(of: total, withRespectTo: sources) }
            func check(_ tensors: [Tensor], _ numbers: [JSON], _ what: String) throws {
                #expect(tensors.count == numbers.count)
                for (index, (tensor, numbers)) in zip(tensors, numbers).enumerated() {
                    if answer["name"]?.string == "large logits", what == "gradient", index < 2 {
                        // Where a weight is 1, scores get differences of equal numbers: what is left is their rounding times keys or queries.
                        let largest = try inputs.prefix(2).map { try abs($0).max().item() }.max() ?? 0
                        let got = try tensor.scalars(as: Float.self).map { Double($0) }
                        #expect(zip(got, numbers.doubles).allSatisfy { abs($0 - $1) < 1.3e-6 * largest })
                        continue
                    }
                    #expect(try tensor.difference(from: numbers.doubles, terms: 32) == nil, "\(what) \(index) of \(Self.name(answer))")
                }
            }
            #expect(result.shape == answer.part("result").sampled.shape)
            if let second { try check(second, answer.part("second").array ?? [], "second") }
            try check(slopes, answer.part("gradients").array ?? [], "gradient")
            try check([result], [answer.part("result").part("numbers")], "result")
        }
    }

    private static func name(_ answer: JSON) -> String { "\(answer.part("kind")) \(answer["name"] ?? answer["options"] ?? .null)" }

    private static func flag(_ json: JSON, _ name: String, _ standard: Bool = false) -> Bool {
        if case .bool(let value) = json[name] { value } else { standard }
    }

    private static func lengths(_ json: JSON, _ name: String = "lengths") -> Tensor? {
        json[name]?.array.map { Tensor($0.map { Int32($0.integer ?? -1) }) }
    }

    /// What an answer is of: a module, and how it is called.
    private static func subject(_ answer: JSON) -> (module: (any Module)?, call: ([Tensor]) -> Tensor) {
        let options = answer["options"] ?? answer
        func number(_ name: String) -> Int { options[name]?.integer ?? 0 }
        let mask = AttentionMask(isCausal: flag(options, "isCausal"), window: options["window"]?.integer, lengths: lengths(options))
        let (width, heads, hasBias) = (number("width"), number("heads"), flag(options, "hasBias", true))
        let activation: FeedForwardActivation = options["activation"]?.string == "gelu" ? .gelu : .relu
        switch answer.part("kind").string {
        case "attention":
            return (nil, { inputs in
                var mask = mask
                mask.bias = inputs.count > 3 ? inputs[3] : nil
                return scaledDotProductAttention(query: inputs[0], key: inputs[1], value: inputs[2], mask: mask, scale: answer["scale"]?.double)
            })
        case "self":
            let layer = MultiHeadAttention(width: width, heads: heads, hasBias: hasBias)
            return (layer, { layer($0[0], mask: mask) })
        case "cross":
            let layer = MultiHeadAttention(width: width, heads: heads, hasBias: hasBias)
            return (layer, { layer($0[0], over: $0[1], mask: mask) })
        case "encoder":
            let layer = TransformerEncoderLayer(
                width: width, heads: heads, hidden: number("hidden"), dropout: 0, activation: activation, isNormFirst: flag(options, "isNormFirst"),
                hasBias: hasBias)
            return (layer, { layer($0[0], mask: mask) })
        case "decoder":
            let layer = TransformerDecoderLayer(
                width: width, heads: heads, hidden: number("hidden"), dropout: 0, activation: activation, isNormFirst: flag(options, "isNormFirst"))
            return (layer, { layer($0[0], over: $0[1], memoryMask: AttentionMask(lengths: lengths(options, "memoryLengths"))) })
        case "swiglu":
            let layer = SwiGLU(width: width, hidden: number("hidden"))
            return (layer, { layer($0[0]) })
        default:
            let size = answer.part("inputs").array?.first?.sampled.shape.dimensions.last ?? 0
            let layer = RotaryPositions(
                size: size, atMost: 10, base: answer.part("base").double ?? 0,
                pairing: answer.part("pairing").string == "halves" ? .halves : .interleaved, scaling: scaling(answer.part("scaling")))
            return (layer, { layer($0[0], from: number("offset")) })
        }
    }

    private static func scaling(_ json: JSON) -> RotaryPositions.Scaling? {
        func number(_ name: String) -> Double { json.part(name).double ?? 0 }
        switch json["type"]?.string {
        case "linear": return .linear(factor: number("factor"))
        case "llama3": return .llama3(factor: number("factor"), low: number("low"), high: number("high"), context: Int(number("context")))
        default: return nil
        }
    }

    /// Keys and values behind a sample's length hold NaN here, and neither results nor gradients know.
    @Test(arguments: TestDevices.all) func whatLiesBehindTheEndCountsForNothing(_ device: Device) throws {
        try withDevice(device) { () throws in
            let (query, key, value) = (Tensor.randomNormal([2, 2, 3, 4]), Tensor.randomNormal([2, 1, 5, 4]), Tensor.randomNormal([2, 1, 5, 4]))
            // Known only when the program runs; −1 counts as 0.
            let lengths = Tensor([3, -1] as [Int32]) + 0
            let isOwn = (Tensor.range(5) .< lengths.expandingDims(at: 1)).reshaped(to: [2, 1, 5, 1])
            func numbers(_ filling: Double) throws -> [[Double]] {
                let sources = [query, .select(isOwn, key, filling), .select(isOwn, value, filling)]
                let y = scaledDotProductAttention(
                    query: sources[0], key: sources[1], value: sources[2], mask: AttentionMask(isCausal: true, lengths: lengths))
                let slopes = gradient(of: square(y).sum(), withRespectTo: sources)
                return try ([y] + slopes).map { try $0.scalars() }
            }
            let (zeros, nans) = (try numbers(0), try numbers(.nan))
            #expect(zeros == nans && zeros.joined().allSatisfy(\.isFinite))
            #expect(zeros[0][24...].allSatisfy { $0 == 0 } && zeros[1][24...].allSatisfy { $0 == 0 }, "the second sample has no keys")
            #expect(zeros[0][..<24].contains { $0 != 0 })
        }
    }

    /// Attention and its gradient take memory as the sequence is long, not as its square: twice as much for 4096 places as for 2048.
    @Test func memoryGrowsWithTheSequence() throws {
        func peak(_ places: Int, _ capabilities: Capabilities) throws -> Double {
            let backend = RecordingBackend(capabilities: capabilities)
            return try withDevice(Device(running: backend)) {
                let inputs = try (0..<3).map { _ in try Tensor.zeros([1, 4, places, 64]).contiguous().realize() }
                let step = compiled { x in
                    let y = scaledDotProductAttention(query: x[0], key: x[1], value: x[2], mask: .causal)
                    return [y] + gradient(of: y.sum(), withRespectTo: x)
                }
                backend.forgetPeak()
                let results = try step(inputs)
                return withExtendedLifetime(results) { Double(backend.recorded.memory.peak) }
            }
        }
        let (short, long) = (try peak(2048, Capabilities(attentionWidth: 64)), try peak(4096, Capabilities(attentionWidth: 64)))
        #expect(long / short < 2.01, "\(short), \(long)")
        // Eleven tensors of the query's 2 MiB and the logarithms; the scores of all pairs alone would take 64 MiB.
        #expect(short < 24 * 1024 * 1024, "\(short)")
        // A device without such a step has scores of all pairs in memory.
        #expect(try peak(4096, Capabilities()) / peak(2048, Capabilities()) > 3.5)
    }

    /// A bias of −∞ hides keys as a mask does, all of them too.
    @Test func aBiasOfMinusInfinity() throws {
        try withDevice(TestDevices.interpreter) { () throws in
            let (query, key, value) = (Tensor.randomNormal([1, 1, 2, 3]), Tensor.randomNormal([1, 1, 4, 3]), Tensor.randomNormal([1, 1, 4, 3]))
            let isSeen = Tensor([[true, false, true, false], [false, false, false, false]])
            let bias = Tensor.select(isSeen, Tensor.zeros([2, 4]), -.infinity)
            let y = scaledDotProductAttention(query: query, key: key, value: value, mask: AttentionMask(bias: bias))
            let few = scaledDotProductAttention(query: query[.all, .all, ..<1], key: key[.all, .all, .every(2)], value: value[.all, .all, .every(2)])
            let slope = gradient(of: square(y).sum(), withRespectTo: [query, key, value])
            let wanted: [Double] = try few.scalars() + [0, 0, 0]
            #expect(try slope.allSatisfy { try $0.scalars().allSatisfy(\.isFinite) })
            #expect(try y.difference(from: wanted) == nil)
        }
    }

    /// Earlier keys and values put before those of the last places give what the whole sequence does.
    @Test func placesBehindACache() throws {
        try withDevice(TestDevices.interpreter) { () throws in
            let positions = RotaryPositions(size: 2, atMost: 8)
            let grouped = GroupedQueryAttention(width: 8, heads: 4, keyHeads: 2, positions: positions)
            let plain = MultiHeadAttention(width: 8, heads: 2)
            let x = Tensor.randomNormal([2, 5, 8])
            func last(
                _ whole: Tensor, _ parts: (Range<Int>) -> (query: Tensor, key: Tensor, value: Tensor), _ attend: (Tensor, Tensor, Tensor) -> Tensor
            ) throws {
                let (first, second) = (parts(0..<3), parts(3..<5))
                let y = attend(
                    second.query, Tensor(concatenating: [first.key, second.key], alongAxis: 2),
                    Tensor(concatenating: [first.value, second.value], alongAxis: 2))
                #expect(try y.difference(from: whole[.all, 3...].scalars(), terms: 8) == nil)
            }
            try last(grouped(x, mask: .causal)) { grouped.projected(x[.all, $0], from: $0.lowerBound) } _: {
                grouped.attended(query: $0, key: $1, value: $2, mask: .causal)
            }
            try last(plain(x, mask: .causal)) { plain.projected(x[.all, $0]) } _: { plain.attended(query: $0, key: $1, value: $2, mask: .causal) }
        }
    }

    /// Heads that share keys compute what heads with copies of these do, and rotary positions may be told as numbers.
    @Test func groupedQueriesAndPlaces() throws {
        try withDevice(TestDevices.interpreter) { () throws in
            let (query, key, value) = (Tensor.randomNormal([2, 6, 3, 4]), Tensor.randomNormal([2, 2, 5, 4]), Tensor.randomNormal([2, 2, 5, 4]))
            let y = scaledDotProductAttention(query: query, key: key, value: value)
            let copied = scaledDotProductAttention(query: query, key: key.repeated(3, alongAxis: 1), value: value.repeated(3, alongAxis: 1))
            #expect(try y.difference(from: copied.scalars()) == nil)

            for pairing in [RotaryPositions.Pairing.halves, .interleaved] {
                let positions = RotaryPositions(size: 4, atMost: 6, pairing: pairing)
                let wanted: [Double] = try positions(query, from: 2).scalars()
                #expect(try positions(query, at: Tensor([2, 3, 4] as [Int32])).scalars() == wanted)
                #expect(try positions(query, at: Tensor([[2, 3, 4], [0, 1, 2]] as [[Int32]]))[0].scalars() == Array(wanted[..<72]))
                #expect(try positions(query, at: Tensor([2, 3, 6] as [Int32]))[0, 0].scalars().suffix(4).allSatisfy { $0.isNaN })
                // Products depend on the distance alone.
                func product(_ a: Int, _ b: Int) throws -> Double {
                    try (positions(query[0, 0, ..<1], from: a) * positions(key[0, 0, ..<1], from: b)).sum().item()
                }
                #expect(try abs(product(1, 3) - product(2, 4)) < 1e-5)
            }
        }
    }

    /// Weights of attention are dropped in training alone.
    @Test func dropout() throws {
        try withDevice(TestDevices.interpreter) { () throws in
            let x = Tensor.randomNormal([1, 4, 6])
            let layer = withRandomSeed(2) { MultiHeadAttention(width: 6, heads: 2, dropout: 0.5) }
            let plain = withRandomSeed(2) { MultiHeadAttention(width: 6, heads: 2) }
            let wanted: [Double] = try plain(x).scalars()
            #expect(try layer(x).scalars() == wanted)
            let (one, other) = withTraining { (layer(x), layer(x)) }
            #expect(try one.scalars() != wanted && one.scalars() != other.scalars())

            // Of 40 equal keys and values of 1, each result is the number of those that are kept, times 2 / 40.
            let y = withTraining {
                scaledDotProductAttention(query: .ones([1, 1, 50, 1]), key: .ones([1, 1, 40, 1]), value: .ones([1, 1, 40, 1]), dropout: 0.5)
            }
            let kept = try y.scalars().map { (value: Double) in value * 20 }
            #expect(kept.allSatisfy { abs($0 - $0.rounded()) < 1e-3 })
            // Four standard deviations of the mean of 2000 choices.
            let (mean, deviation) = (kept.reduce(0, +) / 2000, 0.5 / 2000.0.squareRoot())
            #expect(abs(mean - 0.5) < 4 * deviation)
        }
    }

    /// Glorot's rule for the joined map, as PyTorch has it.
    @Test func firstValues() throws {
        try withDevice(TestDevices.interpreter) { () throws in
            let layer = withRandomSeed(3) { MultiHeadAttention(width: 32, heads: 4) }
            let weights: [Double] = try layer.inputWeight.tensor.scalars()
            let limit = (6.0 / 128).squareRoot()
            #expect(weights.allSatisfy { abs($0) <= limit } && weights.contains { abs($0) > 0.99 * limit })
            #expect(try layer.inputBias?.tensor.scalars().allSatisfy { $0 == 0 } == true)
            #expect(try layer.output.bias?.tensor.scalars().allSatisfy { $0 == 0 } == true)
        }
    }

    /// Rows of a decoder by itself: what comes later changes nothing before, and the model learns to tell the token before the last.
    @Test func aBlockLearnsToLookBack() throws {
        struct Model: Layer {
            let letters = Embedding(count: 5, size: 16)
            let places = SinusoidalPositions(size: 16, atMost: 6)
            let block = TransformerEncoderLayer(width: 16, heads: 2, hidden: 32, dropout: 0, activation: .gelu, isNormFirst: true)
            let head = Linear(from: 16, to: 5)
            func callAsFunction(_ tokens: Tensor) -> Tensor { head(block(places(letters(tokens)), mask: .causal)) }
        }
        try withDevice(Device.named("cpu")) {
            try withRandomSeed(6) {
                let model = Model()
                let optimizer = try Optimizer(Adam(), for: model, learningRate: 1e-2)
                let step = compiled { (tokens: Tensor) in
                    let loss = crossEntropy(model(tokens)[.all, 1...], tokens[.all, ..<5])
                    try optimizer.update(minimizing: loss)
                    return loss
                }
                for _ in 0..<120 { _ = try step(.randomIntegers([32, 6], in: 0..<5, dtype: .int32)) }
                let tokens = Tensor.randomIntegers([50, 6], in: 0..<5, dtype: .int32)
                let logits = model(tokens)
                let right = try (logits[.all, 1...].argmax(alongAxis: 2) .== tokens[.all, ..<5]).as(.float32).mean().item()
                #expect(right > 0.95, "\(right)")
                let others = model(Tensor(concatenating: [tokens[.all, ..<4], remainder(tokens[.all, 4...] + 1, 5)], alongAxis: 1))
                #expect(try others[.all, ..<4].difference(from: logits[.all, ..<4].scalars(), terms: 16) == nil)
            }
        }
    }

    @Test func summaries() throws {
        try withDevice(TestDevices.interpreter) { () throws in
            let layer = TransformerEncoderLayer(width: 8, heads: 2, hidden: 12)
            let found = summary(of: layer, for: [2, 5, 8])
            let row = try #require(found["self_attn"])
            #expect(row.type == "MultiHeadAttention" && row.parameterCount == 24 * 8 + 24)
            #expect(row.multiplyAdds == 1920 + 800, "the joined map, and two products for each head")
            #expect(found["self_attn.out_proj"]?.multiplyAdds == 640 && found["linear1"]?.outputs == [[2, 5, 12]])
        }
    }
}

extension JSON {
    /// Of an object with a shape and numbers.
    fileprivate var sampled: Tensor { part("numbers").tensor(Shape(part("shape").doubles.map { Int($0) })) }
}
