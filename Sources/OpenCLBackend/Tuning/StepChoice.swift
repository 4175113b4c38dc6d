/// How steps of a class are computed.
public enum StepChoice: Hashable, Sendable {
    /// By matmul.cl or convolution.cl, on a processor by matmul_cpu.cl or convolution_cpu.cl, with these parameters.
    case tile(MatmulTile)
    /// A product by CLBlast, where it is installed and the step has no epilogue; else as if nothing had been chosen.
    case clblast
    /// A convolution by Winograd's algorithm, where it can be; else as if nothing had been chosen.
    case winograd
    /// A reduction spread over work-items in this shape.
    case reduction(ReduceShape)
    /// Elementwise operations spread over work-items in this shape.
    case map(MapShape)
}

/// How a reduction is spread over a device; see the pictures in reduce.cl and reduce_cpu.cl.
public struct ReduceShape: Hashable, Sendable {
    /// Work-items that share a sum; on a processor partial results of one sum.
    var lanes: Int
    /// Sums of a work-group; on a processor of a work-item.
    var places: Int
    /// Into how many parts the inner domain is cut at least.
    var segments = 1

    func fits(_ traits: DeviceTraits) -> Bool {
        guard (1...1024).contains(lanes), lanes & (lanes - 1) == 0, (1...1 << 20).contains(places), (1...1024).contains(segments) else { return false }
        return traits.isCPU ? lanes <= 256 : lanes * places <= traits.maximumWorkGroupSize
    }
}

/// How a chain of elementwise operations is spread over a device.
public struct MapShape: Hashable, Sendable {
    /// Work-items of a work-group; on a processor 1.
    var group: Int
    /// What a work-item computes: on a processor so many positions, elsewhere so many vectors of up to four neighbours.
    var share: Int

    func fits(_ traits: DeviceTraits) -> Bool {
        if traits.isCPU { return group == 1 && (64...1 << 30).contains(share) }
        return (1...traits.maximumWorkGroupSize).contains(group) && (1...64).contains(share)
    }
}

extension StepChoice {
    func fits(_ traits: DeviceTraits) -> Bool {
        switch self {
        case .tile(let tile): tile.fits(traits)
        case .reduction(let shape): shape.fits(traits)
        case .map(let shape): shape.fits(traits)
        case .clblast, .winograd: true
        }
    }
}

extension StepChoice: CustomStringConvertible {
    /// A word, or numbers: a tile as `MatmulTile` writes it, `LANESxPLACES/SEGMENTS`, `GROUPxSHARE`.
    public var description: String {
        switch self {
        case .tile(let tile): tile.description
        case .clblast: "clblast"
        case .winograd: "winograd"
        case .reduction(let shape): "\(shape.lanes)x\(shape.places)/\(shape.segments)"
        case .map(let shape): "\(shape.group)x\(shape.share)"
        }
    }

    /// `nil` for what `description` never gives for steps of this kind, and for a tile that no kernel can be built with.
    init?(_ description: String, for kind: StepClass.Kind) {
        let numbers = description.split { $0 == "x" || $0 == "/" }.compactMap { Int($0) }
        switch kind {
        case .matmul where description == "clblast": self = .clblast
        case .convolution where description == "winograd": self = .winograd
        case .matmul, .convolution:
            guard let tile = MatmulTile(description) else { return nil }
            self = .tile(tile)
        case .reduce:
            guard numbers.count == 3 else { return nil }
            self = .reduction(ReduceShape(lanes: numbers[0], places: numbers[1], segments: numbers[2]))
        case .map:
            guard numbers.count == 2 else { return nil }
            self = .map(MapShape(group: numbers[0], share: numbers[1]))
        }
        guard self.description == description else { return nil }
    }
}
