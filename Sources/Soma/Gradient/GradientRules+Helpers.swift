import SomaGraph

// What the longer rules of the table are made of.

extension GradientRule {
    var zero: Tensor { gradient.operand(0, "gradient") }

    /// The axes along which an expansion repeats.
    var stretchedAxes: [Int] { (0..<node.shape.rank).filter { inputs[0].shape[$0] != node.shape[$0] } }

    /// The rule of `maximum` (with `loses` being <) and of `minimum` (>).
    ///
    /// Equal tensors share the gradient evenly. Beside a constant, an element equal to it gets none: then the output alone
    /// decides, and the input of a rectifier need not be kept. NaN lets the gradient through, so that it stays visible.
    func extremum(_ loses: (Tensor, Tensor) -> Tensor) {
        if case .constant = inputs[1].primitive { return pass(to: 0, gradient, where: output .!= input(1)) }
        if case .constant = inputs[0].primitive { return pass(to: 1, gradient, where: output .!= input(0)) }
        let (a, b) = (input(0).withoutGradient(), input(1).withoutGradient())
        func code(_ value: Double) -> Tensor { Tensor(value, dtype: .uint8, device: gradient.device) }
        // Decided once, a byte an element: rounded twice, a and b could both win or both lose.
        let winner = Tensor.select(loses(a, b), code(2), .select(loses(b, a), code(1), .select(a .== b, code(0), code(3)))).contiguous()
        let share = Tensor.select(winner .== 0, gradient * 0.5, gradient)
        pass(to: 0, share, where: winner .!= 2)
        pass(to: 1, share, where: winner .!= 1)
    }

    /// Where the input is an extreme along `axes`, of which a NaN is one.
    ///
    /// The extreme is found anew and not read from the output: that may have been computed by another program, in which the input was
    /// rounded otherwise, so that no element would equal it.
    func isExtreme(_ operation: ReduceOperation, _ axes: [Int]) -> Tensor {
        let x = input(0).withoutGradient()
        return (x .== Tensor(node: .reduce(operation, x.node, axes: axes)).expanded(to: x.shape)) .|| x.isNaN
    }

    /// b − 1 of aᵇ, but 0 where b is 0 and a⁻¹ infinite or NaN: there the derivative is 0 · a⁰ and not 0 · a⁻¹. The choice is made inside
    /// of the power, so that the derivative of the derivative meets no 0 · ∞ either.
    var loweredExponent: Tensor {
        let (a, b) = (input(0), input(1))
        // A constant 0 stays 0, so that no power of a small number is beyond all numbers however often it is differentiated.
        if case .constant = inputs[1].primitive { return .select(b .== 0, zero, b - 1) }
        // Up to this the reciprocal is beyond float32.
        return .select(.!(abs(a) .> 0x1p-128) .&& (b .== 0), zero, b - 1)
    }

    /// a of aᵇ, but 1 where log a is infinite and its factor aᵇ is 0 (or 1).
    var positiveBase: Tensor {
        let (a, b) = (input(0), input(1))
        let vanishes = (a .== 0) .&& (b .>= 0) .|| (a .== .infinity) .&& (b .< 0)
        return .select(vanishes, gradient.operand(1, "gradient"), a)
    }

    /// The gradient AᵀG of the right factor of a product. Where that factor is itself a permuted tensor, as a layer's Wᵀ is, it is
    /// written (GᵀA)ᵀ: permuted back, it lies in memory as the tensor does.
    func rightFactor() -> Tensor {
        let (a, g) = (input(0), gradient)
        guard case .permute = inputs[1].primitive else { return Tensor(node: .matmul(a.transposed().node, g.node)) }
        return Tensor(node: .matmul(g.transposed().node, a.node)).transposed()
    }

    /// A slice whose elements are neighbours waits for others of the same tensor.
    func slice(_ starts: [Int], _ steps: [Int]) {
        let (target, shape) = (targets[targets.startIndex], inputs[0].shape)
        if target >= 0 && gradient.count > 0 && steps.allSatisfy({ $0 == 1 }) {
            return sums.add(GradientSlice(gradient: gradient, starts: starts, shape: shape), to: target)
        }
        pass(to: 0, gradient.spread(over: shape, starts: starts, steps: steps))
    }

    /// True where a padded tensor holds the input's elements.
    func padInterior(_ before: [Int]) -> Tensor {
        let (one, none) = (gradient.operand(1, "pad"), gradient.operand(0, "pad"))
        let after = before.indices.map { node.shape[$0] - before[$0] - inputs[0].shape[$0] }
        return Tensor(
            node: .pad(one.repeated(to: inputs[0].shape).node, before: before, after: after, value: none.node)
        ).as(.bool)
    }

    /// The gradient of the updates of a scatter: g at the indices, and 0 for updates that were dropped.
    func gathered(_ axis: Int) -> Tensor {
        let indices = input(1)
        let extent = Double(node.shape[axis])
        var isInside = (indices .>= 0) .&& (indices .< extent)
        let following = [Int](repeating: 1, count: node.shape.rank - axis - 1)
        isInside = isInside.reshaped(to: indices.shape.dimensions + following)
        return .select(isInside, Tensor(node: .gather(gradient.node, indices.node, axis: axis)), zero)
    }

    func userRule(_ rule: CustomGradient) {
        guard let rule = rule as? UserGradientRule else { programError("customGradient", "a rule of an unknown kind") }
        let arguments = (1..<inputs.count).map(input)
        let shares = rule.pullback(gradient, arguments, output)
        guard shares.count == arguments.count else {
            programError(
                "withCustomGradient", "\(shares.count) gradients for \(arguments.count) inputs", file: rule.file,
                line: rule.line)
        }
        for (index, share) in shares.enumerated() {
            guard share.shape == arguments[index].shape,
                share.dtype == arguments[index].dtype || !arguments[index].dtype.isFloatingPoint
            else {
                programError(
                    "withCustomGradient",
                    "the gradient of input \(index) is \(share.dtype) \(share.shape), the input "
                        + "\(arguments[index].dtype) \(arguments[index].shape)", file: rule.file, line: rule.line)
            }
            pass(to: index + 1, share)
        }
    }
}

extension Tensor {
    /// The block of `shape` that begins at `starts`.
    func block(at starts: [Int], of shape: Shape) -> Tensor {
        Tensor(node: .slice(node, starts: starts, counts: shape.dimensions, steps: [Int](repeating: 1, count: rank)))
    }

    /// The transpose of a slice: zeros of `shape`, with this tensor's elements where the slice would read them.
    func spread(over shape: Shape, starts: [Int], steps: [Int]) -> Tensor {
        var result = self
        var before = starts
        for axis in 0..<rank where self.shape[axis] > 0 && steps[axis] != 1 {
            if steps[axis] < 0 {
                result = result.reversed(axis)
                before[axis] += (self.shape[axis] - 1) * steps[axis]
            }
            result = result.dilated(axis, by: Swift.abs(steps[axis]), atMost: shape[axis] - before[axis])
        }
        if count == 0 { return Tensor(node: operand(0, "slice").node).repeated(to: shape) }
        if result.shape == shape { return result }
        let after = (0..<rank).map { shape[$0] - before[$0] - result.shape[$0] }
        return Tensor(node: .pad(result.node, before: before, after: after, value: operand(0, "slice").node))
    }

    private func reversed(_ axis: Int) -> Tensor {
        var starts = [Int](repeating: 0, count: rank)
        var steps = [Int](repeating: 1, count: rank)
        starts[axis] = shape[axis] - 1
        steps[axis] = -1
        return Tensor(node: .slice(node, starts: starts, counts: shape.dimensions, steps: steps))
    }

    /// `step − 1` zeros after each element along `axis`, cut to `limit` elements.
    private func dilated(_ axis: Int, by step: Int, atMost limit: Int) -> Tensor {
        if step == 1 { return self }
        var dimensions = shape.dimensions
        dimensions.insert(1, at: axis + 1)
        let before = [Int](repeating: 0, count: rank + 1)
        var after = before
        after[axis + 1] = step - 1
        let spaced = Node.pad(
            .reshape(node, to: Shape(dimensions)), before: before, after: after, value: operand(0, "slice").node)
        dimensions.remove(at: axis + 1)
        dimensions[axis] *= step
        let merged = Tensor(node: .reshape(spaced, to: Shape(dimensions)))
        dimensions[axis] = Swift.min(dimensions[axis], limit)
        return merged.block(at: [Int](repeating: 0, count: rank), of: Shape(dimensions))
    }

    /// For each element the product of all others along `axes`, right where elements are 0.
    ///
    /// Products of what comes before and of what comes after, each by a scan that doubles its reach: no division.
    func productsOfOthers(alongAxes axes: [Int]) -> Tensor {
        let order = (0..<rank).filter { !axes.contains($0) } + axes
        let moved = permuted(axes: order)
        let length = axes.reduce(1) { $0 * shape[$1] }
        let rows = moved.reshaped(to: [length == 0 ? 0 : count / length, length])
        if count == 0 { return self }
        let products = rows.shifted(1).runningProducts() * rows.reversed(1).shifted(1).runningProducts().reversed(1)
        let back = order.indices.map { order.firstIndex(of: $0) ?? $0 }
        return products.reshaped(to: moved.shape).permuted(axes: back)
    }

    /// Each row moved by `places` towards its end, ones coming in.
    private func shifted(_ places: Int) -> Tensor {
        let kept = block(at: [0, 0], of: [shape[0], Swift.max(0, shape[1] - places)])
        return Tensor(
            node: .pad(
                kept.node, before: [0, Swift.min(places, shape[1])], after: [0, 0], value: operand(1, "product").node))
    }

    /// The product of each element and all before it in its row.
    private func runningProducts() -> Tensor {
        var result = self
        var reach = 1
        while reach < shape[1] {
            result = result * result.shifted(reach)
            reach *= 2
        }
        return result
    }
}
