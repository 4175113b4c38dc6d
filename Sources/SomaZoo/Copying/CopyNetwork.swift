import Soma

/// A recurrent layer that reads tokens and tells symbols at the last steps.
struct CopyNetwork: Layer {
    /// The kind of the recurrent layer.
    enum Kind: String, SettingChoice {
        case rnn, lstm, gru

        var title: String {
            switch self {
            case .rnn: "simple RNN"
            case .lstm: "LSTM"
            case .gru: "GRU"
            }
        }
    }

    private enum Recurrent: Sendable {
        case rnn(SimpleRNN)
        case lstm(LSTM)
        case gru(GRU)
    }

    let kind: Kind
    private let symbols: Int
    private let embedding: Embedding
    private let recurrent: Recurrent
    private let output: Linear

    /// - Parameters:
    ///   - symbols: at how many steps, the last ones, symbols are told.
    ///   - lag: how many steps cells are to keep what they have when training begins; nil: gates are drawn as all weights are.
    init(_ kind: Kind, alphabet: Int, symbols: Int, units: Int, lag: Int?) {
        (self.kind, self.symbols) = (kind, symbols)
        embedding = Embedding(count: CopySequences.tokenCount(alphabet: alphabet), size: units)
        switch kind {
        case .rnn: recurrent = .rnn(SimpleRNN(from: units, to: units))
        case .lstm: recurrent = .lstm(LSTM(from: units, to: units))
        case .gru: recurrent = .gru(GRU(from: units, to: units))
        }
        output = Linear(from: units, to: alphabet)
        if let lag { setGates(toKeepFor: lag, units) }
    }

    /// Draws the biases of gates so that cells keep their content for 1 to `lag` steps: b ~ log U(1, lag) of what keeps, and −b of what lets in.
    ///
    /// C. Tallec, Y. Ollivier, *Can Recurrent Neural Networks Warp Time?*, ICLR 2018.
    private func setGates(toKeepFor lag: Int, _ units: Int) {
        let keeping = log(Tensor.randomUniform([units], from: 1, to: Double(max(lag, 2))))
        let rest = Tensor.zeros([units])
        let gates: [Tensor]
        let biases: [Parameter]
        switch recurrent {
        case .rnn: return
        // i, f, g, o.
        case .lstm(let layer): (gates, biases) = ([-keeping, keeping, rest, rest], Self.biases(of: layer))
        // r, z, n.
        case .gru(let layer): (gates, biases) = ([rest, keeping, rest], Self.biases(of: layer))
        }
        biases[0].assign(Tensor(concatenating: gates, alongAxis: 0))
        biases[1].assign(.zeros(biases[1].shape))
    }

    private static func biases(of layer: some Module) -> [Parameter] { layer.namedParameters.filter { $0.name.hasPrefix("bias_") }.map(\.parameter) }

    /// From tokens [N, T] to logits [N, symbols, alphabet].
    func callAsFunction(_ tokens: Tensor) -> Tensor {
        let x = embedding(tokens)
        let outputs: Tensor
        switch recurrent {
        case .rnn(let layer): outputs = layer(x).outputs
        case .lstm(let layer): outputs = layer(x).outputs
        case .gru(let layer): outputs = layer(x).outputs
        }
        return logits(outputs)
    }

    private func logits(_ outputs: Tensor) -> Tensor {
        let steps = outputs.shape[1]
        return output(outputs[.all, (steps - symbols)..<steps])
    }

    // MARK: Gradients through time

    /// How the loss of sequences changes with the state behind each of some steps: the Euclidean norm of its gradient over all units and sequences;
    /// of an LSTM by h and c together.
    /// - Parameter interval: steps from one to the next.
    /// - Returns: the steps, from 1, and the norms.
    /// - Throws: `BackendError`.
    func gradientNorms(tokens: Tensor, targets: Tensor, every interval: Int) throws -> [(step: Int, norm: Double)] {
        let (x, steps) = (embedding(tokens), tokens.shape[1])
        var (outputs, states, ends): ([Tensor], [[Tensor]], [Int]) = ([], [], [])
        for start in stride(from: 0, to: steps, by: interval) {
            let end = min(start + interval, steps)
            let (y, state) = pass(x[.all, start..<end], from: states.last)
            // What is told at the end is told from this state, too.
            let last = state[0][0].expandingDims(at: 1)
            outputs.append(end - start == 1 ? last : Tensor(concatenating: [y[.all, ..<(end - start - 1)], last], alongAxis: 1))
            states.append(state)
            ends.append(end)
        }
        let loss = crossEntropy(logits(Tensor(concatenating: outputs, alongAxis: 1)), targets)
        let gradients = gradient(of: loss, withRespectTo: Array(states.joined()))
        let each = try Tensor(stacking: gradients.map(\.scaledNorm)).scalars(as: Double.self)
        let parts = states[0].count
        return ends.indices.map { (ends[$0], each[$0 * parts..<($0 + 1) * parts].reduce(0) { $0 + $1 * $1 }.squareRoot()) }
    }

    private func pass(_ x: Tensor, from state: [Tensor]?) -> (outputs: Tensor, state: [Tensor]) {
        switch recurrent {
        case .rnn(let layer):
            let (y, h) = layer(x, from: state?[0])
            return (y, [h])
        case .lstm(let layer):
            let (y, next) = layer(x, from: state.map { LSTMState(h: $0[0], c: $0[1]) })
            return (y, [next.h, next.c])
        case .gru(let layer):
            let (y, h) = layer(x, from: state?[0])
            return (y, [h])
        }
    }
}

/// All networks of a run.
struct CopyNetworks: Module {
    let networks: [CopyNetwork]
}

/// The symbols that a network tells, by the mean cross-entropy of each; `loss` and `accuracy`, the share that is right.
struct CopyObjective: Objective {
    let network: CopyNetwork

    func loss(_ batch: Minibatch) -> Tensor { crossEntropy(network(batch["tokens"]), batch["targets"]) }

    func metrics(_ batch: Minibatch) -> [Metric] {
        let (logits, targets) = (network(batch["tokens"]), batch["targets"])
        let losses = crossEntropy(logits, targets, reduction: .sum)
        let count = Tensor([Int32(targets.shape.count)], shape: .scalar, device: targets.device)
        return [.mean("loss", sum: losses, over: count), .share("accuracy", of: logits.argmax(alongAxis: -1) .== targets)]
    }

    var criterion: Criterion? { .lowest("loss") }
}
