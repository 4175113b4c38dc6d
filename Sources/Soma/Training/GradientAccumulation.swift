import SomaGraph

/// Gradients of the parts of a batch, added up before an update.
///
/// With the parts' mean losses weighted by their shares of the samples, the sum is the gradient of the mean over the batch.
struct GradientAccumulation: Sendable {
    private let optimizer: Optimizer
    private let partSize: Int
    /// The sum so far, over all parameters as they lie in the arena.
    private let sum: State
    private let updating: CompiledStep

    init(_ optimizer: Optimizer, partSize: Int) {
        (self.optimizer, self.partSize) = (optimizer, partSize)
        let sum = State(.zeros([optimizer.arena.count], device: optimizer.arena.device))
        self.sum = sum
        updating = CompiledStep { _ in
            try withDevice(optimizer.arena.device) { try optimizer.update(withFlat: sum.tensor) }
            return []
        }
    }

    /// The rows of each part; the last may have fewer.
    func parts(of count: Int) -> [Range<Int>] {
        stride(from: 0, to: count, by: partSize).map { $0..<min($0 + partSize, count) }
    }

    /// What a captured step takes besides its samples.
    func scalars(share: Double, isFirst: Bool) throws -> [Tensor] {
        [Float(share), isFirst ? 1 : 0].map { Tensor([$0], shape: .scalar, device: optimizer.arena.device) }
    }

    /// Adds the gradient of a part, or begins with it.
    func add(_ gradient: Tensor, _ scalars: [Tensor]) {
        let before = Tensor.select(scalars[1] .> 0, .zeros(like: gradient), sum.tensor)
        sum.assign(before + gradient * scalars[0])
    }

    func update() throws { _ = try updating([]) }

    var programs: [ProgramSummary] { updating.programs }
}
