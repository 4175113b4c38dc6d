import SomaGraph

/// The graph behind a loss, and which of its nodes lie on a path from a requested tensor.
///
/// Links of nodes change when a program is run elsewhere, so what is needed of them is copied while `Node.lock` is held. The
/// rules run without the lock: some are a user's own, and may do anything.
struct GradientPaths {
    /// The nodes behind the losses, inputs first.
    private let order: [Node]
    /// Where the losses stand in the order.
    private let losses: [Int]
    /// The inputs of the nodes through which gradients pass on, `.none` for the others.
    private var inputs: [NodeInputs]
    /// For each such node the places of its inputs, `nowhere` for one that needs no gradient; from `firstSource[place]` on.
    private var sources: [Int]
    private var firstSource: [Int]
    /// Where each requested tensor stands in the order; `nil` when no loss depends on it.
    let requested: [Int?]
    /// By the place of a scan the places of requested tensors that are made of numbers alone, which its steps compute and do not read.
    private var numbers: [Int: [Int]] = [:]
    /// Whether the gradient passes a layer that differs in training, or the data did, while nothing had said what for it was built.
    private(set) var passesUnsaidMode = false

    private static let nowhere = -1

    /// - Parameter areIndependent: whether no gradient passes on through one tensor to another.
    init(from tensors: [Tensor], to losses: [Tensor], areIndependent: Bool = false, _ file: StaticString, _ line: UInt) {
        (order, self.losses, requested, inputs, sources) = Node.lock.withLock { number in
            var order = Node.topologicalOrder(of: losses.map(\.node), throughComputed: true, &number)
            let numbers = Self.numbers(of: tensors, in: order)
            if !numbers.isEmpty { order = Node.topologicalOrder(of: numbers + losses.map(\.node), throughComputed: true, &number) }
            let places = losses.map(\.node.placeInOrder)
            let requested = tensors.map { Self.place(of: $0.node, in: order) }
            var sources: [Int] = []
            for node in order { node.inputs.forEach { sources.append($0.placeInOrder) } }
            return (order, places, requested, order.map(\.inputs), sources)
        }
        firstSource = [Int](repeating: 0, count: order.count)
        var next = 0
        for i in order.indices {
            firstSource[i] = next
            next += inputs[i].count
        }
        for i in order.indices {
            guard case .scan(let body) = order[i].primitive else { continue }
            for (index, tensor) in tensors.enumerated() where requested[index] == nil && body.line(of: tensor.node) != nil {
                programError(
                    "gradient",
                    "\(name(index, tensor)) is a value inside of a scan, which has one at each step: ask for the gradient of what it is given",
                    file: file, line: line)
            }
            let read = requested.compactMap { $0 }.filter { body.computesFromNumbers(order[$0]) }
            if !read.isEmpty { numbers[i] = read }
        }
        requireHistory(tensors, file, line)
        keepPaths(areIndependent)
    }

    /// Requested tensors that steps of scans compute from numbers alone.
    private static func numbers(of tensors: [Tensor], in order: [Node]) -> [Node] {
        let bodies = order.compactMap { node in if case .scan(let body) = node.primitive { body } else { nil } }
        return tensors.map(\.node).filter { node in !node.isSource && bodies.contains { $0.computesFromNumbers(node) } }
    }

    private static func place(of node: Node, in order: [Node]) -> Int? {
        let place = node.placeInOrder
        return order.indices.contains(place) && order[place] === node ? place : nil
    }

    /// Calls `body` with the place in `sources` of each input through which a gradient may pass.
    private func forEachDifferentiableInput(of i: Int, _ body: (Int) -> Void) {
        var chosen = 0..<inputs[i].count
        switch order[i].primitive {
        case .stopGradient: return
        case .customGradient: chosen = chosen.dropFirst()  // the value itself is opaque
        case .library(let operation):
            chosen = operation.hasGradientRule ? chosen.dropFirst(operation.resultCount) : chosen.prefix(operation.resultCount)
        default: break
        }
        for k in chosen
        where order[sources[firstSource[i] + k]].dtype.isFloatingPoint {
            body(firstSource[i] + k)
        }
    }

    /// Traps where the links that a gradient would follow were released with the computing of a value.
    private func requireHistory(_ tensors: [Tensor], _ file: StaticString, _ line: UInt) {
        var isEnd = [Bool](repeating: false, count: order.count)
        for case let place? in requested { isEnd[place] = true }
        var isMet = [Bool](repeating: false, count: order.count)
        for loss in losses { isMet[loss] = true }
        var released: [Origins] = []
        for i in order.indices.reversed() where isMet[i] && !isEnd[i] {
            if let origins = order[i].origins {
                released.append(origins)
                if order[i].isTracked { releasedHistory(order[i], file, line) }
            }
            forEachDifferentiableInput(of: i) { isMet[sources[$0]] = true }
        }
        for (index, tensor) in tensors.enumerated() where !tensor.node.isTracked {
            // Of a tensor that was computed it is not known where it led to.
            let isLost = tensor.node.isSource ? released.contains { $0.include(tensor.node) } : requested[index] == nil && !released.isEmpty
            guard isLost else { continue }
            programError(
                "gradient",
                "the graph between the loss and \(name(index, tensor)) was released when a value on the way was computed: "
                    + "read values after taking the gradient, and keep what leads to a path of more than "
                    + "\(Tensor.longestPendingPath) operations, which the engine computes on the way, in a Parameter", file: file,
                line: line)
        }
    }

    private func releasedHistory(_ node: Node, _ file: StaticString, _ line: UInt) -> Never {
        programError(
            "gradient",
            "the loss depends on a computed value (\(node.dtype) \(node.shape)) whose graph was released by an update or "
                + "a long run; take the gradient before, or pass the value through withoutGradient()", file: file,
            line: line)
    }

    /// Marks with `nowhere` what no gradient needs to reach, and forgets the inputs of nodes that pass nothing on.
    private mutating func keepPaths(_ areIndependent: Bool) {
        var isOnPath = [Bool](repeating: false, count: order.count)
        for case let place? in requested {
            isOnPath[place] = true
            if areIndependent { inputs[place] = .none }
        }
        var kept = [Int](repeating: Self.nowhere, count: sources.count)
        for i in order.indices {
            var passesOn = numbers[i] != nil
            forEachDifferentiableInput(of: i) { source in
                guard isOnPath[sources[source]] else { return }
                kept[source] = sources[source]
                passesOn = true
            }
            if passesOn { isOnPath[i] = true } else { inputs[i] = .none }
        }
        sources = kept
        guard losses.contains(where: { order[$0].traits.contains(.modeUnsaid) }) else { return }
        // A part of the model that nobody trains may well predict.
        passesUnsaidMode = order.indices.contains { i in
            order[i].traits.contains(.modeQuestion) && (isOnPath[i] || !order[i].isTracked)
        }
    }

    /// The gradients of the requested tensors, where any arrives.
    /// - Parameter seeds: one for each loss.
    func accumulate(_ seeds: [Tensor]) -> [Tensor?] {
        let sums = GradientSums(count: order.count)
        for (loss, seed) in zip(losses, seeds) { sums.add(ArrivingGradient(seed, where: nil), to: loss) }
        for i in order.indices.reversed() where inputs[i].count > 0 {
            let targets = sources[firstSource[i]..<firstSource[i] + inputs[i].count]
            if case .scan(let body) = order[i].primitive {
                let numbers = numbers[i] ?? []
                ScanGradient(
                    order[i], body, inputs[i].array, numbers: numbers.map { order[$0] }, targets: targets + numbers, sums.results(of: i)
                )?.add(to: sums)
                continue
            }
            if case .library(let operation) = order[i].primitive, operation.resultCount > 1 {
                ResultsRule(node: order[i], inputs: inputs[i], gradients: sums.results(of: i), targets: targets, sums: sums).apply(operation)
                continue
            }
            guard let gradient = sums[i] else { continue }
            GradientRule(node: order[i], inputs: inputs[i], arriving: gradient, targets: targets, sums: sums).apply()
        }
        return requested.map { $0.flatMap { sums[$0]?.total } }
    }
}
