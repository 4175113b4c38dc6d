import Soma
import Testing

/// What modules of a network give, by their paths, and gradients with respect to it.
@Suite struct TapTests {
    /// A block that tells of itself; its layer and the normalisation do by themselves.
    private struct Block: Layer {
        let inner: Linear
        let norm = LayerNorm([2])
        func callAsFunction(_ x: Tensor) -> Tensor { tapped(x + norm(inner(x))) }
    }

    private struct Network: Layer {
        let first = Linear(from: 2, to: 2)
        let blocks = [Block(inner: Linear(from: 2, to: 2)), Block(inner: Linear(from: 2, to: 2))]
        let head = Sequential(ReLU(), Linear(from: 2, to: 3))
        func callAsFunction(_ x: Tensor) -> Tensor { head(blocks[1](blocks[0](first(x)))) }
    }

    @Test func modulesTellByTheirPaths() throws {
        let (network, x) = (Network(), Tensor([[1, 2], [3, -4]] as [[Float]]))
        let (result, taps) = taps(of: network) { network(x) }
        #expect(taps.map(\.path) == [
            "first", "blocks.0.inner", "blocks.0.norm", "blocks.0", "blocks.1.inner", "blocks.1.norm", "blocks.1", "head.0", "head.1", "head",
        ])
        func values(_ tensor: Tensor) throws -> [Float] { try tensor.scalars() }
        func values(_ path: String) throws -> [Float] { try values(try #require(taps.first { $0.path == path }).output) }
        let first = network.first(x)
        #expect(try values("first") == values(first) && values("blocks.0") == values(network.blocks[0](first)))
        #expect(try values("head.0") == values(relu(network.blocks[1](network.blocks[0](first)))) && values("head") == values(result))
        // Nothing is told outside, nor of what is no part of the network.
        #expect(Soma.taps(of: network) { Linear(from: 2, to: 1)(x) }.taps.isEmpty)
    }

    /// A module that is called twice is there twice.
    @Test func eachCallIsToldOf() {
        let layer = Linear(from: 2, to: 2)
        let taps = Soma.taps(of: Sequential(layer)) { layer(layer(.zeros([1, 2]))) }.taps
        #expect(taps.map(\.path) == ["0", "0"] && taps[0].output.node !== taps[1].output.node)
    }

    /// Logits 2·relu(x₀ − x₁) and −relu(x₀ + x₁) + 3: by hand.
    private func byHand() -> (network: Sequential, session: Session) {
        let (hidden, output) = (Linear(from: 2, to: 2), Linear(from: 2, to: 2))
        hidden.weight.assign(Tensor([[1, -1], [1, 1]] as [[Float]]))
        hidden.bias?.assign(.zeros([2]))
        output.weight.assign(Tensor([[2, 0], [0, -1]] as [[Float]]))
        output.bias?.assign(Tensor([0, 3] as [Float]))
        let network = Sequential(hidden, ReLU(), output)
        return (network, Session(network, input: .noise(count: 2), answer: .classes(["a", "b"])))
    }

    @Test func gradientsOfASession() throws {
        let session = byHand().session
        func numbers(_ tensor: Tensor) throws -> [Float] { try tensor.scalars() }
        #expect(session.isDifferentiable && session.differentiableValues == 0..<2)
        let taps = session.taps(of: [[3, 1]])
        #expect(taps.map(\.path) == ["0", "1", "2", ""])
        #expect(try numbers(taps[0].output) == [2, 4] && numbers(try #require(taps.last).output) == [4, -1])
        // Both logits added: the slope of x is 2·(1, −1) − (1, 1) where both units are on, and where the first is off −(1, 1).
        let slopes = try session.gradients(for: [[3, 1], [1, 3]], at: ["1", "0"]) { $0.sum(alongAxes: 1) }
        #expect(try numbers(slopes.samples) == [1, -3, -1, -1])
        #expect(slopes.taps.map(\.path) == ["1", "0"])
        #expect(try numbers(slopes.taps[0].output) == [2, 4, 0, 4] && numbers(slopes.taps[0].gradient) == [2, -1, 2, -1])
        #expect(try numbers(slopes.taps[1].gradient) == [2, -1, 0, -1])
        #expect { try session.gradients(for: [[3, 1]], at: ["3"]) { $0 } } throws: { error in
            ["no module '3'", "0, 1, 2"].allSatisfy("\(error)".contains)
        }
        // Taps change nothing of what is answered.
        let answer = try session.answers(to: [[3, 1]])[0]
        #expect(abs(answer[0] - 1 / (1 + Float(0.006737947))) < 1e-6)
    }

    private struct Guess: RowModel {
        func answers(to rows: [[Float]]) throws -> [[Float]] { rows.map { _ in [1, 0, 0] } }
    }
    private struct Nothing: Measured {
        let criterion: Criterion? = nil
        func metrics(_ batch: Minibatch) -> [Metric] { [] }
    }

    /// Numbers of a row have gradients, its categories are indices, and a model that is no network has none.
    @Test func whatCanBeDifferentiated() throws {
        let schema = try TableSchema(Penguins.table, TableChoice(target: "species"))
        let preparation = try TablePreparation(fittedTo: Penguins.table, rows: schema.rows, schema: schema)
        let width = preparation.numberCount + preparation.categorySizes.count
        let network = Session(Linear(from: width, to: 3), input: .row(preparation), answer: .classes(["a", "b", "c"]))
        #expect(network.isDifferentiable && network.differentiableValues == 0..<preparation.numberCount && width > preparation.numberCount)
        let guess = Session(Guess(), rowsOf: preparation, measured: Nothing())
        let row = [Float](repeating: 0, count: width)
        #expect(!guess.isDifferentiable && guess.taps(of: [row]).isEmpty)
        #expect { try guess.gradients(for: [row]) { $0 } } throws: { "\($0)".contains("no gradients") }
    }
}
