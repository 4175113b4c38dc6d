import SomaGraph

/// A watch over losses on the device, which needs no reading at each step.
final class LossWatch: Sendable {
    let names: [String]
    /// Whose updates are counted where a loss is nobody's.
    let optimizer: Optimizer
    /// For each loss the sum over the samples since it was last read.
    private let sums: [State]
    /// For each loss the number of the first update whose loss was not finite; 0 for none.
    private let brokenUpdates: [State]

    private var device: Device { optimizer.arena.device }

    init(_ names: [String], _ optimizer: Optimizer) {
        (self.names, self.optimizer) = (names, optimizer)
        let device = optimizer.arena.device
        sums = names.map { _ in State(Tensor([Float(0)], shape: .scalar, device: device)) }
        brokenUpdates = names.map { _ in State(Tensor([Int32(0)], shape: .scalar, device: device)) }
    }

    /// The loss that a player minimises where it is not said which.
    func defaultName(of player: Player) -> String { names.count == 1 ? names[0] : "\(player.name)_loss" }

    /// - Parameter optimizer: whose update by the loss follows.
    func note(_ loss: Tensor, index: Int, sampleCount: Int, before optimizer: Optimizer) {
        sums[index].assign(sums[index].tensor + loss.withoutGradient() * Double(sampleCount))
        let number = hostScalar(.int32, on: device) { Double(optimizer.updateCount + 1) }
        let broken = brokenUpdates[index]
        let isFirst = (.!(abs(loss) .< .infinity)) .&& (broken.tensor .== 0)
        broken.assign(.select(isFirst, number, broken.tensor))
    }

    /// For each loss the sum over the samples since it was last set to 0; waits for the updates.
    /// - Throws: `SomaError` that tells the first update whose loss was NaN or infinite; `BackendError`.
    func read() throws -> [Double] {
        let values = try sums.map { try $0.tensor.item() }
        for (index, value) in values.enumerated() where !value.isFinite { throw SomaError(try problem(index, value)) }
        return values
    }

    /// Continues the sums from other values.
    func set(_ values: [Double]) {
        for (state, value) in zip(sums, values) { state.assign(Tensor([Float(value)], shape: .scalar, device: device)) }
    }

    private func problem(_ index: Int, _ sum: Double) throws -> String {
        let number = Int(try brokenUpdates[index].tensor.item())
        let what = sum.isNaN ? "NaN" : "infinite"
        let name = names[index].replacing("_", with: " ")
        return number > 0 ? "the \(name) became \(what) at step \(number)" : "the sum of the \(name) became \(what)"
    }
}
