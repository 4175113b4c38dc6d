import SomaGraph

/// The gradient of a scan: a scan in the other direction.
///
/// Its states are the gradients of the scan's states and, since every step adds to them, those of the invariants, unless they are products
/// (`ProductsOverSteps`). What a step computed on the way and its gradient needs is stacked by the scan itself: only views, and scans within, are
/// computed again.
struct ScanGradient {
    private let targets: [Int]
    /// By the input of the scan.
    private var gradients: [Int: Tensor] = [:]

    /// Nil where no gradient arrives.
    /// - Parameters:
    ///   - numbers: what a step computes from numbers alone and has a gradient nonetheless.
    ///   - targets: for each input, and each of `numbers`, where its gradient is gathered; negative when nobody needs it.
    ///   - arriving: the gradients of its results.
    init?(_ scan: Node, _ body: ScanBody, _ own: [Node], numbers: [Node], targets: [Int], _ arriving: [NodeResult: Tensor]) {
        self.targets = targets
        let (device, inputs) = (scan.device, own + numbers)
        if arriving.isEmpty { return nil }
        let states = body.nextStates.indices.filter { inputs[$0].dtype.isFloatingPoint }
        // Everything that a step was given and that has a gradient.
        let lines = body.lines.filter { $0.source != nil && $0.node.dtype.isFloatingPoint }
        func input(_ source: ScanBody.Source?) -> Int {
            switch source {
            case .state(let index): index
            case .sequence(let index): body.stateCount + index
            case .invariant(let index): body.stateCount + body.sequenceCount + index
            case nil: programError("gradient", "an input that a scan computes")
            }
        }
        let given = lines.map { (node: $0.node, place: input($0.source)) } + numbers.enumerated().map { (node: $1, place: own.count + $0) }

        let stateSeeds = states.map { Node.scanPlaceholder(inputs[$0].shape, inputs[$0].dtype, device: device) }
        let stacked = arriving.compactMap { result, gradient -> (line: Int, gradient: Tensor)? in
            if case .stacked(let line) = result { (line, gradient) } else { nil }
        }.sorted { $0.line < $1.line }
        let stackSeeds = stacked.map { Node.scanPlaceholder(body.lines[$0.line].node.shape, body.lines[$0.line].node.dtype, device: device) }

        let losses = states.map { body.lines[body.nextStates[$0]].node } + stacked.map { body.lines[$0.line].node }
        let paths = GradientPaths(
            from: given.map { Tensor(node: $0.node) }, to: losses.map { Tensor(node: $0) }, areIndependent: true, #fileID, #line)
        let draws = RandomDraws()
        let found = draws.recording { paths.accumulate((stateSeeds + stackSeeds).map { Tensor(node: $0) }) }
        var gradientOfInput: [Int: Tensor] = [:]
        for (place, gradient) in zip(given.map(\.place), found) {
            if place < body.stateCount || targets[place] >= 0 { gradientOfInput[place] = gradient }
        }

        var products: [Int: ProductsOverSteps] = [:]
        for (place, gradient) in gradientOfInput where place >= body.stateCount + body.sequenceCount {
            products[place] = ProductsOverSteps(gradient)
        }
        let invariants = gradientOfInput.keys.filter { $0 >= body.stateCount + body.sequenceCount && products[$0] == nil }.sorted()
        let sequences = gradientOfInput.keys.filter { $0 >= body.stateCount && $0 < body.stateCount + body.sequenceCount }.sorted()
        let sums = invariants.map { Node.scanPlaceholder(inputs[$0].shape, inputs[$0].dtype, device: device) }
        let next = states.map { gradientOfInput[$0] ?? .zeros(like: Tensor(node: inputs[$0])) }
            + zip(invariants, sums).map { Tensor(node: $1) + (gradientOfInput[$0] ?? .zeros(like: Tensor(node: $1))) }
        let outputs = sequences.compactMap { gradientOfInput[$0] }

        let initial = states.map { index in arriving[.state(index)] ?? .zeros(like: Tensor(node: inputs[index])) }
            + invariants.map { .zeros(like: Tensor(node: inputs[$0])) }
        let back = Node.scan(
            count: body.count, isReversed: !body.isReversed, placeholders: (stateSeeds + sums, stackSeeds), initial: initial.map(\.node),
            sequences: stacked.map(\.gradient.node), nextStates: next.map(\.node),
            roots: outputs.map(\.node) + products.sorted { $0.key < $1.key }.flatMap(\.value.factors), draws: draws.counters, device: device
        ) { Self.stack(of: $0, scan, body, inputs) }

        guard case .scan(let backBody) = back.primitive else { return }
        for (place, index) in states.enumerated() { gradients[index] = Tensor(node: .scanResult(back, .state(place))) }
        for (place, index) in invariants.enumerated() { gradients[index] = Tensor(node: .scanResult(back, .state(states.count + place))) }
        for (output, index) in zip(outputs, sequences) {
            guard let line = backBody.line(of: output.node) else { continue }
            gradients[index] = Tensor(node: .scanResult(back, .stacked(line: line)))
        }
        let backInputs = Node.lock.withLock { _ in back.inputs.array }
        for (index, product) in products {
            gradients[index] = product.sum { Tensor(node: Self.everyStep(of: $0, back, backBody, backInputs)) }
        }
    }

    /// The values of a node at all steps of a scan: the sequence whose elements they are, if there is one.
    private static func everyStep(of node: Node, _ scan: Node, _ body: ScanBody, _ inputs: [Node]) -> Node {
        guard let line = body.line(of: node) else { programError("gradient", "a factor that no step has") }
        if case .sequence(let index) = body.lines[line].source { return inputs[body.stateCount + index] }
        return .scanResult(scan, .stacked(line: line))
    }

    /// What all steps had of a node of the body, if a step computed it or was given it anew.
    private static func stack(of node: Node, _ scan: Node, _ body: ScanBody, _ inputs: [Node]) -> Node? {
        guard let line = body.line(of: node) else { return nil }
        switch body.lines[line].source {
        case .invariant: return nil
        case .sequence(let index): return inputs[body.stateCount + index]
        case .state: return .scanResult(scan, .stacked(line: line))
        case nil:
            switch node.primitive {
            case .constant, .range, .reshape, .permute, .expand, .slice, .customGradient, .stopGradient, .scan: return nil
            case .library where !node.hasOneValue: return nil
            default: return .scanResult(scan, .stacked(line: line))
            }
        }
    }

    /// Adds the gradients of the inputs to what has arrived for them.
    func add(to sums: GradientSums) {
        for (index, gradient) in gradients.sorted(by: { $0.key < $1.key }) where targets[index] >= 0 {
            sums.add(ArrivingGradient(gradient, where: nil), to: targets[index])
        }
    }
}
