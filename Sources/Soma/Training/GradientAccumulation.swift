import SomaGraph

/// Gradients of the parts of a batch, added up before an update.
///
/// With the parts' mean losses weighted by their shares of the samples, the sum is the gradient of the mean over the batch. For means over something
/// else than samples see `PartialMeans`.
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

    /// What the captured step of a part takes besides its samples.
    struct Part {
        /// Its share of the samples.
        let share: Tensor
        /// Above 0 for the first part.
        let isFirst: Tensor
        /// Of the means that are not over samples the divisors over all parts, where there are such.
        let divisors: Tensor?

        init(share: Double, isFirst: Bool, divisors: Tensor?, device: Device) {
            func number(_ value: Float) -> Tensor { Tensor([value], shape: .scalar, device: device) }
            (self.share, self.isFirst, self.divisors) = (number(Float(share)), number(isFirst ? 1 : 0), divisors)
        }

        var tensors: [Tensor] { [share, isFirst] + [divisors].compactMap { $0 } }

        init(_ tensors: ArraySlice<Tensor>) {
            let tensors = Array(tensors)
            (share, isFirst, divisors) = (tensors[0], tensors[1], tensors.count > 2 ? tensors[2] : nil)
        }

        /// Runs `body`, which builds the step of a part, such that the parts' losses times their shares add up to that of the batch.
        func within(_ body: () throws -> Void) rethrows {
            guard let divisors else { return try body() }
            try PartialMeans(share: share, divisors: divisors).within(body)
        }
    }

    /// Adds the gradient of a part, or begins with it.
    func add(_ gradient: Tensor, _ part: Part) {
        let before = Tensor.select(part.isFirst .> 0, .zeros(like: gradient), sum.tensor)
        sum.assign(before + gradient * part.share)
    }

    func update() throws { _ = try updating([]) }

    var programs: [ProgramSummary] { updating.programs }
}
