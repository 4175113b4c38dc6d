import SomaBackend
import SomaGraph

// Steps for images, from the definitions of `ConvolutionPass` and `PoolingFunction`.

extension StepInterpreter {
    func convolution(_ step: ConvolutionStep) {
        var sums: [[Int]: Double] = [:]
        let (inputs, outputs) = (step.inputChannels / step.groups, step.outputChannels / step.groups)
        let links = links(step.windows, step.input, step.output)
        for n in 0..<step.batch {
            for k in 0..<step.outputChannels {
                for c in 0..<inputs {
                    for (o, r, i) in links {
                        let x = [n, k / outputs * inputs + c] + i, w = [k, c] + r, y = [n, k] + o
                        switch step.pass {
                        case .forward: sums[y, default: 0] += value(step.first, x) * value(step.second, w)
                        case .inputGradient: sums[x, default: 0] += value(step.first, y) * value(step.second, w)
                        case .filterGradient: sums[w, default: 0] += value(step.first, x) * value(step.second, y)
                        }
                    }
                }
            }
        }
        let axes = step.pass == .filterGradient ? [0, 1, 2, 3] : step.order.axes(rank: 4)
        let plan = Plan(step.nest)
        for position in positions(step.extents) {
            var seen = position
            for (place, axis) in axes.enumerated() { seen[axis] = position[place] }
            finish(plan, position, .real(Float(sums[seen] ?? 0)))
        }
    }

    func pooling(_ step: PoolingStep) {
        for n in 0..<step.batch {
            for c in 0..<step.channels {
                if step.isGradient { poolingGradient(step, n, c) } else { pooling(step, n, c) }
            }
        }
    }

    private func pooling(_ step: PoolingStep, _ n: Int, _ c: Int) {
        var results: [[Int]: Double] = [:]
        for (o, _, i) in links(step.windows, step.input, step.output) {
            let x = value(step.operands[0], [n, c] + i)
            switch step.function {
            case .max: results[o] = results[o].map { $0 >= x || $0.isNaN ? $0 : x } ?? x
            case .sum: results[o, default: 0] += x
            }
        }
        for o in positions(step.output) {
            store(.real(Float(results[o] ?? (step.function == .max ? -.infinity : 0))), step.result, [n, c] + o)
        }
    }

    private func poolingGradient(_ step: PoolingStep, _ n: Int, _ c: Int) {
        var sums: [[Int]: Double] = [:], first: [[Int]: (x: Double, place: [Int])] = [:]
        for (o, _, i) in links(step.windows, step.input, step.output) {
            switch step.function {
            case .sum: sums[i, default: 0] += value(step.operands[0], [n, c] + o)
            case .max:
                let x = value(step.operands[0], [n, c] + i)
                if let best = first[o], best.x >= x || best.x.isNaN { continue }
                first[o] = (x, i)
            }
        }
        for (o, best) in first { sums[best.place, default: 0] += value(step.operands[1], [n, c] + o) }
        for i in positions(step.input) { store(.real(Float(sums[i] ?? 0)), step.result, [n, c] + i) }
    }

    private func value(_ operand: Operand, _ position: [Int]) -> Double { Double(load(operand, position).float) }

    /// Which element i of x is element r of window o, where there is one, in the order of o and r.
    private func links(_ windows: Windows, _ input: [Int], _ output: [Int]) -> [(o: [Int], r: [Int], i: [Int])] {
        positions(output).flatMap { o in
            positions(windows.size).compactMap { r in
                let i = [0, 1].map { o[$0] * windows.stride[$0] + r[$0] * windows.dilation[$0] - windows.before[$0] }
                return i[0] >= 0 && i[0] < input[0] && i[1] >= 0 && i[1] < input[1] ? (o, r, i) : nil
            }
        }
    }
}
