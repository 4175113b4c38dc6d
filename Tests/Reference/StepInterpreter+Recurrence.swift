import Glibc
import SomaBackend
import SomaGraph

extension StepInterpreter {
    func recurrence(_ step: RecurrenceStep) {
        let (units, cell) = (step.units, step.recurrence.cell)
        for n in 0..<step.batch {
            var h = (0..<units).map { real(step.inputs[2], [n, $0]) }
            var c = cell == .lstm ? (0..<units).map { real(step.inputs[3], [n, $0]) } : []
            for t in walk(step) {
                var (nextH, nextC) = (h, c)
                for k in 0..<units {
                    let made = made(step, t, n, k, h, c.isEmpty ? 0 : c[k])
                    if counts(step, t, n) {
                        nextH[k] = made.h
                        if cell == .lstm { nextC[k] = made.c }
                    }
                    if cell.keepsGates {
                        for (gate, value) in made.gates.enumerated() { put(value, step.results[1 + cell.stateCount], [t, n, gate * units + k]) }
                        put(cell == .lstm ? nextC[k] : made.inner, step.results[2 + cell.stateCount], [t, n, k])
                    }
                    put(counts(step, t, n) ? made.h : 0, step.results[0], [t, n, k])
                }
                (h, c) = (nextH, nextC)
            }
            for k in 0..<units {
                put(h[k], step.results[1], [n, k])
                if cell == .lstm { put(c[k], step.results[2], [n, k]) }
            }
        }
    }

    private func made(
        _ step: RecurrenceStep, _ t: Int, _ n: Int, _ k: Int, _ h: [Double], _ c: Double
    ) -> (h: Double, c: Double, gates: [Double], inner: Double) {
        let units = step.units
        func x(_ gate: Int) -> Double { real(step.inputs[0], [t, n, gate * units + k]) }
        func product(_ gate: Int) -> Double {
            (0..<units).reduce(step.bias.map { real($0, [gate * units + k]) } ?? 0) { $0 + real(step.inputs[1], [gate * units + k, $1]) * h[$1] }
        }
        func sigmoid(_ x: Double) -> Double { 1 / (1 + exp(-x)) }
        switch step.recurrence.cell {
        case .tanh: return (tanh(x(0) + product(0)), 0, [], 0)
        case .relu: return (max(x(0) + product(0), 0), 0, [], 0)
        case .lstm:
            let (i, f, o) = (sigmoid(x(0) + product(0)), sigmoid(x(1) + product(1)), sigmoid(x(3) + product(3)))
            let g = tanh(x(2) + product(2))
            let next = f * c + i * g
            return (o * tanh(next), next, [i, f, g, o], 0)
        case .gru:
            let (r, z, inner) = (sigmoid(x(0) + product(0)), sigmoid(x(1) + product(1)), product(2))
            let value = tanh(x(2) + r * inner)
            return (value + z * (h[k] - value), 0, [r, z, value], inner)
        }
    }

    func recurrenceGradient(_ step: RecurrenceStep) {
        let (units, cell, y) = (step.units, step.recurrence.cell, step.outputIndex)
        let ofOutputs = y + (cell.keepsGates ? 3 : 1)
        for n in 0..<step.batch {
            var dh = (0..<units).map { real(step.inputs[ofOutputs + 1], [n, $0]) }
            var dc = cell == .lstm ? (0..<units).map { real(step.inputs[ofOutputs + 2], [n, $0]) } : []
            let times = walk(step)
            for (index, t) in times.enumerated().reversed() {
                let before = index > 0 && counts(step, times[index - 1], n) ? times[index - 1] : nil
                var ofProducts = [Double](repeating: 0, count: cell.gates * units)
                for k in 0..<units {
                    var ofGates = [Double](repeating: 0, count: cell.gates)
                    if counts(step, t, n) {
                        let d = dh[k] + real(step.inputs[ofOutputs], [t, n, k])
                        func gate(_ gate: Int) -> Double { real(step.inputs[y + 1], [t, n, gate * units + k]) }
                        dh[k] = 0
                        switch cell {
                        case .tanh: ofGates[0] = d * (1 - pow(real(step.inputs[y], [t, n, k]), 2))
                        case .relu: ofGates[0] = real(step.inputs[y], [t, n, k]) > 0 ? d : 0
                        case .lstm:
                            let (i, f, g, o, c) = (gate(0), gate(1), gate(2), gate(3), real(step.inputs[y + 2], [t, n, k]))
                            let previous = before.map { real(step.inputs[y + 2], [$0, n, k]) } ?? real(step.inputs[2], [n, k])
                            let ofC = dc[k] + d * o * (1 - tanh(c) * tanh(c))
                            ofGates = [ofC * g * i * (1 - i), ofC * previous * f * (1 - f), ofC * i * (1 - g * g), d * tanh(c) * o * (1 - o)]
                            dc[k] = ofC * f
                        case .gru:
                            let (r, z, value, inner) = (gate(0), gate(1), gate(2), real(step.inputs[y + 2], [t, n, k]))
                            let previous = before.map { real(step.inputs[y], [$0, n, k]) } ?? real(step.inputs[1], [n, k])
                            let ofN = d * (1 - z) * (1 - value * value)
                            ofGates = [ofN * inner * r * (1 - r), d * (previous - value) * z * (1 - z), ofN]
                            dh[k] = d * z
                        }
                        for g in 0..<cell.gates { ofProducts[g * units + k] = cell == .gru && g == 2 ? ofGates[2] * gate(0) : ofGates[g] }
                    }
                    for g in 0..<cell.gates { put(ofGates[g], step.results[0], [t, n, g * units + k]) }
                }
                for k in 0..<units {
                    dh[k] += ofProducts.indices.reduce(0.0) { $0 + ofProducts[$1] * real(step.inputs[0], [$1, k]) }
                }
            }
            for k in 0..<units {
                put(dh[k], step.results[1], [n, k])
                if cell == .lstm { put(dc[k], step.results[2], [n, k]) }
            }
        }
    }

    private func walk(_ step: RecurrenceStep) -> [Int] {
        step.recurrence.isReversed ? (0..<step.steps).reversed() : Array(0..<step.steps)
    }

    private func counts(_ step: RecurrenceStep, _ t: Int, _ n: Int) -> Bool { step.lengths.map { Double(t) < real($0, [n]) } ?? true }

    private func put(_ value: Double, _ operand: Operand?, _ position: [Int]) {
        if let operand { store(.real(Float(value)), operand, position) }
    }
}
