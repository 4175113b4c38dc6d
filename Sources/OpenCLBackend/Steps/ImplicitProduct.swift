import SomaBackend
import SomaGraph

/// One pass of a convolution as the matrix product that convolution.cl computes, for each group: the numbers that tell the passes apart.
struct ImplicitProduct {
    /// A number of three digits, and what it contributes to a place in an image.
    struct Digits {
        var outer, lines, pixels: Int
        /// Elements between planes or images, which the first digit counts.
        var stride: Int
        /// Of rows and columns: what the other digits count.
        var step: [Int]
        var start = [0, 0]

        var count: Int { outer * lines * pixels }
    }

    /// Rows of C in a group.
    let m: Int
    var columns, depth: Digits
    /// Rows and columns of the images that B is read from.
    let image: [Int]
    let aGroup, bGroup: Int
    let aLead, aStride: Int
    var aStep: [Int]
    /// Of the input gradient with a stride: how many phases there are.
    var phases = [1, 1]
    private let groups: Int

    init(_ step: ConvolutionStep) {
        let windows = step.windows
        groups = step.groups
        let (inputs, outputs) = (step.inputChannels / step.groups, step.outputChannels / step.groups)
        let (inputPlane, outputPlane) = (step.input.reduce(1, *), step.output.reduce(1, *))
        let (lines, pixels) = (windows.size[0], windows.size[1])
        let taps = lines * pixels
        let before = windows.before.map { -$0 }
        let overTaps = { (count: Int) in
            Digits(outer: count, lines: lines, pixels: pixels, stride: inputPlane, step: windows.dilation)
        }
        let overOutputs = Digits(
            outer: step.batch, lines: step.output[0], pixels: step.output[1], stride: step.inputChannels * inputPlane, step: windows.stride)
        switch step.pass {
        case .forward:
            (m, columns, depth, image) = (outputs, overOutputs, overTaps(inputs), step.input)
            (aGroup, bGroup, aLead, aStride, aStep) = (outputs * inputs * taps, inputs * inputPlane, inputs * taps, taps, [pixels, 1])
            columns.start = before
        case .filterGradient:
            (m, columns, depth, image) = (outputs, overTaps(inputs), overOutputs, step.input)
            (aGroup, bGroup, aLead) = (outputs * outputPlane, inputs * inputPlane, outputPlane)
            (aStride, aStep) = (step.outputChannels * outputPlane, [step.output[1], 1])
            columns.start = before
        case .inputGradient:
            phases = windows.stride
            // Taps of one phase lie `apart`, which moves the window by a whole number.
            let apart = zip(windows.stride, windows.dilation).map { $0 / greatestCommonDivisor($0, $1) }
            let moves = (0...1).map { -apart[$0] * windows.dilation[$0] / windows.stride[$0] }
            let counts = (0...1).map { (step.input[$0] + windows.stride[$0] - 1) / windows.stride[$0] }
            columns = Digits(
                outer: step.batch, lines: counts[0], pixels: counts[1], stride: step.outputChannels * outputPlane, step: [1, 1],
                start: windows.before)
            depth = Digits(outer: outputs, lines: lines, pixels: pixels, stride: outputPlane, step: moves)
            (m, image, aGroup, bGroup) = (inputs, step.output, outputs * inputs * taps, outputs * outputPlane)
            (aLead, aStride, aStep) = (taps, inputs * taps, [apart[0] * pixels, apart[1]])
        }
    }

    /// How many products there are.
    var batch: Int { groups * phases.reduce(1, *) }
    var hasPhases: Bool { phases != [1, 1] }
    /// The distance between the taps of a phase.
    var apart: [Int] { [aStep[0] / max(depth.pixels, 1), aStep[1]] }
}

private func greatestCommonDivisor(_ a: Int, _ b: Int) -> Int { b == 0 ? a : greatestCommonDivisor(b, a % b) }
