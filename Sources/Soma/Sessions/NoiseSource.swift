import SomaGraph

/// Random numbers of a normal distribution, `count` for each sample, from which a generator makes something.
///
/// The numbers of a sample follow from the seed and its index alone: however many are asked for, in whatever order and on whatever device, the same
/// sample is made of the same numbers.
public struct NoiseSource: Hashable, Sendable {
    /// The numbers of one sample.
    public let count: Int
    /// Decides all numbers, together with the number of a sample.
    public let seed: UInt64

    /// `count` numbers a sample, by a seed.
    public init(count: Int, seed: UInt64) {
        guard count > 0 else { programError("NoiseSource", "\(count) numbers a sample") }
        (self.count, self.seed) = (count, seed)
    }

    /// The numbers of the sample `index`, from 0.
    public func values(_ index: Int) -> [Float] {
        [Float](unsafeUninitializedCapacity: count) { buffer, written in
            let all = UnsafeMutableBufferPointer(rebasing: buffer[..<count])
            all.initialize(repeating: 0)
            fill(all, index)
            written = count
        }
    }

    /// Writes the numbers of the sample `index` to memory of `count` values.
    public func fill(_ values: UnsafeMutableBufferPointer<Float>, _ index: Int) {
        guard values.count == count, index >= 0 else { programError("NoiseSource", "\(values.count) places for sample \(index) of \(count) numbers") }
        var sequence = Philox(seed: seed, stream: UInt64(index))
        sequence.fillNormal(values)
    }
}
