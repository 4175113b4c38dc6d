import SomaGraph

/// The first node of a graph whose values are not what they should be.
public struct Divergence: Sendable, Equatable, CustomStringConvertible {
    /// What the node computes, with shapes.
    public var node: String
    /// Where in row-major order the worst element is, and its two values: on the device under test, and on the reference.
    public var element: Int
    /// What the device computed.
    public var value: Double
    /// What it was to compute.
    public var reference: Double
    /// The difference that would have been let pass.
    public var tolerance: Double

    /// One line that names the node and both numbers.
    public var description: String {
        "\(node): element \(element) is \(value), the reference has \(reference) (tolerance \(tolerance))"
    }
}

extension Device {
    /// Computes the graph below `tensors` on this device and on another, fused as usual, and finds the first node that differs.
    ///
    /// Differences of up to 1.3e-6·√K of the largest number involved pass at each node, with K the length of its sums, and add up along
    /// the graph. A comparison, a rounding or the place of a maximum may turn over by the last bit of what it looks at; so each looks at the
    /// reference's numbers, and what follows from it is compared too. Every value is kept until it is compared, so this takes far more memory than a training step.
    /// - Throws: `BackendError`.
    public func firstDivergence(of tensors: [Tensor], against reference: Device) throws -> Divergence? {
        let graph = GraphCopy(of: tensors)
        let others = try graph.nodes(on: reference)
        let places = graph.placesOfValues
        try realizeAll(places.map { Tensor(node: others[$0]) })
        let mine = try graph.nodes(on: self, decidingBy: others)
        try realizeAll(places.map { Tensor(node: mine[$0]) })
        var bounds = [Bound](repeating: Bound(), count: mine.count)
        for place in places {
            let (bound, divergence) = try Self.compare(mine[place], others[place], graph.operands(of: place).map { bounds[$0] })
            if let divergence { return divergence }
            bounds[place] = bound
        }
        return nil
    }

    /// The first node below `tensors` with an element that is NaN or infinite.
    /// - Throws: `BackendError`.
    public func firstNonFinite(of tensors: [Tensor]) throws -> Divergence? {
        let graph = GraphCopy(of: tensors)
        let all = try graph.nodes(on: self)
        let nodes = graph.placesOfValues.map { all[$0] }.filter { $0.dtype == .float32 }
        try realizeAll(nodes.map(Tensor.init(node:)))
        for node in nodes {
            let values: [Float] = try Tensor(node: node).scalars()
            guard let place = values.firstIndex(where: { !$0.isFinite }) else { continue }
            return Divergence(node: GraphCopy.describe(node), element: place, value: Double(values[place]), reference: 0, tolerance: 0)
        }
        return nil
    }

    /// How far a value may be from its reference relative to `scale`, the largest number that went into it.
    private struct Bound {
        var relative = 0.0
        var scale = 0.0
    }

    private static func compare(_ node: Node, _ other: Node, _ inputs: [Bound]) throws -> (Bound, Divergence?) {
        let (a, b) = (try GraphCopy.doubles(node), try GraphCopy.doubles(other))
        let largest = b.reduce(0) { $1.isFinite ? Swift.max($0, Swift.abs($1)) : $0 }
        let isSource = inputs.isEmpty
        var bound = Bound()
        bound.relative = (inputs.map(\.relative).max() ?? 0) + (isSource ? 0 : 1.3e-6 * Double(GraphCopy.sumLength(node)).squareRoot())
        bound.scale = Swift.max(largest, GraphCopy.mayCancel(node) ? inputs.map(\.scale).max() ?? 0 : 0)
        let tolerance = bound.relative * bound.scale + (isSource ? 0 : 1e-6)
        var worst: (place: Int, difference: Double)?
        for place in b.indices where a[place] != b[place] && !(a[place].isNaN && b[place].isNaN) {
            let difference = Swift.abs(a[place] - b[place])
            let excess = difference.isNaN ? .infinity : difference
            if excess > tolerance, excess > worst?.difference ?? 0 { worst = (place, excess) }
        }
        return (bound, worst.map {
            Divergence(
                node: GraphCopy.describe(node), element: $0.place, value: a[$0.place], reference: b[$0.place], tolerance: tolerance)
        })
    }
}

/// The pending graph below some tensors, to be built again elsewhere.
private struct GraphCopy {
    struct Entry {
        var node: Node
        var inputs: [Int]
        var storage: Storage?
    }

    var entries: [Entry] = []
    /// Places of the tensors.
    var roots: [Int] = []

    init(of tensors: [Tensor]) {
        Node.lock.withLock { number in
            let order = Node.topologicalOrder(of: tensors.map(\.node), &number)
            roots = tensors.map(\.node.placeInOrder)
            entries = order.map { node in
                Entry(node: node, inputs: node.isComputed ? [] : node.inputs.array.map(\.placeInOrder), storage: node.storage)
            }
        }
    }

    /// The inputs that a value is said to be computed from, which do not include a composition.
    func operands(of place: Int) -> [Int] {
        if case .result = entries[place].node.primitive, let owner = entries[place].inputs.first { return operands(of: owner) }
        guard case .library(let operation) = entries[place].node.primitive else { return entries[place].inputs }
        return Array(entries[place].inputs.dropFirst(operation.resultCount))
    }

    /// Every value on the way to the tensors, inputs first; not what only stands in a composition.
    var placesOfValues: [Int] {
        var isMet = [Bool](repeating: false, count: entries.count)
        for root in roots { isMet[root] = true }
        for place in entries.indices.reversed() where isMet[place] { for operand in operands(of: place) { isMet[operand] = true } }
        return entries.indices.filter { isMet[$0] && entries[$0].node.hasOneValue }
    }

    /// The same graph with its sources on `device`, nothing computed yet.
    ///
    /// - Parameter others: the same graph computed elsewhere, whose values decide wherever rounding might.
    func nodes(on device: Device, decidingBy others: [Node]? = nil) throws -> [Node] {
        var nodes: [Node] = []
        for entry in entries {
            let node = entry.node
            if entry.storage != nil {
                nodes.append(try Self.copy(node, to: device))
                continue
            }
            var inputs = entry.inputs.map { nodes[$0] }
            if let others {
                for number in Self.decidingInputs(of: node) { inputs[number] = try Self.copy(others[entry.inputs[number]], to: device) }
            }
            nodes.append(Node(node.primitive, .many(inputs), shape: node.shape, dtype: node.dtype, device: device.tag, isTracked: true))
        }
        return nodes
    }

    private static func copy(_ node: Node, to device: Device) throws -> Node {
        var bytes = [UInt8](repeating: 0, count: node.shape.count * node.dtype.byteCount)
        try bytes.withUnsafeMutableBytes { try Tensor(node: node).copyBytes(to: $0) }
        return Node(storage: HostArray(bytes), shape: node.shape, dtype: node.dtype, device: device.tag)
    }

    /// The inputs at which a function of real numbers jumps: the least change of one may change the result by much.
    private static func decidingInputs(of node: Node) -> [Int] {
        let inputs = node.inputs.array
        let jumps =
            switch node.primitive {
            case .binary(let function): function.isComparison || function == .remainder
            case .unary(let function): [.sign, .floor, .ceil, .round].contains(function)
            case .cast: !node.dtype.isFloatingPoint
            case .reduce(let operation, _): operation.givesIndex
            default: false
            }
        // The gradient of a maximum goes to its place in x.
        if case .library(.poolingGradient(.max, _)) = node.primitive { return [1] }
        return jumps ? inputs.indices.filter { inputs[$0].dtype.isFloatingPoint } : []
    }

    static func doubles(_ node: Node) throws -> [Double] {
        let tensor = Tensor(node: node)
        switch node.dtype {
        case .float32: return try tensor.scalars(as: Float.self).map(Double.init)
        case .int32: return try tensor.scalars(as: Int32.self).map(Double.init)
        case .uint32: return try tensor.scalars(as: UInt32.self).map(Double.init)
        case .int64: return try tensor.scalars(as: Int64.self).map(Double.init)
        case .uint8: return try tensor.scalars(as: UInt8.self).map(Double.init)
        case .bool: return try tensor.scalars(as: Bool.self).map { $0 ? 1 : 0 }
        }
    }

    /// How many numbers each element of a node adds up.
    static func sumLength(_ node: Node) -> Int {
        switch node.primitive {
        case .matmul: node.inputs[0].shape.dimensions.last ?? 1
        case .reduce: Swift.max(node.inputs[0].shape.count / Swift.max(node.shape.count, 1), 1)
        case .scatterAdd: Swift.max(node.inputs[1].shape.count, 1)
        case .fold: node.inputs[0].shape.dimensions.last ?? 1
        case .library(let operation): sumLength(operation, node)
        case .result: sumLength(node.inputs[0])
        case .scan(let body): body.count * body.lines.reduce(1) { $1.source == nil ? Swift.max($0, sumLength($1.node)) : $0 }
        default: 1
        }
    }

    private static func sumLength(_ operation: LibraryOperation, _ node: Node) -> Int {
        switch operation {
        case .convolution(.forward, _, _), .convolution(.inputGradient, _, _):
            // Of a filter [K, C / groups, sizes…]: at most all of the other side's channels.
            node.inputs[2].shape.count / Swift.max(Swift.min(node.inputs[2].shape[0], node.inputs[2].shape[1]), 1)
        case .convolution(.filterGradient, _, _): node.inputs[2].shape.count / Swift.max(node.inputs[2].shape[1], 1)
        case .pooling(.sum, let windows), .poolingGradient(_, let windows): windows.size.reduce(1, *)
        case .pooling(.max, _): 1
        case .attention: Swift.max(node.inputs[2].shape[3], node.inputs[3].shape[2])
        case .recurrence, .recurrenceGradient: node.inputs[operation.resultCount].shape.count / Swift.max(node.inputs[operation.resultCount].shape[1], 1)
        case .attentionGradient: Swift.max(node.inputs[3].shape[2], node.inputs[4].shape[2]) * node.inputs[3].shape[1]
        }
    }

    /// Whether a result can be small though its inputs are large.
    static func mayCancel(_ node: Node) -> Bool {
        switch node.primitive {
        case .binary, .matmul, .library, .result, .reduce, .fold, .scatterAdd, .unary(.sin), .unary(.cos), .unary(.log), .unary(.log1p): true
        default: false
        }
    }

    static func describe(_ node: Node) -> String {
        let inputs = node.inputs.array.map { "\($0.dtype) \($0.shape)" }.joined(separator: ", ")
        return "\(node.primitive) of \(inputs) giving \(node.dtype) \(node.shape)"
    }
}
