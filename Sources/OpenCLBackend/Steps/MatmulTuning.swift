import SomaBackend

/// How a product is computed.
public enum MatmulChoice: Hashable, Sendable {
    /// By matmul.cl, on a processor matmul_cpu.cl, with these parameters.
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
    }

    private(set) var choices: [ShapeClass: MatmulChoice] = [:]

    public init() {}

    public subscript(step: MatmulStep) -> MatmulChoice? {
        get { choices[ShapeClass(step)] }
        set { choices[ShapeClass(step)] = newValue }
    }

    public var isEmpty: Bool { choices.isEmpty }

    /// Adds a choice; `false` where the class had one.
    mutating func insert(_ choice: MatmulChoice, for shape: ShapeClass) -> Bool { choices.updateValue(choice, forKey: shape) == nil }
}

extension MatmulTuning.ShapeClass {
    init(_ step: MatmulStep) {
        let bits = { (extent: Int) in Int.bitWidth - max(extent - 1, 0).leadingZeroBitCount }
        (batch, m, n, k) = (bits(step.batch), bits(step.m), bits(step.n), bits(step.k))
        isTransposedA = step.a.access.strides[2] != 1
        isTransposedB = step.b.access.strides[2] != 1
    }
}

extension MatmulChoice: CustomStringConvertible, LosslessStringConvertible {
    /// `clblast`, or the tile.
    public var description: String {
        switch self {
        case .tile(let tile): tile.description
        case .clblast: "clblast"
        }
    }

    /// `nil` for what `description` never gives, and for a tile that no kernel can be built with.
    public init?(_ description: String) {
        if description == "clblast" {
            self = .clblast
        } else if let tile = MatmulTile(description) {
            self = .tile(tile)
        } else {
            return nil
        }
    }
}

extension MatmulTuning.ShapeClass: CustomStringConvertible, LosslessStringConvertible {
    /// The greatest extents `BATCH M N K` of the class, and for A and B `n`, or `t` where it lies transposed: `1 1024 512 64 nt`.
    var description: String {
        let letters = [isTransposedA, isTransposedB].map { $0 ? "t" : "n" }.joined()
        return [batch, m, n, k].map { "\(1 << $0) " }.joined() + letters
    }

    /// `nil` for what `description` never gives.
    init?(_ description: String) {
        let words = description.split(separator: " ")
        let extents = words.dropLast().compactMap { Int($0) }.filter { $0 > 0 }
        guard words.count == 5, extents.count == 4, let letters = words.last else { return nil }
        let bits = extents.map(\.trailingZeroBitCount)
        (batch, m, n, k) = (bits[0], bits[1], bits[2], bits[3])
        (isTransposedA, isTransposedB) = (letters.first == "t", letters.last == "t")
        guard self.description == description else { return nil }
    }
}

extension StepPlanner {
    /// How a product is computed: as measured, if that was done and fits the device; else as shipped.
    func choice(for step: MatmulStep) -> MatmulChoice {
        switch tuning[step] {
        case .tile(let tile) where tile.fits(traits): .tile(tile)
        case .clblast: .clblast
        case .tile, nil: .tile(shipped.tile(for: step, traits))
        }
    }
}
