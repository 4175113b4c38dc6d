import SomaGraph

/// Finds out what of the graph of a call belongs to which module of a model.
///
/// Nobody is asked: a node that takes what came of the input and a parameter, or what was made of parameters alone, is the module's that holds the
/// parameter. What takes only what came of the input belongs to the innermost module that holds all it came from.
struct NetworkOutline {
    /// Gives the elements of inputs that there are none of.
    private final class Absent: Storage, @unchecked Sendable {}

    /// What is known of a node.
    private struct Standing {
        /// Whether it depends on the input.
        var isData = false
        /// The parameters and states that it is made of alone.
        var slots: Set<Int> = []
        /// The module that it belongs to, by its place among the modules.
        var module: Int?
        /// The shape before the last reshape on the way here, as where a normalisation looks at groups.
        var original: Shape?
    }

    private let modules: [ModelContents.FoundModule]
    /// For each parameter and each state the module that holds it.
    private let holders: [Int]
    /// For each parameter and each state the nodes that take it and what came of the input, in an order in which they can be computed.
    private var uses: [[Node]]
    private var standings: [ObjectIdentifier: Standing] = [:]
    /// Shapes of what brings the rows of a matrix product into their batches again, and groups into their channels.
    private var batchShapes: [ObjectIdentifier: Shape] = [:]
    private var multiplyAdds: [Double]

    static func summary(
        of model: some Module, for inputs: [ModelInput], _ body: ([Tensor]) throws -> [Tensor]
    ) rethrows -> NetworkSummary {
        let contents = ModelContents(of: model)
        let slots = contents.slots
        let device = slots.first?.device ?? .current
        let sources = inputs.map { Node(storage: Absent(), shape: $0.shape, dtype: $0.dtype, device: device.tag) }
        var outline = NetworkOutline(contents)
        let calls = ModuleCalls()
        let outputs = try Capture(computesStates: false).recording {
            // Asked first: what the call assigns to a state would be another node.
            let values = slots.map { $0.value().node }
            let outputs = try withDevice(device) { try withInference { try calls.recording { try body(sources.map(Tensor.init(node:))) } } }
            outline.visit(outputs.map(\.node), slots: values, sources)
            return outputs
        }
        var rows = outline.rows(contents)
        let taps = calls.resolved(in: contents, model)
        // The parameters of these are used step by step, so that the graph does not show what a call gave.
        for (path, taps) in Dictionary(grouping: taps.filter { $0.module is any RecurrentModule }, by: \.path) {
            if let row = rows.firstIndex(where: { $0.path.isExactly(path) }) { rows[row].outputs = taps.map(\.output.shape) }
        }
        for tap in taps {
            guard let row = rows.firstIndex(where: { $0.path.isExactly(tap.path) }), !outline.holders.contains(row) else { continue }
            rows[row].outputs.append(tap.output.shape)
        }
        rows[0].outputs = outputs.map(\.shape)
        func bytes(_ slots: some Sequence<Slot>) -> Int { slots.reduce(0) { $0 + $1.shape.count * $1.dtype.byteCount } }
        return NetworkSummary(
            rows: rows, parameterBytes: bytes(slots.prefix(contents.parameters.count)), stateBytes: bytes(slots.dropFirst(contents.parameters.count)),
            inputBytes: inputs.reduce(0) { $0 + $1.shape.count * $1.dtype.byteCount })
    }

    private init(_ contents: ModelContents) {
        modules = contents.modules
        let names = contents.slots.map { $0.names[0].split(atEach: ".") }
        holders = names.map { name in
            contents.modules.indices.filter { name.starts(with: contents.modules[$0].path, by: { $0.isExactly($1) }) }
                .max { contents.modules[$0].path.count < contents.modules[$1].path.count } ?? 0
        }
        uses = names.map { _ in [] }
        multiplyAdds = contents.modules.map { _ in 0 }
    }

    // MARK: The graph

    /// - Parameters:
    ///   - slots: the values of the parameters and states.
    ///   - sources: the inputs.
    private mutating func visit(_ roots: [Node], slots: [Node], _ sources: [Node]) {
        for (number, node) in slots.enumerated() { standings[ObjectIdentifier(node), default: Standing()].slots.insert(number) }
        for source in sources { standings[ObjectIdentifier(source)] = Standing(isData: true) }
        Node.lock.withLock { _ in
            for node in Self.ordered(roots, until: Set(standings.keys)) { place(node) }
        }
    }

    /// The nodes behind `roots`, each after those it takes, without what known ones are made of and without compositions of library operations.
    /// Called with the lock of graphs held.
    private static func ordered(_ roots: [Node], until known: Set<ObjectIdentifier>) -> [Node] {
        var (order, seen): ([Node], Set<ObjectIdentifier>) = ([], known)
        var stack = roots.reversed().map { (node: $0, isExpanded: false) }
        while let (node, isExpanded) = stack.popLast() {
            if isExpanded { order.append(node) }
            guard !isExpanded, seen.insert(ObjectIdentifier(node)).inserted else { continue }
            stack.append((node, true))
            for input in operands(of: node).reversed() where !seen.contains(ObjectIdentifier(input)) { stack.append((input, false)) }
        }
        return order
    }

    private static func operands(of node: Node) -> [Node] {
        switch node.primitive {
        case .library(let operation): Array(node.inputs.array.dropFirst(operation.resultCount))
        case .customGradient: [node.inputs[0]]
        default: node.inputs.array
        }
    }

    private mutating func place(_ node: Node) {
        let operands = Self.operands(of: node)
        let taken = operands.map { standings[ObjectIdentifier($0)] ?? Standing() }
        var standing = Standing(isData: taken.contains(where: \.isData))
        let slots = taken.filter { !$0.isData }.reduce(into: Set<Int>()) { $0.formUnion($1.slots) }
        if !slots.isEmpty {
            standing.module = commonModule(slots.map { holders[$0] })
            if standing.isData { for slot in slots { uses[slot].append(node) } } else { standing.slots = slots }
        } else {
            standing.module = commonModule(taken.filter(\.isData).compactMap(\.module))
        }
        standing.original = taken.filter(\.isData).compactMap(\.original).first
        if case .reshape = node.primitive, let operand = operands.first {
            if taken[0].original == node.shape {
                batchShapes[ObjectIdentifier(operand)] = node.shape
                if case .customGradient = operand.primitive { batchShapes[ObjectIdentifier(operand.inputs[0])] = node.shape }
            }
            standing.original = operand.shape
        }
        if case .reshape = node.primitive, let product = operands.first, Self.joinsBatches(product),
            node.shape.dimensions.last == product.shape.dimensions.last
        {
            batchShapes[ObjectIdentifier(product)] = node.shape
        }
        multiplyAdds[standing.module ?? 0] += node.multiplyAdds
        standings[ObjectIdentifier(node)] = standing
    }

    /// The innermost module that all of these are within; nil of none.
    private func commonModule(_ numbers: [Int]) -> Int? {
        guard var path = numbers.first.map({ modules[$0].path }) else { return nil }
        for number in numbers.dropFirst() {
            path = Array(zip(path, modules[number].path).prefix { $0.isExactly($1) }.map(\.0))
        }
        // A path may lead through what is no module, such as an array of them.
        while !path.isEmpty {
            if let number = modules.firstIndex(where: { $0.path.elementsEqual(path, by: { $0.isExactly($1) }) }) { return number }
            path.removeLast()
        }
        return 0
    }

    // MARK: What each module has

    private func rows(_ contents: ModelContents) -> [NetworkSummary.Row] {
        let slots = contents.slots
        return modules.indices.map { module in
            let path = modules[module].path
            var row = NetworkSummary.Row(path: path.joined(separator: "."), depth: depth(of: path), type: "\(modules[module].type)")
            let own = slots.indices.filter { holders[$0] == module }
            for slot in own {
                let count = slots[slot].shape.count
                if slot < contents.parameters.count { row.parameterCount += count } else { row.stateCount += count }
            }
            row.multiplyAdds = Int(exactly: multiplyAdds[module]) ?? .max
            // What is taken least often is taken once a call: a scale that also makes a shift is taken twice. Of equals the last, as a bias is.
            let nodes = own.reversed().map { uses[$0] }.filter { !$0.isEmpty }.min { $0.count < $1.count } ?? []
            row.outputs = nodes.map { batchShapes[ObjectIdentifier($0)] ?? $0.shape }
            return row
        }
    }

    private func depth(of path: [String]) -> Int {
        modules.count { $0.path.count < path.count && path.starts(with: $0.path, by: { $0.isExactly($1) }) }
    }

    /// Whether a node is a matrix product whose rows are those of several batches.
    private static func joinsBatches(_ node: Node) -> Bool {
        guard case .matmul = node.primitive, case .reshape = node.inputs[0].primitive else { return false }
        return node.inputs[0].inputs.count == 1 && node.inputs[0].inputs[0].shape.rank > 2
    }
}
