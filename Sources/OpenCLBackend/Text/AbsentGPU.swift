import SomaBackend

/// A GPU that need not be here: what it would say about itself, as far as that decides its kernels.
///
/// For those who judge kernels with a compiler alone; see scripts/kernel-report.
public struct AbsentGPU: Sendable {
    private let planner: StepPlanner

    /// A GPU by the facts that decide its kernels.
    /// - Parameters:
    ///   - vendor: as OpenCL has it: `NVIDIA Corporation`, `Advanced Micro Devices, Inc.`
    ///   - computeUnits: decides where a tile leaves units idle, so that a smaller one is taken.
    public init(vendor: String, computeUnits: Int, maximumWorkGroupSize: Int, localMemoryBytes: Int) {
        planner = StepPlanner(
            traits: DeviceTraits(
                isCPU: false, computeUnits: computeUnits, maximumWorkGroupSize: maximumWorkGroupSize, localMemoryBytes: localMemoryBytes,
                isNVIDIA: vendor.hasPrefix("NVIDIA"), vendor: vendor))
    }

    /// What the compiler must know of every OpenCL device.
    public var capabilities: Capabilities { StepPlanner.capabilities }

    /// The kernels that a step is launched as where nothing was measured, in order.
    /// - Throws: `BackendError.unsupported`.
    public func programs(for step: Step) throws -> [KernelProgram] { try planner.launches(step).map { KernelProgram($0) } }

    /// The kernels that measure what a device is capable of, those of 16 bits last.
    public var peakPrograms: [KernelProgram] {
        let source = planner.peakSource()
        let names = source.matches(of: /kernel void (\w+)\(/).map { String($0.output.1) }
        return names.map { KernelProgram(entry: $0, source: source, groupSize: planner.groupSize) } + [
            KernelProgram(
                entry: "soma_peak_multiply_adds", source: planner.peakSource(number: "half2", isHalf: true), groupSize: planner.groupSize)
        ]
    }

    // MARK: What ships

    /// A file in Kernels/tuning that tells of tiles.
    public enum TileTable: Sendable {
        /// Matrix products, of matmul.txt.
        case matmul
        /// Convolutions as products, of convolution.txt.
        case convolution
    }

    /// A column of such a file, and rows and columns of products that take its tile.
    public struct TiledProduct: Sendable {
        /// `large`, `small`, `flat` or `narrow`.
        public let column: String
        /// Rows and columns of the product.
        public let m, n: Int
    }

    /// Products that keep the device busy, one for each column of the device's line.
    /// - Parameter products: how many of them are computed at once.
    public func tiledProducts(_ table: TileTable, products: Int = 1) -> [TiledProduct] {
        let (line, units) = (tiles(table), planner.traits.computeUnits)
        let enough = units * line.groupsPerUnit
        let side = Int(Double(enough).squareRoot().rounded(.up))
        return [
            TiledProduct(column: "large", m: line.large.m * side, n: line.large.n * side),
            TiledProduct(column: "small", m: line.large.m, n: line.large.n * max(1, (enough - 1) / products)),
        ] + slimProducts(line, tiles: units)
    }

    /// Products with so few tiles that their depth is cut into segments.
    public func splitProducts(_ table: TileTable) -> [TiledProduct] {
        let line = tiles(table)
        return [TiledProduct(column: "small", m: line.small.m * 2, n: line.small.n * 2)] + slimProducts(line, tiles: 1)
    }

    /// Those of few rows and those of few columns, so many tiles long.
    private func slimProducts(_ line: ShippedTiles, tiles: Int) -> [TiledProduct] {
        let flat = line.flat.map { TiledProduct(column: "flat", m: 32, n: $0.n * tiles) }
        let narrow = line.narrow.map { TiledProduct(column: "narrow", m: $0.m * tiles, n: 32) }
        return [flat, narrow].compactMap(\.self)
    }

    private func tiles(_ table: TileTable) -> ShippedTiles {
        switch table {
        case .matmul: planner.shipped
        case .convolution: planner.convolutionTiles
        }
    }

    /// How many work-items may share a sum, of reduce.txt; 1 for sums that are shorter than any of these is meant for.
    public var reductionLanes: [Int] { [1] + planner.reductions.lanes }
}
