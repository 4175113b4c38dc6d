import Soma

/// One pass of a convolution of images [N, C, H, W], which lie so before and after.
struct ConvolutionWorkload: Sendable {
    /// By what the workload's name ends in.
    enum Pass: String {
        case forward = "fwd", inputGradient = "bwd_data", filterGradient = "bwd_weight"

        var words: String {
            switch self {
            case .forward: "forward"
            case .inputGradient: "input gradient"
            case .filterGradient: "filter gradient"
            }
        }
    }

    var name: String
    var input: Shape
    var filter: Shape
    var stride = 1
    var padding = 1
    var groups = 1

    private func convolve(_ x: Tensor, _ w: Tensor) -> Tensor {
        convolution(x, w, stride: [stride], padding: .all(padding), groups: groups)
    }

    func workload(_ pass: Pass) -> Workload {
        let size = filter[3]
        let outputs = [input[2], input[3]].map { ($0 + 2 * padding - size) / stride + 1 }
        let result = Shape([input[0], filter[0]] + outputs)
        let operations = 2 * Double(result.count * filter[1] * size * size)
        let summary = "convolution of \(input) by \(filter)" + (groups > 1 ? " in \(groups) groups" : "") + ", \(pass.words)"
        return Workload(
            "\(name)_\(pass.rawValue)", .rate(operations / 1e9, "GFLOP/s"), summary, work: work(pass, result, operations)
        ) { device in
            let (x, w) = (try Tensor.randomNormal(input).realize(), try Tensor.randomNormal(filter).realize())
            let g = try Tensor.randomNormal(result).realize()
            // A product is linear in each operand, so that its gradients need only two of the three.
            let step = compiled { (a: Tensor, b: Tensor) in
                switch pass {
                case .forward: convolve(a, b)
                case .inputGradient: gradient(of: convolve(x, b), withRespectTo: x, seed: a)
                case .filterGradient: gradient(of: convolve(a, w), withRespectTo: w, seed: b)
                }
            }
            let operands = [Pass.forward: (x, w), .inputGradient: (g, w), .filterGradient: (x, g)]
            return .waiting(for: device) {
                guard let (a, b) = operands[pass] else { return }
                _ = try step(a, b)
            }
        }
    }

    /// Each of the three tensors is moved once: two are read, and the third is the result.
    private func work(_ pass: Pass, _ result: Shape, _ operations: Double) -> Work {
        let (x, w, y) = (4 * Double(input.count), 4 * Double(filter.count), 4 * Double(result.count))
        let written = pass == .forward ? y : pass == .inputGradient ? x : w
        return Work(operations: operations, bytesRead: x + w + y - written, bytesWritten: written)
    }
}

extension Workload {
    private static let conv3x3 = ConvolutionWorkload(name: "conv3x3", input: [32, 64, 32, 32], filter: [64, 64, 3, 3])
    static let conv3x3Forward = conv3x3.workload(.forward)
    static let conv3x3InputGradient = conv3x3.workload(.inputGradient)
    static let conv3x3FilterGradient = conv3x3.workload(.filterGradient)

    static let conv7x7Forward = ConvolutionWorkload(
        name: "conv7x7s2", input: [8, 3, 224, 224], filter: [64, 3, 7, 7], stride: 2, padding: 3
    ).workload(.forward)

    static let depthwiseForward = ConvolutionWorkload(
        name: "dwconv3x3", input: [32, 128, 32, 32], filter: [128, 1, 3, 3], groups: 128
    ).workload(.forward)
}
