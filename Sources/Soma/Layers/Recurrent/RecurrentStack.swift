import SomaGraph

/// Recurrent layers on one another, each in one direction or in both: their weights, and what goes from one to the next.
struct RecurrentStack: Sendable {
    /// Those of one layer in one direction.
    struct Weights: Sendable {
        /// [gates · H, inputs] and [gates · H, H].
        let input, recurrent: Parameter
        /// [gates · H] each.
        let inputBias, recurrentBias: Parameter?
        /// What PyTorch appends to their names: `_l0`, `_l0_reverse`.
        let suffix: String
    }

    /// The extents and options of the layers, as they are called in PyTorch.
    struct Settings: Sendable {
        var inputs, units, layers: Int
        var isBidirectional, hasBias: Bool
        var dropout: Double
        var isBatchFirst: Bool
    }

    /// A pass over sequences: gx [T, N, gates · H], the weights, initial states [N, H], lengths; gives y [T, N, H] and the final states.
    typealias Pass = (
        _ gx: Tensor, _ weights: Weights, _ initial: [Tensor], _ lengths: Tensor?, _ isReversed: Bool
    ) -> (y: Tensor, states: [Tensor])

    let settings: Settings
    /// By layer and direction.
    private let layers: [[Weights]]
    private let dropout: Dropout
    private let operation: String

    init(_ operation: String, gates: Int, _ settings: Settings, _ device: Device, _ file: StaticString, _ line: UInt) {
        let (inputs, units) = (settings.inputs, settings.units)
        guard inputs > 0, units > 0, settings.layers > 0 else {
            programError(operation, "\(settings.layers) layers from \(inputs) features to \(units) units", file: file, line: line)
        }
        guard (0..<1).contains(settings.dropout) else {
            programError(operation, "a dropout rate of \(settings.dropout)", file: file, line: line)
        }
        (self.operation, self.settings) = (operation, settings)
        dropout = Dropout(rate: settings.dropout)
        let directions = settings.isBidirectional ? 2 : 1
        // Everything is uniform on ±1/√H.
        func parameter(_ shape: Shape) -> Parameter {
            Parameter(Initializer.uniformByInputs(shape: shape, fan: Fan(inputs: units, outputs: units), device: device))
        }
        layers = (0..<settings.layers).map { layer in
            (0..<directions).map { direction in
                Weights(
                    input: parameter([gates * units, layer == 0 ? inputs : directions * units]), recurrent: parameter([gates * units, units]),
                    inputBias: settings.hasBias ? parameter([gates * units]) : nil,
                    recurrentBias: settings.hasBias ? parameter([gates * units]) : nil,
                    suffix: "_l\(layer)" + (direction == 0 ? "" : "_reverse"))
            }
        }
    }

    private var directions: Int { layers[0].count }

    /// Any parameter, by which the module is known.
    var key: Parameter { layers[0][0].input }

    /// Parameters with their names in PyTorch's state_dict, in its order.
    var children: [Mirror.Child] {
        layers.joined().flatMap { weights -> [Mirror.Child] in
            [
                ("weight_ih" + weights.suffix, weights.input), ("weight_hh" + weights.suffix, weights.recurrent),
                ("bias_ih" + weights.suffix, weights.inputBias as Any), ("bias_hh" + weights.suffix, weights.recurrentBias as Any),
            ]
        }
    }

    /// The outputs of the last layer, and each state [layers · directions, N, H] after the last step.
    /// - Parameters:
    ///   - initial: each [layers · directions, N, H]; nil for zeros.
    ///   - stateCount: how many states there are.
    func callAsFunction(
        _ x: Tensor, from initial: [Tensor]?, stateCount: Int, lengths: Tensor?, _ pass: Pass
    ) -> (outputs: Tensor, states: [Tensor]) {
        requireInput(x)
        let sequences = settings.isBatchFirst ? x.transposed(0, 1) : x
        let (steps, batch) = (sequences.shape[0], sequences.shape[1])
        let known = lengths.map { SequenceLengths($0, batch: batch, steps: steps, operation) }
        let stateShape: Shape = [layers.count * directions, batch, settings.units]
        for state in initial ?? [] where state.shape != stateShape || state.dtype != x.dtype {
            programError(operation, "an initial state \(state.dtype) \(state.shape), where it must be \(x.dtype) \(stateShape)")
        }
        let zeros = Tensor.zeros([batch, settings.units], device: x.device)
        // Whatever lies behind a sequence's end, even NaN, must not reach the gradient of the weights.
        var output = known.map { .select($0.values.ownSteps(of: steps), sequences, 0) } ?? sequences
        var finals: [[Tensor]] = []
        for (number, weights) in layers.enumerated() {
            if number > 0 { output = dropout(output) }
            let results = weights.enumerated().map { direction, weights in
                let place = number * directions + direction
                let states = (0..<stateCount).map { initial?[$0][place] ?? zeros }
                return pass(
                    weights.gates(of: output), weights, known.map { known in states.map(known.marking) } ?? states, known?.values, direction == 1)
            }
            output = results.count == 1 ? results[0].y : Tensor(concatenating: results.map(\.y), alongAxis: 2)
            finals += results.map(\.states)
        }
        let outputs = settings.isBatchFirst ? output.transposed(0, 1) : output
        return (outputs, (0..<stateCount).map { state in Tensor(stacking: finals.map { $0[state] }) })
    }

    private func requireInput(_ x: Tensor) {
        guard x.rank == 3, x.shape[2] == settings.inputs, x.shape[settings.isBatchFirst ? 1 : 0] > 0 else {
            let axes = settings.isBatchFirst ? "N, T" : "T, N"
            programError(operation, "an input of \(x.shape) is not [\(axes), \(settings.inputs)] with T of at least 1")
        }
    }
}

extension RecurrentStack.Weights {
    /// What x [T, N, inputs] adds to the gates of each step: a product for all steps.
    fileprivate func gates(of x: Tensor) -> Tensor {
        let product = matmul(x, input.tensor.transposed())
        return inputBias.map { product + $0.tensor } ?? product
    }
}

/// A module whose parameters are used step by step.
protocol RecurrentModule: Module {}
