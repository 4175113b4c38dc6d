import Glibc
import SomaGraph

/// Turns pairs of features by angles that grow with the place: the pair i of a place p by p · base^(−2i / size). Products of queries and keys then
/// depend on how far apart they stand.
///
/// J. Su et al., *RoFormer: Enhanced Transformer with Rotary Position Embedding*, 2021.
public struct RotaryPositions: Layer {
    /// Which features are a pair.
    public enum Pairing: Sendable {
        /// i and i + size / 2, as Llama in `transformers` and GPT-NeoX have it.
        case halves
        /// 2i and 2i + 1, as the paper has it.
        case interleaved
    }

    /// How angles are made smaller, so that a model takes longer sequences than it was trained on.
    public enum Scaling: Hashable, Sendable {
        /// Every angle divided by the factor.
        ///
        /// S. Chen et al., *Extending Context Window of Large Language Models via Positional Interpolation*, 2023.
        case linear(factor: Double)
        /// That of Llama 3.1: angles divided by the factor where a full turn takes more than `context` / `low` places, kept where it takes fewer than
        /// `context` / `high`, and something between these for the others.
        case llama3(factor: Double, low: Double, high: Double, context: Int)
    }

    /// The features of a head.
    public let size: Int
    /// Cosines of the angles, and sines with the sign by which a feature's partner counts: [most, size].
    private let cosines, sines: Tensor
    /// The shape of the features in which a pair is an axis, and that axis.
    private let pairs: (extents: [Int], axis: Int)

    /// Traps where a number is not positive or the size is odd.
    /// - Parameters:
    ///   - size: the features of a head.
    ///   - most: how many places there are.
    ///   - base: the larger, the slower the last pairs turn.
    ///   - pairing: which features are a pair.
    ///   - scaling: how angles are made smaller; nil for not at all.
    public init(
        size: Int, atMost most: Int, base: Double = 10_000, pairing: Pairing = .halves, scaling: Scaling? = nil, device: Device = .current,
        file: StaticString = #fileID, line: UInt = #line
    ) {
        guard size > 0, size % 2 == 0, most > 0, base > 0 else {
            programError("RotaryPositions", "\(most) places of \(size) features, with the base \(base)", file: file, line: line)
        }
        let half = size / 2
        var (cosines, sines) = ([Float](repeating: 0, count: most * size), [Float](repeating: 0, count: most * size))
        for pair in 0..<half {
            let plain = pow(base, -Double(2 * pair) / Double(size))
            let rate = scaling?.scaled(plain) ?? plain
            let (first, second) = pairing == .halves ? (pair, pair + half) : (2 * pair, 2 * pair + 1)
            for place in 0..<most {
                let (cosine, sine) = (Float(cos(Double(place) * rate)), Float(sin(Double(place) * rate)))
                (cosines[place * size + first], cosines[place * size + second]) = (cosine, cosine)
                (sines[place * size + first], sines[place * size + second]) = (-sine, sine)
            }
        }
        self.cosines = Tensor(cosines, shape: [most, size], device: device)
        self.sines = Tensor(sines, shape: [most, size], device: device)
        pairs = pairing == .halves ? ([2, half], -2) : ([half, 2], -1)
        self.size = size
    }

    /// x [..., T, size] turned by the places 0 ..< T. Traps where it has more places than there are.
    public func callAsFunction(_ x: Tensor) -> Tensor { self(x, from: 0) }

    /// x [..., T, size] turned by the places from `offset` on, as those behind a cache are. Traps where there are not so many places.
    public func callAsFunction(_ x: Tensor, from offset: Int) -> Tensor {
        requireFeatures(x)
        let end = offset.addingReportingOverflow(x.shape[x.rank - 2])
        guard offset >= 0, !end.overflow, end.partialValue <= cosines.shape[0] else {
            programError("RotaryPositions", "\(x.shape[x.rank - 2]) places from \(offset) on, where there are \(cosines.shape[0])")
        }
        return turned(x, cosines[offset..<end.partialValue], sines[offset..<end.partialValue])
    }

    /// x turned by places that are known when the program runs: integers [T] for x [..., T, size], or [N, T] for x [N, heads, T, size]. A place out
    /// of range gives NaN.
    public func callAsFunction(_ x: Tensor, at places: Tensor) -> Tensor { self(x, by: angles(at: places)) }

    /// By what places turn, looked up once for all that is turned by them.
    public struct Angles: Sendable {
        /// The places: [T] or [N, T].
        fileprivate let places: Shape
        /// [T, size] or [N, 1, T, size].
        fileprivate let cosines, sines: Tensor
    }

    /// The angles of places that are known when the program runs: integers [T] or [N, T].
    public func angles(at places: Tensor) -> Angles {
        guard (1...2).contains(places.rank), places.dtype.isInteger else {
            programError("RotaryPositions", "places \(places.dtype) \(places.shape) are not integers [T] or [N, T]")
        }
        let indices = places.rank == 1 ? places : places.expandingDims(at: 1)
        return Angles(places: places.shape, cosines: cosines.gathered(atIndices: indices), sines: sines.gathered(atIndices: indices))
    }

    /// x [..., T, size] turned by the angles of [T], or x [N, heads, T, size] by those of [N, T].
    public func callAsFunction(_ x: Tensor, by angles: Angles) -> Tensor {
        requireFeatures(x)
        guard angles.places == [x.shape[x.rank - 2]] || x.rank == 4 && angles.places == [x.shape[0], x.shape[2]] else {
            programError("RotaryPositions", "places \(angles.places) for \(x.shape)")
        }
        return turned(x, angles.cosines, angles.sines)
    }

    private func requireFeatures(_ x: Tensor) {
        guard x.rank >= 2, x.shape[x.rank - 1] == size else { programError("RotaryPositions", "an input of \(x.shape) is not […, T, \(size)]") }
    }

    /// Each feature by its cosine, and its partner by its sine.
    private func turned(_ x: Tensor, _ cosines: Tensor, _ sines: Tensor) -> Tensor {
        let partners = x.reshaped(to: Shape(x.shape.dimensions.dropLast() + pairs.extents)).flipped(alongAxes: pairs.axis).reshaped(to: x.shape)
        return x * cosines + partners * sines
    }
}

extension RotaryPositions.Scaling {
    /// Radians for a place, made smaller.
    fileprivate func scaled(_ rate: Double) -> Double {
        switch self {
        case .linear(let factor): return rate / factor
        case .llama3(let factor, let low, let high, let context):
            let turns = Double(context) * rate / (2 * .pi)
            if turns < low { return rate / factor }
            if turns > high { return rate }
            let share = (turns - low) / (high - low)
            return (1 - share) * rate / factor + share * rate
        }
    }
}
