import Kernels
import SomaBackend
import SomaGraph

/// Tile parameters of matmul.cl and matmul_cpu.cl, and into how many segments k is cut.
public struct MatmulTile: Hashable, Sendable {
    /// Rows and columns of C that a work-group makes, and its steps along k; on a processor k is what is packed at once.
    var m, n, k: Int
    /// Rows and columns of C that a work-item holds at a time.
    var threadM, threadN: Int
    var segments = 1

    var items: Int { m / threadM * (n / threadN) }

    /// - Parameter unroll: steps of the depth that are written out one after the other.
    func definitions(unroll: Int) -> [(String, String)] {
        [("TILE_M", m), ("TILE_N", n), ("TILE_K", k), ("THREAD_M", threadM), ("THREAD_N", threadN), ("UNROLL", k % unroll == 0 ? unroll : 4)]
            .map { ($0.0, "\($0.1)") }
    }

    /// Bytes of local memory, with two tiles of each operand and four floats of padding a row; in convolution.cl with taps and columns besides,
    /// of up to 32 bytes each.
    func localMemoryBytes(isConvolution: Bool) -> Int { 2 * k * (m + 4 + n + 4) * 4 + (isConvolution ? 32 * (2 * k + n + 1) : 0) }

    func groups(batch: Int, m rows: Int, n columns: Int) -> Int { batch * ((rows + m - 1) / m) * ((columns + n - 1) / n) }

    /// Whether the device's kernel can be built with these parameters and run there.
    func fits(_ traits: DeviceTraits, isConvolution: Bool = false) -> Bool {
        if traits.isCPU { return isForCPU }
        return isForGPU && items <= traits.maximumWorkGroupSize && localMemoryBytes(isConvolution: isConvolution) <= traits.localMemoryBytes
    }

    /// For GPUs on which none fits of those that ship for them, the largest first: 128, 64 and 32 work-items.
    static let fallbacks = [
        MatmulTile(m: 32, n: 64, k: 16, threadM: 4, threadN: 4), MatmulTile(m: 32, n: 32, k: 8, threadM: 4, threadN: 4), least,
    ]
    /// As small as the kernels can be built for.
    static let least = MatmulTile(m: 16, n: 32, k: 8, threadM: 4, threadN: 4)

    /// Whether matmul_cpu.cl can be built with these: whole panels of 8 × 32, which its text counts on.
    private var isForCPU: Bool { isInRange && threadM == 8 && threadN == 32 && n == 32 && m % 8 == 0 && m <= 256 && k <= 512 && segments == 1 }

    /// Whether matmul.cl can be built with these: whole 4×4 blocks, warps of 4 × 8 work-items, whole quads to carry.
    private var isForGPU: Bool {
        guard isInRange, threadM % 4 == 0, threadN % 4 == 0, k % 4 == 0, m % threadM == 0, n % threadN == 0,
            m / threadM % 4 == 0, n / threadN % 8 == 0
        else { return false }
        return m * k % (4 * items) == 0 && n * k % (4 * items) == 0
    }

    private var isInRange: Bool { [m, n, k, threadM, threadN, segments].allSatisfy { (1...1024).contains($0) } }
}

extension MatmulTile: CustomStringConvertible, LosslessStringConvertible {
    /// `MxNxK/AxB`: the tile, and what a work-item makes of it; `/S` more where k is cut into S segments.
    public var description: String { "\(m)x\(n)x\(k)/\(threadM)x\(threadN)" + (segments > 1 ? "/\(segments)" : "") }

    /// `nil` for what `description` never gives, and for a tile that no kernel can be built with.
    public init?(_ description: String) {
        var numbers = description.split { "x/".contains($0) }.compactMap { Int($0) }
        if numbers.count == 5 { numbers.append(1) }
        guard numbers.count == 6 else { return nil }
        (m, n, k, threadM, threadN, segments) = (numbers[0], numbers[1], numbers[2], numbers[3], numbers[4], numbers[5])
        guard isForGPU || isForCPU, self.description == description else { return nil }
    }
}

/// The tiles that a class of devices uses where nothing was measured: a line of Kernels/tuning/matmul.txt, which says what each is for, or
/// of convolution.txt.
struct ShippedTiles: Hashable {
    let groupsPerUnit: Int
    let large, small: MatmulTile
    var flat, narrow: MatmulTile?

    /// The line of a device's class.
    static func forDevice(_ traits: DeviceTraits, in table: [String: ShippedTiles] = table) -> ShippedTiles { table.row(for: traits) }

    /// Every line of matmul.txt by its class.
    static let table = shippedTable(kernel_matmul_tiles()) { ShippedTiles($0) }
    /// Every line of convolution.txt.
    static let convolutions = shippedTable(kernel_convolution_tiles()) { ShippedTiles($0) }

    /// One tile for everything.
    init(_ tile: MatmulTile) { (groupsPerUnit, large, small, flat, narrow) = (1, tile, tile, tile, tile) }

    private init?(_ words: ArraySlice<String>) {
        let tiles = words.dropFirst().compactMap { MatmulTile($0) }
        guard let groups = words.first.flatMap({ Int($0) }), tiles.count == words.count - 1, tiles.count == 2 || tiles.count == 4 else { return nil }
        (groupsPerUnit, large, small) = (groups, tiles[0], tiles[1])
        if tiles.count == 4 { (flat, narrow) = (tiles[2], tiles[3]) }
    }

    func tile(for step: MatmulStep, _ traits: DeviceTraits) -> MatmulTile { tile(batch: step.batch, m: step.m, n: step.n, k: step.k, traits) }

    func tile(batch: Int, m: Int, n: Int, k: Int, isConvolution: Bool = false, _ traits: DeviceTraits) -> MatmulTile {
        let units = traits.computeUnits
        let wanted = if let flat, m <= 32 { flat } else if let narrow, n <= 32 { narrow } else { large }
        let isEnough = wanted != large || large.groups(batch: batch, m: m, n: n) >= units * groupsPerUnit
        let wishes = (isEnough ? [wanted] : []) + [small] + MatmulTile.fallbacks
        var tile = wishes.first { $0.fits(traits, isConvolution: isConvolution) } ?? small
        // A product with fewer tiles than the device has units is cut along k, each segment long enough to be worth a second launch.
        let groups = tile.groups(batch: batch, m: m, n: n)
        if !traits.isCPU && groups < units { tile.segments = max(1, min(units * 2 / max(groups, 1), k / 256, 64)) }
        return tile
    }
}
