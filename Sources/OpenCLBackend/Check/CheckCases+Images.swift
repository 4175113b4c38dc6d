import SomaBackend
import SomaGraph

/// Images and windows of a case.
private struct Sample {
    var batch = 1
    var inputs, outputs: Int
    var groups = 1
    var input: [Int]
    var stride = [1, 1]
    var dilation = [1, 1]

    var windows: Windows { Windows(size: [3, 3], stride: stride, dilation: dilation, before: [1, 2], after: [1, 0]) }

    var output: [Int] {
        (0...1).map { (input[$0] + windows.before[$0] + windows.after[$0] - (windows.size[$0] - 1) * dilation[$0] - 1) / stride[$0] + 1 }
    }

    /// Calls `body` with each window, each tap of it that lies within the image, and the place of that in the plane: (window, tap, pixel).
    func eachTap(_ body: (Int, Int, Int) -> Void) {
        let (windows, output) = (windows, output)
        for window in 0..<output[0] * output[1] {
            for tap in 0..<windows.size[0] * windows.size[1] {
                let y = window / output[1] * stride[0] + tap / windows.size[1] * dilation[0] - windows.before[0]
                let x = window % output[1] * stride[1] + tap % windows.size[1] * dilation[1] - windows.before[1]
                if (0..<input[0]).contains(y) && (0..<input[1]).contains(x) { body(window, tap, y * input[1] + x) }
            }
        }
    }
}

extension CheckCase {
    private static let passes: [ConvolutionPass] = [.forward, .inputGradient, .filterGradient]

    static var convolutions: [CheckCase] {
        let plain = Sample(batch: 2, inputs: 5, outputs: 9, input: [7, 6]), strided = Sample(inputs: 4, outputs: 6, groups: 2, input: [9, 8], stride: [2, 3])
        return passes.map { convolution(plain, $0) } + passes.map { convolution(strided, $0) }
    }

    static var depthwiseConvolutions: [CheckCase] { passes.map { convolution(Sample(batch: 2, inputs: 3, outputs: 3, groups: 3, input: [8, 9]), $0) } }

    static var winogradConvolutions: [CheckCase] {
        [Sample(batch: 2, inputs: 5, outputs: 33, input: [5, 6]), Sample(inputs: 17, outputs: 2, input: [4, 4])].flatMap { sample in
            [ConvolutionPass.forward, .inputGradient].map { convolution(sample, $0) }
        }
    }

    private static func convolution(_ sample: Sample, _ pass: ConvolutionPass) -> CheckCase {
        var step = ConvolutionStep(
            pass: pass, order: .channelsFirst, batch: sample.batch, inputChannels: sample.inputs, outputChannels: sample.outputs, groups: sample.groups,
            input: sample.input, output: sample.output, windows: sample.windows, first: operand(0, []), second: operand(1, []), epilogue: Body())
        let shapes = [step.inputShape, step.filterShape, step.outputShape].map(\.dimensions)
        let (read, written): ([Int], Int) =
            switch pass {
            case .forward: ([0, 1], 2)
            case .inputGradient: ([2, 1], 0)
            case .filterGradient: ([0, 2], 1)
            }
        (step.first, step.second) = (operand(0, shapes[read[0]]), operand(1, shapes[read[1]]))
        step.epilogue = .plain(to: operand(2, shapes[written]))
        var arrays = shapes.enumerated().map { CheckArray.halves($1.reduce(1, *), [7, 3, 5][$0]) }
        arrays[written].values = [Double](repeating: 0, count: arrays[written].values.count)
        convolve(sample, &arrays, written)
        let name = "\(pass) of a convolution, \(sample.inputs) to \(sample.outputs) channels, stride \(sample.stride[0])×\(sample.stride[1])"
        return CheckCase(
            name: name, step: .convolution(step), memory: [arrays[read[0]], arrays[read[1]], .blank(arrays[written].values.count)],
            expected: [2: arrays[written]])
    }

    /// Adds to one of x, w and y the products of the other two.
    private static func convolve(_ sample: Sample, _ arrays: inout [CheckArray], _ written: Int) {
        let (inputs, outputs) = (sample.inputs / sample.groups, sample.outputs / sample.groups)
        let (pixels, taps, windows) = (sample.input.reduce(1, *), sample.windows.size.reduce(1, *), sample.output.reduce(1, *))
        let (x, w, y) = (arrays[0].values, arrays[1].values, arrays[2].values)
        var sums = arrays[written].values
        for image in 0..<sample.batch {
            for k in 0..<sample.outputs {
                for c in 0..<inputs {
                    let ofX = (image * sample.inputs + k / outputs * inputs + c) * pixels, ofW = (k * inputs + c) * taps
                    let ofY = (image * sample.outputs + k) * windows
                    sample.eachTap { window, tap, pixel in
                        switch written {
                        case 0: sums[ofX + pixel] += w[ofW + tap] * y[ofY + window]
                        case 1: sums[ofW + tap] += x[ofX + pixel] * y[ofY + window]
                        default: sums[ofY + window] += x[ofX + pixel] * w[ofW + tap]
                        }
                    }
                }
            }
        }
        arrays[written].values = sums
    }

    // MARK: Pooling

    static var poolings: [CheckCase] {
        let samples = [Sample(batch: 2, inputs: 3, outputs: 3, input: [7, 6], stride: [2, 1]), Sample(inputs: 2, outputs: 2, input: [6, 40], stride: [1, 1])]
        return samples.flatMap { sample in
            [(PoolingFunction.max, false), (.max, true), (.sum, false), (.sum, true)].map { pooling(sample, $0, isGradient: $1) }
                + [pooling(sample, .max, isGradient: false, hasInfinities: true)]
        }
    }

    private static func pooling(_ sample: Sample, _ function: PoolingFunction, isGradient: Bool, hasInfinities: Bool = false) -> CheckCase {
        let planes = sample.batch * sample.inputs
        let (pixels, windows) = (sample.input.reduce(1, *), sample.output.reduce(1, *))
        // Many equal numbers, of which the first is the greatest.
        var x = CheckArray((0..<planes * pixels).map { Double($0 * 7 % 5) })
        let g = CheckArray.halves(planes * windows, 3)
        if hasInfinities {
            // A plane of −∞, and in the others one ∞.
            for pixel in 0..<pixels { x.values[pixel] = -.infinity }
            for plane in 1..<planes { x.values[plane * pixels + pixels / 2] = .infinity }
        }
        var (y, dx) = ([Double](repeating: function == .max ? -.infinity : 0, count: planes * windows), [Double](repeating: 0, count: planes * pixels))
        for plane in 0..<planes {
            var chosen = [Int?](repeating: nil, count: windows)
            sample.eachTap { window, _, pixel in
                let (value, place) = (x.values[plane * pixels + pixel], plane * windows + window)
                if function == .sum {
                    y[place] += value
                    dx[plane * pixels + pixel] += g.values[place]
                } else if value > y[place] {
                    (y[place], chosen[window]) = (value, pixel)
                }
            }
            for (window, pixel) in chosen.enumerated() { if let pixel { dx[plane * pixels + pixel] += g.values[plane * windows + window] } }
        }
        let imageShape = [sample.batch, sample.inputs] + sample.input, pooledShape = [sample.batch, sample.inputs] + sample.output
        let operands = isGradient ? (function == .max ? [operand(0, imageShape), operand(1, pooledShape)] : [operand(1, pooledShape)]) : [operand(0, imageShape)]
        let step = PoolingStep(
            function: function, isGradient: isGradient, order: .channelsFirst, batch: sample.batch, channels: sample.inputs, input: sample.input,
            output: sample.output, windows: sample.windows, operands: operands, result: operand(2, isGradient ? imageShape : pooledShape))
        let result = isGradient ? dx : y
        return CheckCase(
            name: "\(isGradient ? "gradient of " : "")pooling by \(function) of \(sample.input[0])×\(sample.input[1])\(hasInfinities ? " with infinities" : "")",
            step: .pooling(step), memory: [x, g, .blank(result.count)], expected: [2: CheckArray(result)])
    }
}
