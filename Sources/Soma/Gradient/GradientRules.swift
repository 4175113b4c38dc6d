import SomaGraph

// The table of rules: for each primitive, what the gradient of its result says about the gradients of its inputs. g is the
// gradient of the result y. Rules that can speak of y rather than of x do: y is at hand, x need not be kept.

/// The application of a rule to one node.
struct GradientRule {
    let node: Node
    let inputs: NodeInputs
    private let arriving: ArrivingGradient
    /// g: of the shape of the node.
    let gradient: Tensor
    /// Where g counts; elsewhere what is made of it is 0. Nil for everywhere.
    private let condition: Tensor?
    /// For each input where its gradient is gathered; negative when nobody needs it.
    let targets: ArraySlice<Int>
    let sums: GradientSums

    init(node: Node, inputs: NodeInputs, arriving: ArrivingGradient, targets: ArraySlice<Int>, sums: GradientSums) {
        (self.node, self.inputs, self.arriving, self.targets, self.sums) = (node, inputs, arriving, targets, sums)
        let keepsPlaces = node.primitive.keepsPlaces
        (gradient, condition) = keepsPlaces ? (arriving.value, arriving.condition) : (arriving.total, nil)
    }

    /// y: the node's value.
    var output: Tensor { Tensor(node: node) }

    func input(_ index: Int) -> Tensor { Tensor(node: inputs[index]) }

    /// Adds to the gradient of an input, if anybody needs it. A number that a map spread over a shape gathers the sum.
    /// - Parameter choice: where the contribution counts, if not everywhere.
    func pass(to index: Int, _ contribution: @autoclosure () -> Tensor, where choice: @autoclosure () -> Tensor? = nil) {
        let target = targets[targets.startIndex + index]
        guard target >= 0 else { return }
        let (share, choice) = (contribution(), choice())
        if choice == nil && share.node === arriving.value.node && inputs[index].shape == share.shape { return sums.add(arriving, to: target) }
        let chosen = ArrivingGradient(share, where: both(condition, choice))
        sums.add(inputs[index].shape.rank == 0 && share.rank != 0 ? ArrivingGradient(chosen.total.sum(), where: nil) : chosen, to: target)
    }

    private func both(_ a: Tensor?, _ b: Tensor?) -> Tensor? {
        guard let a, let b else { return a ?? b }
        return a .&& b
    }

    /// Adds a view of g to the gradient of an input.
    private func pass(to index: Int, viewed view: (Tensor) -> Tensor) {
        let target = targets[targets.startIndex + index]
        guard target >= 0 else { return }
        sums.add(ArrivingGradient(view(gradient), where: condition.map { $0.rank == 0 ? $0 : view($0) }), to: target)
    }

    func apply() {
        let g = gradient
        switch node.primitive {
        case .buffer, .constant, .range, .random, .stopGradient: break
        case .unary(let function): pass(to: 0, unary(function))
        case .binary(let function): binary(function)
        case .select:
            pass(to: 1, g, where: input(0))
            pass(to: 2, g, where: .!input(0))
        case .cast: pass(to: 0, g.as(inputs[0].dtype))
        case .reshape: pass(to: 0) { $0.reshaped(to: inputs[0].shape) }
        case .permute(let axes): pass(to: 0) { $0.permuted(axes: axes.indices.map { axes.firstIndex(of: $0) ?? $0 }) }
        case .expand:
            pass(to: 0, g.sum(alongAxes: stretchedAxes, keepingDims: true), where: arriving.condition?.narrowed(to: inputs[0].shape))
        case .slice(let starts, let steps): slice(starts, steps)
        case .pad(let before):
            pass(to: 0) { $0.block(at: before, of: inputs[0].shape) }
            pass(to: 1, g, where: .!padInterior(before))
        case .window(let axis, let step, let dilation):
            pass(to: 0, Tensor(node: .fold(g.node, axis: axis, extent: inputs[0].shape[axis], step: step, dilation: dilation)))
        case .fold(let axis, let step, let dilation):
            let size = inputs[0].shape[node.shape.rank]
            pass(to: 0, Tensor(node: .window(g.node, axis: axis, size: size, step: step, dilation: dilation)))
        case .concatenate(let axis):
            var start = [Int](repeating: 0, count: node.shape.rank)
            for index in 0..<inputs.count {
                pass(to: index) { $0.block(at: start, of: inputs[index].shape) }
                start[axis] += inputs[index].shape[axis]
            }
        case .contiguous: pass(to: 0, g)
        case .deviceCopy: pass(to: 0, g.to(Device(tag: inputs[0].device)))
        case .dynamicSlice:
            pass(to: 0, Tensor(node: .updateSlice(Tensor.zeros(like: input(0)).node, g.node, starts: inputs[1])))
        case .updateSlice:
            pass(to: 0, Tensor(node: .updateSlice(g.node, Tensor.zeros(like: input(1)).node, starts: inputs[2])))
            pass(to: 1, Tensor(node: .dynamicSlice(g.node, starts: inputs[2], shape: inputs[1].shape)))
        case .reduce(let operation, let axes): reduce(operation, axes)
        case .matmul:
            pass(to: 0, Tensor(node: .matmul(g.node, input(1).transposed().node)))
            pass(to: 1, rightFactor())
        case .gather(let axis):
            pass(to: 0, Tensor(node: .scatterAdd(Tensor.zeros(like: input(0)).node, inputs[1], g.node, axis: axis)))
        case .scatterAdd(let axis):
            pass(to: 0, g)
            pass(to: 2, gathered(axis))
        case .library(let operation): library(operation)
        case .custom(let operation):
            programError("gradient", "the custom operation \(operation.name) has none; wrap it with withCustomGradient")
        case .scan: programError("gradient", "a scan has no value of its own")
        case .result(let result): sums.add(gradient, toResult: result, of: targets[targets.startIndex])
        case .customGradient(let rule): userRule(rule)
        }
    }

    private func unary(_ function: UnaryFunction) -> Tensor {
        let (x, y, g) = (input(0), output, gradient)
        switch function {
        case .negate: return -g
        case .abs: return g * sign(x)
        case .sign, .floor, .ceil, .round, .not: return .zeros(like: g)
        case .exp: return g * y
        case .expm1: return g * (y + 1)
        case .log: return g / x
        case .log1p: return g / (x + 1)
        case .log2: return g * 1.4426950408889634 / x  // 1 / ln 2
        case .log10: return g * 0.4342944819032518 / x  // 1 / ln 10
        case .sqrt: return g / (y * 2)
        case .rsqrt: return g * (y * y * y) * -0.5
        case .reciprocal: return -(g * y * y)
        case .sin: return g * cos(x)
        case .cos: return -(g * sin(x))
        case .tanh: return g * (1 - y * y)
        case .sigmoid: return g * (y * (1 - y))
        case .erf:
            // Beyond ±30 the slope is 0, and a slope of it there 0 and not ∞ · 0.
            let near = x.clamped(to: -30...30)
            return g * exp(-(near * near)) * 1.1283791670955126  // 2/√π
        }
    }

    private func binary(_ function: BinaryFunction) {
        let (a, b, y, g) = (input(0), input(1), output, gradient)
        switch function {
        case .add:
            pass(to: 0, g)
            pass(to: 1, g)
        case .subtract:
            pass(to: 0, g)
            pass(to: 1, -g)
        case .multiply:
            pass(to: 0, g * b)
            pass(to: 1, g * a)
        case .divide:
            pass(to: 0, g / b)
            pass(to: 1, -(g * y) / b)
        case .power:
            pass(to: 0, g * (b * pow(a, loweredExponent)))
            pass(to: 1, g * (y * log(positiveBase)))
        case .maximum: extremum { $0 .< $1 }
        case .minimum: extremum { $0 .> $1 }
        case .remainder:
            pass(to: 0, g)
            // a − y is a multiple of b but for rounding, which would turn a quotient just below a whole number into that number.
            pass(to: 1, -(g * round((a - y) / b)))
        case .equal, .notEqual, .less, .lessOrEqual, .greater, .greaterOrEqual: break
        case .and, .or, .xor, .shiftLeft, .shiftRight: break
        }
    }

    private func reduce(_ operation: ReduceOperation, _ axes: [Int]) {
        let shape = inputs[0].shape
        switch operation {
        case .sum: pass(to: 0) { $0.expanded(to: shape) }
        case .product: pass(to: 0, gradient * input(0).productsOfOthers(alongAxes: axes))
        case .max, .min:
            let isExtreme = isExtreme(operation, axes)
            let ties = isExtreme.as(node.dtype).sum(alongAxes: axes, keepingDims: true)
            pass(to: 0, (gradient / ties).expanded(to: shape), where: isExtreme)
        case .argmax, .argmin: break
        }
    }
}
