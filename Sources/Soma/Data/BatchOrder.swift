import SomaGraph

/// Where a loader stands: the number of an epoch, and of a batch within it. Saving it and starting another loader there
/// goes on with exactly the batches that this one would have given.
public struct BatchPosition: Hashable, Comparable, Sendable {
    /// The number of the epoch, from 0.
    public var epoch: Int
    /// The number of the batch within the epoch, from 0.
    public var batch: Int

    /// Does not check that the data set has such a batch; `BatchLoader` does.
    public init(epoch: Int, batch: Int) { (self.epoch, self.batch) = (epoch, batch) }

    /// The first batch of the first epoch.
    public static let start = BatchPosition(epoch: 0, batch: 0)

    public static func < (a: BatchPosition, b: BatchPosition) -> Bool { (a.epoch, a.batch) < (b.epoch, b.batch) }
}

/// Which samples make up which batch: a function of the seed, the epoch and the batch, and of nothing else.
struct BatchOrder: Sendable {
    let sampleCount: Int
    let batchSize: Int
    let dropsLast: Bool
    /// Nil: the samples come in their own order.
    let seed: UInt64?

    var batchesPerEpoch: Int { dropsLast ? sampleCount / batchSize : (sampleCount + batchSize - 1) / batchSize }

    func position(after position: BatchPosition) -> BatchPosition {
        position.batch + 1 < batchesPerEpoch
            ? BatchPosition(epoch: position.epoch, batch: position.batch + 1)
            : BatchPosition(epoch: position.epoch + 1, batch: 0)
    }

    /// The samples of an epoch in the order in which it visits them; each epoch has its own stream of the generator.
    func samples(ofEpoch epoch: Int) -> [Int] {
        guard let seed else { return Array(0..<sampleCount) }
        // Streams 2⁶³ and up, so that no other use of the seed meets the same numbers.
        var generator = Philox(seed: seed, stream: 1 << 63 | UInt64(epoch))
        return generator.permutation(of: sampleCount)
    }

    func range(ofBatch batch: Int) -> Range<Int> {
        batch * batchSize..<min((batch + 1) * batchSize, sampleCount)
    }
}
