import Soma
import SomaGraph

extension OperationCase {
    /// Steps one after the other, by `scan`.
    static let recurrences: [OperationCase] = [
        OperationCase("scan that adds up", .sample([5, 3]), terms: 5) { x in
            let (states, outputs) = scan(over: [x[0]], from: [x[0][0] * 2]) { states, elements in
                let sum = states[0] + elements[0]
                return ([sum], [sum * sum])
            }
            return Tensor(concatenating: [states[0].expandingDims(at: 0), outputs[0]])
        },
        OperationCase("scan from the back", .sample([4, 2]), terms: 4) { x in
            scan(over: [x[0]], from: [Tensor.zeros([2], device: x[0].device)], reversed: true) { states, elements in
                let h = tanh(states[0] * 0.5 + elements[0])
                return ([h], [h])
            }.outputs[0]
        },
        OperationCase("simple recurrent network as a scan", .sample([3, 2, 4]), .sample([4, 5], seed: 1), .sample([5, 5], seed: 2), terms: 12) { x in
            let (states, outputs) = scan(over: [x[0]], from: [Tensor.zeros([2, 5], device: x[0].device)]) { states, elements in
                let h = tanh(matmul(elements[0], x[1]) + matmul(states[0], x[2]))
                return ([h], [h])
            }
            return outputs[0].sum(alongAxes: 0) + states[0]
        },
        OperationCase("scan with a weight and its transpose", .sample([3, 2, 4]), .sample([4, 4], seed: 1), terms: 12) { x in
            let transposed = x[1].transposed()
            return scan(over: [x[0]], from: [x[0][0]]) { states, elements in
                let h = tanh(matmul(elements[0], x[1]) + matmul(states[0], transposed))
                return ([h], [])
            }.states[0]
        },
        OperationCase("scan whose states change places", .sample([3, 2]), .sample([2], seed: 1)) { x in
            let (states, outputs) = scan(over: [x[0]], from: [x[1], x[1] * 3]) { states, elements in
                ([states[1], states[0]], [states[0] * elements[0], elements[0], states[1]])
            }
            return Tensor(concatenating: outputs + states.map { $0.expandingDims(at: 0) })
        },
        OperationCase("scan of one step", .sample([1, 3]), .sample([3], seed: 1)) { x in
            let (states, outputs) = scan(over: [x[0]], from: [x[1]]) { states, elements in ([states[0] * elements[0]], [exp(states[0])]) }
            return states[0] + outputs[0][0]
        },
        OperationCase("scan of whole numbers beside a state", .sample([4, 3]), Value([0, 2, 1, 2], dtype: .int32)) { x in
            let (states, outputs) = scan(over: [x[0], x[1]], from: [x[0][0], Tensor(0, dtype: .int32, device: x[0].device)]) { states, elements in
                let isPicked = Tensor.range(3, device: x[0].device) .== elements[1]
                let next = Tensor.select(isPicked, states[0] * elements[0], states[0])
                return ([next, states[1] + 1], [(states[1]).as(.float32)])
            }
            return states[0] + states[1].as(.float32) + outputs[0].sum()
        },
        OperationCase("scan with softmax, slices and a reduction", .sample([3, 2, 6]), terms: 6) { x in
            scan(over: [x[0]], from: [Tensor.zeros([2, 3], device: x[0].device)]) { states, elements in
                let gate = elements[0][.all, ..<3].softmax(alongAxis: -1)
                let h = gate * states[0] + elements[0][.all, 3...]
                return ([h], [h.sum(alongAxes: 1)])
            }.outputs[0]
        },
        OperationCase("scan within a scan", .sample([2, 3, 2]), terms: 6) { x in
            scan(over: [x[0]], from: [Tensor.ones([2], device: x[0].device)]) { states, elements in
                let inner = scan(over: [elements[0]], from: [states[0]]) { inner, rows in
                    let h = sin(inner[0] + rows[0])
                    return ([h], [h * rows[0]])
                }
                return ([inner.states[0]], [inner.outputs[0].sum(alongAxes: 0)])
            }.outputs[0]
        },
        OperationCase("scan of a transposed sequence", .sample([2, 4, 3]), terms: 4) { x in
            scan(over: [x[0].transposed(0, 1)], from: [x[0][.all, 0]]) { states, elements in ([states[0] + elements[0] * elements[0]], []) }.states[0]
        },
    ]
}
