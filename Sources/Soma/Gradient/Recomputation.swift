import SomaGraph
import Synchronization

/// block(x), of which the backward pass keeps x alone: when it comes to the block, what is inside is computed again, with the same
/// random numbers, and released after. A network of many blocks trains in the memory of one, at the price of a second forward pass.
///
/// Running statistics follow the first pass only. A gradient through it cannot be differentiated again. In inference it is block(x).
///
/// T. Chen, B. Xu, C. Zhang, C. Guestrin, *Training Deep Nets with Sublinear Memory Cost*, 2016.
/// - Parameter block: a layer whose value depends on x and its own parameters only.
public func recomputed(_ block: some Layer, _ x: Tensor, file: StaticString = #fileID, line: UInt = #line) -> Tensor {
    if Mode.current == .inference { return block(x) }
    let parameters = block.parameters
    let draws = RandomDraws()
    let value = draws.recording { block(x) }
    return withCustomGradient(of: [x] + parameters.map(\.tensor)) { _ in value } pullback: { gradient, inputs, _ in
        let weights = Array(inputs.dropFirst())
        guard zip(parameters, weights).allSatisfy({ $0.tensor.node === $1.node }) else {
            programError("recomputed", "parameters of the block changed before the gradient was taken", file: file, line: line)
        }
        let again = inputs[0].waiting(for: gradient).withoutGradient()
        let output = withDevice(x.device) { withTraining { Recomputation.underWay { draws.repeated { block(again) } } } }
        return Soma.gradient(of: output, withRespectTo: [again] + weights, seed: gradient, file: file, line: line)
    }
}

extension Tensor {
    /// These values, which are not there before `other` is: NaN if that begins with one.
    fileprivate func waiting(for other: Tensor) -> Tensor {
        if other.count == 0 { return self }
        let first = other.flattened().block(at: [0], of: [1]).reshaped(to: .scalar)
        return .select(first .== first, self, operand(.nan, "recomputed"))
    }
}

/// Whether a block is being computed a second time, for its gradient.
enum Recomputation {
    @TaskLocal static var isUnderWay = false

    static func underWay<Result>(_ body: () throws -> Result) rethrows -> Result {
        try $isUnderWay.withValue(true, operation: body)
    }
}

/// The draws from random generators while a block was built, to be made again.
final class RandomDraws: Sendable {
    /// What makes the words of a draw: the key's halves, and the counter.
    struct Draw: Sendable {
        let key0, key1, counter: Tensor
    }

    private struct Contents {
        var draws: [Draw] = []
        var next = 0
    }

    private let contents = Mutex(Contents())
    /// Those that take note, blocks within blocks.
    @TaskLocal private static var recorders: [RandomDraws] = []
    @TaskLocal private static var source: RandomDraws?

    init() {}

    private init(repeating draws: [Draw]) { contents.withLock { $0.draws = draws } }

    func recording<Result>(_ body: () throws -> Result) rethrows -> Result {
        try Self.$recorders.withValue(Self.recorders + [self], operation: body)
    }

    /// What tells the draws that were recorded from all others.
    var counters: [Node] { contents.withLock { $0.draws.map(\.counter.node) } }

    /// Runs `body` with the draws that were recorded, from the first on.
    func repeated<Result>(_ body: () throws -> Result) rethrows -> Result {
        let source = RandomDraws(repeating: contents.withLock { $0.draws })
        return try Self.$source.withValue(source, operation: body)
    }

    /// The draw that is made now: one made before where a block is computed again, else a new one.
    static func draw(_ new: () -> Draw) -> Draw {
        let draw = source?.following() ?? new()
        for recorder in recorders { recorder.contents.withLock { $0.draws.append(draw) } }
        return draw
    }

    private func following() -> Draw? {
        contents.withLock { contents in
            guard contents.next < contents.draws.count else { return nil }
            defer { contents.next += 1 }
            return contents.draws[contents.next]
        }
    }
}
