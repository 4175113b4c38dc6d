import SomaGraph

/// Runs `body` once for each element of sequences along their first axis: each time it gets the states that the time before has left.
///
/// The body is built once, however long the sequences are; it takes memory and time to compile for one step. Gradients of every order pass
/// through it. What it reads from outside is the same at every step, random numbers that were drawn there too; those that it draws itself
/// differ from step to step. It cannot assign a `State`: pass one as a state, and assign what comes out.
///
/// ```swift
/// let (states, outputs) = scan(over: [x], from: [Tensor.zeros([batch, units])]) { states, elements in
///     let h = tanh(matmul(elements[0], w) + matmul(states[0], u))
///     return ([h], [h])
/// }
/// ```
/// - Parameters:
///   - sequences: [count, …], at least one; all of one count, at least 1.
///   - initial: the states of the first step, of any shapes.
///   - reversed: whether the last elements come first. What is stacked keeps the order of the sequences.
///   - body: gives the next states, of the shapes and dtypes of the states, and outputs of any shapes.
/// - Returns: the states after the last step, and each output stacked: [count, …].
public func scan(
    over sequences: [Tensor], from initial: [Tensor], reversed: Bool = false, file: StaticString = #fileID, line: UInt = #line,
    _ body: (_ states: [Tensor], _ elements: [Tensor]) throws -> (states: [Tensor], outputs: [Tensor])
) rethrows -> (states: [Tensor], outputs: [Tensor]) {
    guard let first = sequences.first, first.rank > 0, first.shape[0] > 0 else {
        programError("scan", "there must be a sequence of at least one element", file: file, line: line)
    }
    let (count, device) = (first.shape[0], first.node.device)
    for (index, sequence) in sequences.enumerated() where sequence.rank == 0 || sequence.shape[0] != count {
        programError("scan", "sequence \(index) is \(sequence.shape), and the first has \(count) elements", file: file, line: line)
    }
    if (sequences + initial).contains(where: { $0.node.device != device }) {
        programError("scan", "sequences and states lie on several devices", file: file, line: line)
    }
    let states = initial.map { Node.scanPlaceholder($0.shape, $0.dtype, device: device) }
    let elements = sequences.map { Node.scanPlaceholder(Shape(Array($0.shape.dimensions.dropFirst())), $0.dtype, device: device) }
    let draws = RandomDraws()
    let (next, outputs) = try draws.recording { try body(states.map { Tensor(node: $0) }, elements.map { Tensor(node: $0) }) }
    guard next.count == initial.count else {
        programError("scan", "the body gives \(next.count) states, and there are \(initial.count)", file: file, line: line)
    }
    for (index, (old, new)) in zip(initial, next).enumerated() where old.shape != new.shape || old.dtype != new.dtype {
        programError(
            "scan", "state \(index) is \(old.dtype) \(old.shape), and the body makes it \(new.dtype) \(new.shape)", file: file, line: line)
    }
    if (next + outputs).contains(where: { $0.node.device != device }) {
        programError("scan", "the body computes on another device than that of the sequences", file: file, line: line)
    }
    let scan = Node.scan(
        count: count, isReversed: reversed, placeholders: (states, elements), initial: initial.map(\.node), sequences: sequences.map(\.node),
        nextStates: next.map(\.node), roots: outputs.map(\.node), draws: draws.counters, device: device)
    guard case .scan(let built) = scan.primitive else { programError("scan", "no scan", file: file, line: line) }
    return (
        next.indices.map { Tensor(node: .scanResult(scan, .state($0))) },
        outputs.map { output in
            guard let line = built.line(of: output.node) else { programError("scan", "an output that is not computed") }
            return Tensor(node: .scanResult(scan, .stacked(line: line)))
        }
    )
}
