import SomaBackend

/// How a product is computed.
public enum MatmulChoice: Hashable, Sendable {
    /// By matmul.cl with these parameters.
    case tile(MatmulTile)
    /// By CLBlast, where it is installed and the step has no epilogue; else as if nothing had been chosen.
    case clblast
}

/// Choices for classes of products, found by measuring on one device. Two products are of one class when their extents agree to a factor of two.
public struct MatmulTuning: Hashable, Sendable {
    /// The bits of the extents, and how the factors lie.
    struct ShapeClass: Hashable, Sendable {
        var batch, m, n, k: Int
        var isTransposedA, isTransposedB: Bool

        init(_ step: MatmulStep) {
            let bits = { (extent: Int) in Int.bitWidth - max(extent - 1, 0).leadingZeroBitCount }
            (batch, m, n, k) = (bits(step.batch), bits(step.m), bits(step.n), bits(step.k))
            isTransposedA = step.a.access.strides[2] != 1
            isTransposedB = step.b.access.strides[2] != 1
        }
    }

    private var choices: [ShapeClass: MatmulChoice] = [:]

    public init() {}

    public subscript(step: MatmulStep) -> MatmulChoice? {
        get { choices[ShapeClass(step)] }
        set { choices[ShapeClass(step)] = newValue }
    }

    public var isEmpty: Bool { choices.isEmpty }
}

extension MatmulChoice: CustomStringConvertible, LosslessStringConvertible {
    /// `clblast`, or `tile MxNxK AxB/S`: the tile, what a work-item makes of it, and into how many segments k is cut.
    public var description: String {
        switch self {
        case .tile(let tile): "tile \(tile.m)x\(tile.n)x\(tile.k) \(tile.threadM)x\(tile.threadN)/\(tile.segments)"
        case .clblast: "clblast"
        }
    }

    /// `nil` for what `description` never gives, and for a tile that the kernel cannot be built with.
    public init?(_ description: String) {
        if description == "clblast" {
            self = .clblast
            return
        }
        guard description.hasPrefix("tile ") else { return nil }
        let numbers = description.dropFirst(5).split { "x /".contains($0) }.map { Int($0) }
        guard numbers.count == 6, case let known = numbers.compactMap({ $0 }), known.count == 6 else { return nil }
        let tile = MatmulTile(m: known[0], n: known[1], k: known[2], threadM: known[3], threadN: known[4], segments: known[5])
        guard tile.isValid else { return nil }
        self = .tile(tile)
    }
}

extension MatmulTile {
    /// Whether matmul.cl can be built with these parameters: whole 4×4 blocks, warps of 4 × 8 work-items, whole quads to carry.
    var isValid: Bool {
        guard [m, n, k, threadM, threadN, segments].allSatisfy({ $0 > 0 && $0 <= 1024 }), threadM % 4 == 0, threadN % 4 == 0, k % 4 == 0,
            m % threadM == 0, n % threadN == 0, m / threadM % 4 == 0, n / threadN % 8 == 0
        else { return false }
        return m * k % (4 * items) == 0 && n * k % (4 * items) == 0
    }
}

extension StepPlanner {
    /// How a product is computed: as measured, if that was done and fits the device; else as shipped.
    func choice(for step: MatmulStep) -> MatmulChoice {
        switch tuning[step] {
        case .tile(let tile) where tile.isValid && tile.fits(traits): .tile(tile)
        case .clblast: .clblast
        case .tile, nil: .tile(MatmulTile(for: step, traits))
        }
    }
}
