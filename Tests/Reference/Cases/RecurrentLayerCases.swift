import Soma
import SomaGraph

extension OperationCase {
    /// Passes of recurrent layers, each one operation.
    public static let recurrentLayers: [OperationCase] = [
        simple("tanh", .tanh, isReversed: false), simple("relu, reversed", .relu, isReversed: true),
        OperationCase("lstm pass", gx(4), .sample([12, 3], seed: 1), .sample([2, 3], seed: 2), .sample([2, 3], seed: 3), terms: 12) { x in
            let (y, state) = lstmRecurrence(x[0], x[1], from: LSTMState(h: x[2], c: x[3]), lengths: nil, isReversed: false)
            return Tensor(concatenating: [y, state.h.expandingDims(at: 0), state.c.expandingDims(at: 0)])
        },
        OperationCase(
            "lstm pass, reversed, lengths", gx(4), .sample([12, 3], seed: 1), .sample([2, 3], seed: 2), .sample([2, 3], seed: 3),
            Value([4, 2], shape: [2], dtype: .int32), terms: 12
        ) { x in
            let (y, state) = lstmRecurrence(x[0], x[1], from: LSTMState(h: x[2], c: x[3]), lengths: x[4], isReversed: true)
            return Tensor(concatenating: [y, state.h.expandingDims(at: 0), state.c.expandingDims(at: 0)])
        },
        OperationCase("lstm pass from one tensor for both states", gx(4), .sample([12, 3], seed: 1), .sample([2, 3], seed: 2), terms: 12) { x in
            lstmRecurrence(x[0], x[1], from: LSTMState(h: x[2], c: x[2]), lengths: nil, isReversed: false).y
        },
        OperationCase("gru pass, bias", gx(3), .sample([9, 3], seed: 1), .sample([2, 3], seed: 2), .sample([9], seed: 3), terms: 12) { x in
            let (y, h) = gruRecurrence(x[0], x[1], bias: x[3], from: x[2], lengths: nil, isReversed: true)
            return Tensor(concatenating: [y, h.expandingDims(at: 0)])
        },
        OperationCase(
            "gru pass, lengths", gx(3), .sample([9, 3], seed: 1), .sample([2, 3], seed: 2), Value([1, 3], shape: [2], dtype: .int32), terms: 12
        ) { x in
            let (y, h) = gruRecurrence(x[0], x[1], bias: nil, from: x[2], lengths: x[3], isReversed: false)
            return Tensor(concatenating: [y, h.expandingDims(at: 0)])
        },
        OperationCase(
            "lstm pass of many units", .sample([3, 5, 160]), .sample([160, 40], seed: 1), .sample([5, 40], seed: 2), .sample([5, 40], seed: 3),
            differentiable: false, terms: 120
        ) { x in lstmRecurrence(x[0], x[1] * 0.2, from: LSTMState(h: x[2], c: x[3]), lengths: nil, isReversed: false).y },
    ]

    private static func gx(_ gates: Int) -> Value { .sample([4, 2, gates * 3]) }

    private static func simple(_ name: String, _ activation: SimpleRNN.Activation, isReversed: Bool) -> OperationCase {
        OperationCase("\(name) pass", gx(1), .sample([3, 3], seed: 1), .sample([2, 3], seed: 2), terms: 12) { x in
            let (y, h) = simpleRecurrence(x[0], x[1], from: x[2], lengths: nil, isReversed: isReversed, activation)
            return Tensor(concatenating: [y, h.expandingDims(at: 0)])
        }
    }
}
