#if canImport(Glibc)
    import Glibc
#endif

/// The counter-based generator Philox-4x32 with ten rounds.
///
/// A block of four random words is a pure function of a counter and a key, so any block can be computed anywhere, in
/// any order, on any device, and a generator's whole state is how many words it has handed out.
///
/// J. K. Salmon, M. A. Moraes, R. O. Dror, D. E. Shaw, *Parallel Random Numbers: As Easy as 1, 2, 3*, SC 2011.
public struct Philox: RandomNumberGenerator, Hashable, Sendable {
    /// The key: two generators with different seeds are independent.
    public let seed: UInt64
    /// The upper half of the counter: independent sequences under one seed, such as one per epoch or per parameter.
    public let stream: UInt64
    /// How many 32-bit words have been handed out. Storing and restoring it resumes the sequence exactly.
    public private(set) var position: UInt64

    private var block = SIMD4<UInt32>()

    /// A generator that has handed out `position` words of sequence `stream` under `seed`.
    public init(seed: UInt64, stream: UInt64 = 0, position: UInt64 = 0) {
        self.seed = seed
        self.stream = stream
        self.position = position
        block = Self.block(at: position / 4, stream: stream, seed: seed)
    }

    /// The block of the given counter under the given key: ten rounds of two 32×32→64-bit products and a key schedule.
    public static func block(counter: SIMD4<UInt32>, key: SIMD2<UInt32>) -> SIMD4<UInt32> {
        var (c, k) = (counter, key)
        for _ in 0..<10 {
            let a = UInt64(c.x) &* 0xD251_1F53
            let b = UInt64(c.z) &* 0xCD9E_8D57
            c = SIMD4(
                UInt32(truncatingIfNeeded: b >> 32) ^ c.y ^ k.x, UInt32(truncatingIfNeeded: b),
                UInt32(truncatingIfNeeded: a >> 32) ^ c.w ^ k.y, UInt32(truncatingIfNeeded: a))
            k = SIMD2(k.x &+ 0x9E37_79B9, k.y &+ 0xBB67_AE85)
        }
        return c
    }

    private static func block(at index: UInt64, stream: UInt64, seed: UInt64) -> SIMD4<UInt32> {
        block(
            counter: SIMD4(
                UInt32(truncatingIfNeeded: index), UInt32(truncatingIfNeeded: index >> 32),
                UInt32(truncatingIfNeeded: stream), UInt32(truncatingIfNeeded: stream >> 32)),
            key: SIMD2(UInt32(truncatingIfNeeded: seed), UInt32(truncatingIfNeeded: seed >> 32)))
    }

    /// The next 32 random bits.
    public mutating func nextWord() -> UInt32 {
        let word = block[Int(position % 4)]
        position &+= 1
        if position % 4 == 0 { block = Self.block(at: position / 4, stream: stream, seed: seed) }
        return word
    }

    /// The next 64 random bits: two words, the lower first.
    public mutating func next() -> UInt64 {
        let low = UInt64(nextWord())
        return low | UInt64(nextWord()) << 32
    }

    public static func == (a: Philox, b: Philox) -> Bool {
        a.seed == b.seed && a.stream == b.stream && a.position == b.position
    }

    public func hash(into hasher: inout Hasher) {
        hasher.combine(seed)
        hasher.combine(stream)
        hasher.combine(position)
    }
}

// MARK: - Distributions

extension Philox {
    /// A float uniform on [0, 1): the upper 24 bits of one word, so every value is a multiple of 2⁻²⁴ and 1 never occurs.
    public mutating func uniform() -> Float {
        Float(nextWord() >> 8) * 0x1p-24
    }

    /// An integer uniform on 0..<bound, without bias.
    ///
    /// D. Lemire, *Fast Random Integer Generation in an Interval*, ACM TOMACS 29(1), 2019. A bound below 2³² takes one
    /// word of the sequence (rarely more), a larger one takes two.
    public mutating func integer(below bound: Int) -> Int {
        guard bound > 0 else { programError("random integer", "the bound must be positive, not \(bound)") }
        if let bound = UInt32(exactly: bound) {
            return Int(lemire(bound) { $0.nextWord() })
        }
        return Int(lemire(UInt64(bound)) { $0.next() })
    }

    private mutating func lemire<Word: FixedWidthInteger & UnsignedInteger>(
        _ bound: Word, _ draw: (inout Philox) -> Word
    ) -> Word where Word.Magnitude == Word {
        var product = bound.multipliedFullWidth(by: draw(&self))
        if product.low < bound {
            let threshold = (0 &- bound) % bound
            while product.low < threshold { product = bound.multipliedFullWidth(by: draw(&self)) }
        }
        return product.high
    }

    /// A permutation of 0..<count, each of the count! equally likely (Fisher–Yates, from the end).
    public mutating func permutation(of count: Int) -> [Int] {
        var order = Array(0..<count)
        for last in stride(from: count - 1, to: 0, by: -1) {
            order.swapAt(last, integer(below: last + 1))
        }
        return order
    }

    /// Two independent draws of the standard normal distribution (Box–Muller):
    /// √(−2 ln u)·cos 2πv and √(−2 ln u)·sin 2πv with u on (0, 1] and v on [0, 1).
    ///
    /// The arithmetic is in double precision and rounded once, so that it does not depend on the vector unit.
    public mutating func normalPair() -> (Float, Float) {
        let u = (Double(nextWord()) + 1) * 0x1p-32
        let v = Double(nextWord()) * 0x1p-32
        let radius = (-2 * log(u)).squareRoot()
        let angle = 2 * Double.pi * v
        return (Float(radius * cos(angle)), Float(radius * sin(angle)))
    }

    /// Fills a buffer with draws from the normal distribution of the given mean and standard deviation.
    public mutating func fillNormal(_ buffer: UnsafeMutableBufferPointer<Float>, mean: Float = 0, deviation: Float = 1)
    {
        for i in stride(from: 0, to: buffer.count, by: 2) {
            let (a, b) = normalPair()
            buffer[i] = mean + deviation * a
            if i + 1 < buffer.count { buffer[i + 1] = mean + deviation * b }
        }
    }

    /// Fills a buffer with floats uniform on [lower, upper).
    public mutating func fillUniform(
        _ buffer: UnsafeMutableBufferPointer<Float>, from lower: Float = 0, to upper: Float = 1
    ) {
        let width = upper - lower
        for i in buffer.indices {
            // Rounding can reach the upper bound itself; the largest float below it keeps the interval half open.
            buffer[i] = min(lower + width * uniform(), upper.nextDown)
        }
    }
}
