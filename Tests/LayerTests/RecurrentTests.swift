import Soma
import SomaReference
import Testing

/// Recurrent layers against PyTorch's, kept in fixtures/recurrent.json with the script that made them.
@Suite struct RecurrentTests {
    /// A layer of any family, with its states as a list.
    struct AnyRecurrent: Sendable {
        let module: any Module
        let call: @Sendable (_ x: Tensor, _ initial: [Tensor]?, _ lengths: Tensor?) -> [Tensor]

        init(
            _ kind: String, from inputs: Int, to units: Int, layers: Int = 1, isBidirectional: Bool = false, hasBias: Bool = true,
            dropout: Double = 0, isBatchFirst: Bool = true
        ) {
            switch kind {
            case "lstm":
                let layer = LSTM(
                    from: inputs, to: units, layers: layers, isBidirectional: isBidirectional, hasBias: hasBias, dropout: dropout,
                    isBatchFirst: isBatchFirst)
                module = layer
                call = { x, initial, lengths in
                    let (y, state) = layer(x, from: initial.map { LSTMState(h: $0[0], c: $0[1]) }, lengths: lengths)
                    return [y, state.h, state.c]
                }
            case "gru":
                let layer = GRU(
                    from: inputs, to: units, layers: layers, isBidirectional: isBidirectional, hasBias: hasBias, dropout: dropout,
                    isBatchFirst: isBatchFirst)
                module = layer
                call = { x, initial, lengths in
                    let (y, h) = layer(x, from: initial?[0], lengths: lengths)
                    return [y, h]
                }
            default:
                let layer = SimpleRNN(
                    from: inputs, to: units, layers: layers, activation: kind == "tanh" ? .tanh : .relu, isBidirectional: isBidirectional,
                    hasBias: hasBias, dropout: dropout, isBatchFirst: isBatchFirst)
                module = layer
                call = { x, initial, lengths in
                    let (y, h) = layer(x, from: initial?[0], lengths: lengths)
                    return [y, h]
                }
            }
        }
    }

    static let kinds = ["tanh", "relu", "lstm", "gru"]
    static let answers = Answers.file("recurrent.json").array ?? []

    private static func flag(_ answer: JSON, _ name: String) -> Bool { if case .bool(true) = answer.part(name) { true } else { false } }

    private static func integers(_ json: JSON) -> [Int] { json.doubles.map { Int($0) } }

    /// All answers; of devices of OpenCL, whose compilers take a second for each, those with two layers, both directions and lengths. Their kernels are
    /// those of the operation cases of `scan`.
    private static let trials: [(device: Device, number: Int)] = TestDevices.all.flatMap { device in
        answers.indices.filter { !"\(device)".hasPrefix("opencl") || $0 % 6 == 4 }.map { (device, $0) }
    }

    @Test(arguments: trials) func agreesWithPyTorch(_ device: Device, _ number: Int) throws {
        let answer = Self.answers[number]
        let (kind, units) = (answer.part("kind").string ?? "", Int(answer.part("units").double ?? 0))
        let (layers, isBidirectional) = (Int(answer.part("layers").double ?? 0), Self.flag(answer, "isBidirectional"))
        try withDevice(device) { () throws in
            let layer = AnyRecurrent(
                kind, from: Int(answer.part("inputs").double ?? 0), to: units, layers: layers, isBidirectional: isBidirectional,
                hasBias: Self.flag(answer, "hasBias"), isBatchFirst: Self.flag(answer, "isBatchFirst"))
            let names = layer.module.namedParameters.map(\.name)
            #expect(names == answer.part("parameters").members?.map(\.name))
            #expect(layer.module.parameters.map(\.shape.dimensions) == answer.part("shapes").array?.map(Self.integers))
            for named in layer.module.namedParameters {
                named.parameter.assign(answer.part("parameters").part(named.name).tensor(named.parameter.shape))
            }

            let shape = Shape(Self.integers(answer.part("shape")))
            let batch = shape[Self.flag(answer, "isBatchFirst") ? 0 : 1]
            let stateShape: Shape = [layers * (isBidirectional ? 2 : 1), batch, units]
            let x = answer.part("x").tensor(shape)
            let initial = (answer.part("initial").array ?? []).map { $0.tensor(stateShape) }
            let lengths = answer.part("lengths").array.map { _ in Tensor(answer.part("lengths").doubles.map { Int32($0) }) }
            let results = layer.call(x, initial.isEmpty ? nil : initial, lengths)
            let sources = [x] + initial + layer.module.parameters.map(\.tensor)
            let seeded = zip(results, answer.part("seeds").array ?? []).map { ($0 * $1.tensor($0.shape)).sum() }.reduce(Tensor(0), +)
            let slopes = gradient(of: seeded, withRespectTo: sources)
            // Before values are read, which releases the graph behind them.
            let total = slopes.map { square($0).sum() }.reduce(Tensor(0), +)
            let second = answer["second"] == nil ? [] : gradient(of: total, withRespectTo: sources)
            func check(_ tensors: [Tensor], _ name: String) throws {
                let wanted = answer.part(name).array ?? []
                #expect(tensors.count == wanted.count)
                for (index, (tensor, numbers)) in zip(tensors, wanted).enumerated() {
                    #expect(try tensor.difference(from: numbers.doubles, terms: 32) == nil, "\(kind) \(number), \(name) \(index)")
                }
            }
            if answer["second"] != nil { try check(second, "second") }
            try check(results, "results")
            try check(slopes, "gradients")
        }
    }

    /// Steps behind the end hold NaN here, and neither results nor gradients know.
    @Test(arguments: TestDevices.all, kinds) func whatLiesBehindTheEndCountsForNothing(_ device: Device, _ kind: String) throws {
        try withDevice(device) { () throws in
            let layer = AnyRecurrent(kind, from: 2, to: 3, isBidirectional: true)
            let x = Tensor.randomNormal([2, 4, 2])
            let lengths = Tensor([2, 4])
            let isOwn = Tensor([[true, true, false, false], [true, true, true, true]]).expandingDims(at: 2)
            func numbers(_ filling: Float) throws -> [[Double]] {
                let filled = Tensor.select(isOwn, x, Tensor([filling]))
                let results = layer.call(filled, nil, lengths)
                let loss = results.map { square($0).sum() }.reduce(Tensor(0.0), +)
                let slopes = gradient(of: loss, withRespectTo: [filled] + layer.module.parameters.map(\.tensor))
                return try (slopes + results).map { try $0.scalars() }
            }
            let (zeros, nans) = (try numbers(0), try numbers(.nan))
            #expect(zeros == nans && zeros.joined().allSatisfy(\.isFinite))
            #expect(zeros[0][4..<8].allSatisfy { $0 == 0 }, "no gradient behind the end")
        }
    }

    /// Lengths that the program does not know before it runs cannot trap.
    @Test(arguments: TestDevices.all, kinds) func aComputedLengthOutOfRangeIsNaN(_ device: Device, _ kind: String) throws {
        try withDevice(device) { () throws in
            let layer = AnyRecurrent(kind, from: 2, to: 1)
            let lengths = Tensor([0, 4, -1, 3, 1] as [Int32]) + 0
            let results = layer.call(.ones([5, 3, 2]), nil, lengths)
            let y = try results[0].scalars()
            for (row, isSound) in [false, false, false, true, true].enumerated() {
                #expect(y[3 * row..<3 * row + 3].allSatisfy { $0.isNaN != isSound })
                #expect(try results[1].scalars()[row].isNaN != isSound)
            }
            #expect(y[13] == 0 && y[14] == 0)
        }
    }

    @Test func firstValues() throws {
        try withDevice(TestDevices.interpreter) { () throws in
            for kind in Self.kinds {
                let layer = withRandomSeed(3) { AnyRecurrent(kind, from: 50, to: 16, layers: 2) }
                for named in layer.module.namedParameters {
                    let numbers = try named.parameter.tensor.scalars()
                    let variance = numbers.reduce(0) { $0 + $1 * $1 } / Double(numbers.count)
                    #expect(numbers.allSatisfy { abs($0) <= 0.25 }, "\(kind) \(named.name)")
                    // Of a uniform number u on ±a, u² has mean a²/3 and variance 4a⁴/45.
                    let deviation = (4.0 / 45 / Double(numbers.count)).squareRoot() / 16
                    #expect(abs(variance - 1.0 / 48) < 4 * deviation, "\(kind) \(named.name)")
                }
            }
        }
    }

    /// Dropout lies between the layers: it drops in training alone, and never the outputs of the last.
    @Test(arguments: kinds) func dropoutBetweenLayers(_ kind: String) throws {
        try withDevice(TestDevices.interpreter) { () throws in
            let layer = withRandomSeed(3) { AnyRecurrent(kind, from: 2, to: 3, layers: 2, dropout: 0.5) }
            let plain = withRandomSeed(3) { AnyRecurrent(kind, from: 2, to: 3, layers: 2) }
            let x = Tensor.randomNormal([2, 4, 2])
            let wanted: [Double] = try plain.call(x, nil, nil)[0].scalars()
            #expect(try layer.call(x, nil, nil)[0].scalars() == wanted)
            let (one, other) = withTraining { (layer.call(x, nil, nil), layer.call(x, nil, nil)) }
            #expect(try one[0].scalars() != wanted && one[0].scalars() != other[0].scalars())
            // The state of the first layer is before any dropout.
            #expect(try one[1][0].scalars() == plain.call(x, nil, nil)[1][0].scalars())
            let single = AnyRecurrent(kind, from: 2, to: 3, dropout: 0.5)
            #expect(try withTraining { try single.call(x, nil, nil)[0].scalars() } == single.call(x, nil, nil)[0].scalars())
        }
    }

    /// A sequence in two parts, the second from the state that the first has left.
    @Test(arguments: TestDevices.all, kinds) func aStateIsGoneOnFrom(_ device: Device, _ kind: String) throws {
        try withDevice(device) { () throws in
            let layer = AnyRecurrent(kind, from: 3, to: 4, layers: 2)
            let x = Tensor.randomNormal([2, 5, 3])
            let whole = layer.call(x, nil, nil)
            let first = layer.call(x[.all, ..<2], nil, nil)
            let second = layer.call(x[.all, 2...], Array(first.dropFirst()), nil)
            let joined = Tensor(concatenating: [first[0], second[0]], alongAxis: 1)
            for (part, all) in zip([joined] + second.dropFirst(), whole) { #expect(try part.difference(from: all.scalars(), terms: 16) == nil) }
        }
    }

    /// A captured step computes what one does that is not, for lengths and states that differ from call to call.
    @Test(arguments: TestDevices.all.dropFirst()) func aCapturedStep(_ device: Device) throws {
        try withDevice(device) { () throws in
            for kind in Self.kinds {
                func train(captured: Bool) throws -> [Double] {
                    let layer = withRandomSeed(4) { AnyRecurrent(kind, from: 2, to: 3, layers: 2, isBidirectional: true) }
                    let model = Holder(module: layer.module)
                    let optimizer = try Optimizer(SGD(), for: model, learningRate: 0.1)
                    @Sendable func loss(_ x: Tensor, _ lengths: Tensor) -> Tensor { square(layer.call(x, nil, lengths)[0] - 0.5).mean() }
                    let step = compiled { (x: Tensor, lengths: Tensor) in
                        let loss = loss(x, lengths)
                        try optimizer.update(minimizing: loss)
                        return loss
                    }
                    return try withRandomSeed(5) {
                        try (0..<4).map { call in
                            let (x, lengths) = (Tensor.randomNormal([2, 3, 2]), Tensor([1 + call % 3, 3 - call % 2]))
                            if captured { return try step(x, lengths).item() }
                            let value = try loss(x, lengths).item()
                            try optimizer.update(minimizing: loss(x, lengths))
                            return value
                        }
                    }
                }
                let (replayed, plain) = (try train(captured: true), try train(captured: false))
                #expect(zip(replayed, plain).allSatisfy { abs($0 - $1) < 1e-5 }, "\(kind): \(replayed), \(plain)")
            }
        }
    }

    struct Holder: Module {
        let module: any Module
    }

    /// The input's product is one for all steps, and so are the gradients of both weights. A step predicts with one product and the cell, and trains
    /// with one product more.
    @Test(arguments: [("tanh", 1, 6), ("relu", 1, 6), ("lstm", 2, 8), ("gru", 2, 8)])
    func launchesOfAStep(_ kind: String, _ mostToPredict: Int, _ mostToTrain: Int) throws {
        func launches(_ steps: Int, trains: Bool) throws -> [String] {
            let (device, backend) = recording()
            return try withDevice(device) {
                let layer = AnyRecurrent(kind, from: 6, to: 5)
                let optimizer = try Optimizer(SGD(), for: Holder(module: layer.module), learningRate: 0.1)
                let y = layer.call(Tensor([Float](repeating: 0, count: steps * 24), shape: [4, steps, 6]), nil, nil)[0]
                backend.reset()
                if trains { try optimizer.update(minimizing: square(y).mean()) } else { try y.realize() }
                return backend.launches
            }
        }
        for (trains, most, products) in [(false, mostToPredict, 1), (true, mostToTrain, 2)] {
            let (few, many) = (try launches(3, trains: trains), try launches(13, trains: trains))
            #expect(many.count - few.count <= 10 * most, "\(few)")
            for (launches, steps) in [(few, 3), (many, 13)] {
                #expect(launches.count { $0 == "matmul" } == steps * products + (trains ? 3 : 1))
            }
        }
    }

    @Test func summaries() throws {
        struct Tagger: Module {
            let words = Embedding(count: 9, size: 6)
            let encoder = LSTM(from: 6, to: 5, layers: 2, isBidirectional: true)
            let tags = Linear(from: 10, to: 3)
            func callAsFunction(_ words: Tensor, _ lengths: Tensor) -> Tensor { tags(encoder(self.words(words), lengths: lengths).outputs) }
        }
        try withDevice(TestDevices.interpreter) { () throws in
            let tagger = Tagger()
            let found = summary(of: tagger, for: [ModelInput([2, 4], .int32), ModelInput([2], .int32)]) { [tagger($0[0], $0[1])] }
            let row = try #require(found["encoder"])
            #expect(row.type == "LSTM" && row.outputs == [[2, 4, 10]] && row.depth == 1)
            #expect(row.parameterCount == 2 * (20 * 6 + 20 * 5 + 40) + 2 * (20 * 10 + 20 * 5 + 40))
            #expect(row.multiplyAdds == 2 * 4 * (2 * (20 * 6 + 20 * 5) + 2 * (20 * 10 + 20 * 5)))
            #expect(found["tags"]?.outputs == [[2, 4, 3]] && found["words"]?.outputs == [[2, 4, 6]])
            let alone = GRU(from: 2, to: 3, isBatchFirst: false)
            let twice = summary(of: alone, for: [[7, 1, 2]]) { [alone($0[0]).outputs, alone($0[0][..<4]).outputs] }
            #expect(twice[""]?.outputs == [[7, 1, 3], [4, 1, 3]])
        }
    }

    /// The first of eight letters is remembered to the end, from whatever weights training begins. (PyTorch's GRU: 0.995 at least, over 12 seeds.)
    @Test func theFirstLetterIsRemembered() throws {
        struct Reader: Module {
            let memory = GRU(from: 4, to: 16)
            let head = Linear(from: 16, to: 4)
            func callAsFunction(_ letters: Tensor) -> Tensor { head(memory(letters.oneHot(depth: 4)).state[0]) }
        }
        try withDevice(Device.named("cpu")) {
            for seed in 1...3 as ClosedRange<UInt64> {
                try withRandomSeed(seed) {
                    let reader = Reader()
                    let optimizer = try Optimizer(Adam(), for: reader, learningRate: 3e-2)
                    let step = compiled { (letters: Tensor) in
                        let loss = crossEntropy(reader(letters), letters[.all, 0])
                        try optimizer.update(minimizing: loss)
                        return loss
                    }
                    for _ in 0..<150 { _ = try step(.randomIntegers([32, 8], in: 0..<4, dtype: .int32)) }
                    let letters = Tensor.randomIntegers([200, 8], in: 0..<4, dtype: .int32)
                    let right = try (reader(letters).argmax(alongAxis: 1) .== letters[.all, 0]).as(.float32).mean().item()
                    #expect(right > 0.95, "seed \(seed)")
                }
            }
        }
    }
}
