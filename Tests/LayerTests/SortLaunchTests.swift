import Soma
import SomaBackend
import Testing

/// What an order costs: two launches for each step of the network, and memory for a few copies of the elements.
@Suite struct SortLaunchTests {
    /// The launches of a sort of `shape` along its last axis, and the bytes that are live at most beside the elements' own.
    private func cost(_ shape: Shape, _ method: SortMethod) throws -> (launches: [String], bytes: Int) {
        let (device, backend) = recording()
        let x = Tensor([Float](repeating: 1, count: shape.count), shape: shape, device: device)
        try x.realize()
        let order = x.order(alongAxis: shape.rank - 1, descending: false, by: method)
        backend.reset()
        let before = backend.memory.live
        backend.forgetPeak()
        try order.realize()
        return (backend.launches, backend.memory.peak - before)
    }

    @Test func comparisonsAreNotKept() throws {
        let cost = try cost([500, 64], .comparison)
        // Two counts, and what is brought into order for them; n² comparisons would be 500 · 64 · 64.
        #expect(cost.launches.filter { $0 == "reduce" }.count == 2 && cost.launches.count <= 6)
        #expect(cost.bytes <= 6 * 4 * 500 * 64)
    }

    @Test func aNetworkTakesAFewCopies() throws {
        let cost = try cost([500, 64], .network)
        // Six sizes of blocks: 1 + 2 + … + 6 steps, each of the keys and of their places.
        #expect(cost.launches.count <= 2 * 21 + 5)
        #expect(cost.bytes <= 8 * 4 * 500 * 64)
    }
}
