import SomaBackend

/// Tile parameters of matmul.cl, and into how many segments k is cut.
public struct MatmulTile: Hashable, Sendable {
    var m, n, k: Int
    var threadM, threadN: Int
    var segments = 1

    var items: Int { m / threadM * (n / threadN) }

    /// The shapes that ship. `large` has the least traffic for each product; the others keep a device busy where C is small or narrow.
    static let large = MatmulTile(m: 128, n: 128, k: 16, threadM: 8, threadN: 8)
    static let small = MatmulTile(m: 64, n: 64, k: 16, threadM: 8, threadN: 8)
    static let flat = MatmulTile(m: 32, n: 128, k: 16, threadM: 4, threadN: 8)
    static let narrow = MatmulTile(m: 128, n: 32, k: 16, threadM: 8, threadN: 4)

    var definitions: [(String, String)] {
        [("TILE_M", m), ("TILE_N", n), ("TILE_K", k), ("THREAD_M", threadM), ("THREAD_N", threadN)].map { ($0.0, "\($0.1)") }
    }

    /// Bytes of local memory, with two tiles of each operand and four floats of padding a row.
    var localMemoryBytes: Int { 2 * k * (m + 4 + n + 4) * 4 }

    func groups(_ step: MatmulStep) -> Int { step.batch * ((step.m + m - 1) / m) * ((step.n + n - 1) / n) }

    /// The shipped choice.
    init(for step: MatmulStep, _ traits: DeviceTraits) {
        let units = traits.computeUnits
        if step.m <= 32 {
            self = .flat
        } else if step.n <= 32 {
            self = .narrow
        } else if Self.large.groups(step) >= units && Self.large.fits(traits) {
            self = .large
        } else {
            self = .small
        }
        // A product with fewer tiles than the device has units is cut along k, each segment long enough to be worth a second launch.
        let wanted = units * 2 / max(groups(step), 1)
        if groups(step) < units { segments = max(1, min(wanted, step.k / 256, 64)) }
    }

    init(m: Int, n: Int, k: Int, threadM: Int, threadN: Int, segments: Int = 1) {
        (self.m, self.n, self.k, self.threadM, self.threadN, self.segments) = (m, n, k, threadM, threadN, segments)
    }

    func fits(_ traits: DeviceTraits) -> Bool { items <= traits.maximumWorkGroupSize && localMemoryBytes <= traits.localMemoryBytes }
}
