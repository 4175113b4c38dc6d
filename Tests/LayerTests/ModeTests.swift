import Soma
import SomaReference
import Testing

/// Training never happens in the mode of prediction without a word.
@Suite struct ModeTests {
    struct Model: Layer {
        let hidden = Linear(from: 2, to: 8)
        let norm = BatchNorm(8)
        let dropout = Dropout(rate: 0.5)
        let output = Linear(from: 8, to: 2)
        func callAsFunction(_ x: Tensor) -> Tensor { output(dropout(tanh(norm(hidden(x))))) }
    }

    /// A layer of somebody's own that asks for the mode.
    struct Doubling: Layer {
        func callAsFunction(_ x: Tensor) -> Tensor { Mode.current == .training ? x * 2 : x }
    }

    private static var x: Tensor { Tensor((0..<16).map { Float($0 * $0 % 7) - 3 }, shape: [8, 2]) }
    private static var labels: Tensor { Tensor([0, 1, 0, 1, 1, 0, 1, 0] as [Int32]) }

    private func runningMean(_ model: Model) throws -> [Float] { try #require(model.norm.statistics).mean.tensor.scalars() }

    /// README's loop, and one by gradients of one's own: the same bits as with `withTraining`.
    @Test(arguments: TestDevices.all) func aCapturedStepThatUpdatesTrains(_ device: Device) throws {
        func train(_ build: @escaping @Sendable (Model, Optimizer) -> @Sendable (Tensor, Tensor) throws -> Tensor) throws -> [[Float]] {
            try withRandomSeed(4) {
                let model = Model()
                let optimizer = try Optimizer(Adam(), for: model, learningRate: 0.05)
                let step = compiled(build(model, optimizer))
                let losses: [Float] = try (0..<3).flatMap { _ in try step(Self.x, Self.labels).scalars() }
                #expect(optimizer.updateCount == 3)
                #expect(try model.norm.statistics?.batchCount.tensor.item() == 3)
                return try [losses, runningMean(model)] + model.parameters.map { try $0.tensor.contiguous().scalars() }
            }
        }
        try withDevice(device) {
            let said = try train { model, optimizer in
                { x, y in
                    let loss = withTraining { crossEntropy(model(x), y) }
                    try optimizer.update(minimizing: loss)
                    return loss
                }
            }
            let readme = try train { model, optimizer in
                { x, y in
                    let loss = crossEntropy(model(x), y)
                    try optimizer.update(minimizing: loss)
                    return loss
                }
            }
            let own = try train { model, optimizer in
                { x, y in
                    let loss = crossEntropy(model(x), y)
                    try optimizer.update(with: gradient(of: loss, withRespectTo: model.parameters.map(\.tensor)))
                    return loss
                }
            }
            #expect(readme == said && own == said)
            #expect(said[1] != [Float](repeating: 0, count: 8))
        }
    }

    @Test(arguments: TestDevices.all) func anExpressionToMinimiseTrains(_ device: Device) throws {
        try withDevice(device) {
            let model = Model()
            let optimizer = try Optimizer(SGD(), for: model, learningRate: 0.1)
            try optimizer.update(minimizing: crossEntropy(model(Self.x), Self.labels))
            #expect(try runningMean(model) != [Float](repeating: 0, count: 8))
            // Unless something else is said.
            let before = try runningMean(model)
            try withInference { try optimizer.update(minimizing: crossEntropy(model(Self.x), Self.labels)) }
            let loss = withInference { crossEntropy(model(Self.x), Self.labels) }
            try optimizer.update(minimizing: loss)
            #expect(try runningMean(model) == before)
        }
    }

    @Test func anUpdateThroughLayersThatPredictTraps() async {
        for number in 0..<4 {
            let result = await #expect(processExitsWith: .failure, observing: [\.standardErrorContent]) { [number = number as Int] in
                try withDevice(TestDevices.interpreter) {
                    let model = Model()
                    let optimizer = try Optimizer(SGD(), for: model, learningRate: 0.1)
                    let loss = crossEntropy(number == 3 ? model.output(model.dropout(.ones([8, 8]))) : model(Self.x), Self.labels)
                    let gradients = gradient(of: loss, withRespectTo: optimizer.parameters.map(\.tensor))
                    switch number {
                    case 0, 3: try optimizer.update(minimizing: loss)
                    case 1: try optimizer.update(with: gradients)
                    default:
                        // Kept in states, and computed: they are still what they are.
                        let sums = gradients.map { State($0) }
                        try TestDevices.interpreter.update()
                        try realizeAll(sums.map(\.tensor))
                        try optimizer.update(with: sums.map(\.tensor))
                    }
                }
            }
            let text = result.map { String(decoding: $0.standardErrorContent, as: UTF8.self) } ?? ""
            #expect(text.contains("withTraining"), "\(number): \(text)")
        }
    }

    /// A loop written by hand: outside of a captured step the mode must be said, within one it is training.
    private static func step(_ model: Model, _ loss: Tensor) {
        let tensors = model.parameters.map(\.tensor)
        for (parameter, slope) in zip(model.parameters, gradient(of: loss, withRespectTo: tensors)) {
            parameter.assign(parameter.tensor - 0.1 * slope)
        }
    }

    @Test func anUpdateThroughAScanOfLayersThatPredictTraps() async {
        let result = await #expect(processExitsWith: .failure, observing: [\.standardErrorContent]) {
            let model = Model()
            let optimizer = try Optimizer(SGD(), for: model, learningRate: 0.1)
            let logits = scan(over: [Self.x.expandingDims(at: 0)], from: []) { _, elements in ([], [model(elements[0])]) }.outputs[0]
            let loss = square(logits).mean()
            try optimizer.update(minimizing: loss)
        }
        let text = String(decoding: result?.standardErrorContent ?? [], as: UTF8.self)
        #expect(text.contains("nothing had said what for"), "\(text)")
    }

    @Test func anAssignmentThroughLayersThatPredictTraps() async {
        for number in 0..<4 {
            let result = await #expect(processExitsWith: .failure, observing: [\.standardErrorContent]) { [number = number as Int] in
                try withDevice(TestDevices.interpreter) {
                    let model = Model()
                    // Also where an optimiser has moved the parameters.
                    if number == 1 { _ = try Optimizer(SGD(), for: model, learningRate: 0.1) }
                    let loss = crossEntropy(number == 3 ? model.output(model.dropout(.ones([8, 8]))) : model(Self.x), Self.labels)
                    if number != 2 { return Self.step(model, loss) }
                    // A gradient that comes into a captured step from outside of it.
                    let bias = model.norm.bias
                    let update = compiled { (slope: Tensor) in
                        if let bias { bias.assign(bias.tensor - slope) }
                        return slope
                    }
                    _ = try update(gradient(of: loss, withRespectTo: bias?.tensor ?? loss))
                }
            }
            let text = result.map { String(decoding: $0.standardErrorContent, as: UTF8.self) } ?? ""
            #expect(text.contains("assign: the value is made of a gradient") && text.contains("withTraining"), "\(number): \(text)")
        }
    }

    @Test(arguments: TestDevices.all) func loopsByHandTrain(_ device: Device) throws {
        func train(_ loop: (Model) throws -> Void) throws -> [[Float]] {
            try withRandomSeed(4) {
                let model = Model()
                try loop(model)
                return try [runningMean(model)] + model.parameters.map { try $0.tensor.contiguous().scalars() }
            }
        }
        try withDevice(device) {
            let said = try train { model in
                let step = compiled { (x: Tensor, y: Tensor) in
                    let loss = withTraining { crossEntropy(model(x), y) }
                    Self.step(model, loss)
                    return loss
                }
                for _ in 0..<3 { _ = try step(Self.x, Self.labels) }
            }
            let unsaid = try train { model in
                let step = compiled { (x: Tensor, y: Tensor) in
                    let loss = crossEntropy(model(x), y)
                    Self.step(model, loss)
                    return loss
                }
                for _ in 0..<3 { _ = try step(Self.x, Self.labels) }
            }
            #expect(unsaid == said && said[0] != [Float](repeating: 0, count: 8))
            let plain = try train { model in
                for _ in 0..<3 {
                    Self.step(model, withTraining { crossEntropy(model(Self.x), Self.labels) })
                    try device.update()
                }
            }
            #expect(plain[0] != [Float](repeating: 0, count: 8))
            // Layers that are meant to stay as they predict.
            let predicted = try train { model in Self.step(model, withInference { crossEntropy(model(Self.x), Self.labels) }) }
            #expect(predicted[0] == [Float](repeating: 0, count: 8))
        }
    }

    /// A part that nobody trains may predict, whatever it is made of; so may what a value of no gradient comes from.
    @Test func whatIsNotTrainedMayPredict() throws {
        try withDevice(TestDevices.interpreter) {
            let (backbone, head) = (Model(), Linear(from: 2, to: 2))
            let optimizer = try Optimizer(SGD(), for: head, learningRate: 0.1)
            let loss = crossEntropy(head(backbone(Self.x)), Self.labels)
            try optimizer.update(minimizing: loss)
            let distilled = square(head(Self.x) - backbone(Self.x).withoutGradient()).mean()
            try optimizer.update(minimizing: distilled)
            #expect(optimizer.updateCount == 2)
        }
    }

    @Test(arguments: TestDevices.all) func theModeBelongsToTheSignature(_ device: Device) throws {
        try withDevice(device) {
            let model = Sequential(Doubling(), BatchNorm(2))
            let step = compiled { (x: Tensor) in model(x) }
            func values() throws -> [Float] { try step(Self.x).scalars() }
            let predicted = try values()
            let trained = try withTraining(values)
            #expect(predicted != trained)
            #expect(try withInference(values) != trained)
            #expect(try withTraining(values) == trained)
            let made = withTraining { compiled { (x: Tensor) in Doubling()(x) } }
            #expect(try withTraining { try made(Self.x).scalars() } == (Self.x * 2).scalars(as: Float.self))
            #expect(try made(Self.x).scalars() == Self.x.scalars(as: Float.self))
        }
    }

    @Test(arguments: TestDevices.all) func aLayerOfOnesOwnThatAsksTrainsToo(_ device: Device) throws {
        try withDevice(device) {
            let layer = Linear(from: 2, to: 2)
            let optimizer = try Optimizer(SGD(), for: layer, learningRate: 0)
            let step = compiled { (x: Tensor) in
                let y = Doubling()(layer(x))
                try optimizer.update(minimizing: y.sum())
                return y
            }
            #expect(try step(Self.x).scalars() == (layer(Self.x) * 2).scalars(as: Float.self))
        }
    }
}
