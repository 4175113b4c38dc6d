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
    /// For each of several losses how many updates all players together had made then, which tells the loss that broke first.
    private let brokenTimes: [State]
    private let optimizers: [Optimizer]

    private var device: Device { optimizer.arena.device }

    /// - Parameter optimizers: those of all players, the first of which counts for losses that are nobody's.
    init(_ names: [String], _ optimizers: [Optimizer]) {
        (self.names, self.optimizers, optimizer) = (names, optimizers, optimizers[0])
        let device = optimizer.arena.device
        sums = names.map { _ in State(Tensor([Float(0)], shape: .scalar, device: device)) }
        brokenUpdates = names.map { _ in State(Tensor([Int32(0)], shape: .scalar, device: device)) }
        brokenTimes = names.count == 1 ? [] : names.map { _ in State(Tensor([Int32(0)], shape: .scalar, device: device)) }
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
        guard names.count > 1 else { return }
        let time = hostScalar(.int32, on: device) { [optimizers] in Double(optimizers.reduce(0) { $0 + $1.updateCount }) }
        brokenTimes[index].assign(.select(isFirst, time, brokenTimes[index].tensor))
    }

    /// For each loss the sum over the samples since it was last set to 0; waits for the updates.
    /// - Throws: `SomaError` that tells the first update whose loss was NaN or infinite, and of several losses the one that was first; `BackendError`.
    func read() throws -> [Double] {
        let values = try sums.map { try $0.tensor.item() }
        let broken = values.indices.filter { !values[$0].isFinite }
        if broken.isEmpty { return values }
        let first = try broken.count == 1 ? broken[0] : broken.map { (time: try time($0), index: $0) }.min { $0 < $1 }?.index ?? broken[0]
        throw SomaError(try problem(first, values[first]))
    }

    /// When a loss was first not finite; what only its sum became comes last.
    private func time(_ index: Int) throws -> Double {
        try brokenUpdates[index].tensor.item() > 0 ? brokenTimes[index].tensor.item() : .infinity
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
