import Glibc
import SomaGraph

/// Hands out the samples of a data set in shuffled batches, which other threads read ahead of time.
///
/// Every epoch visits every sample once, in an order that depends on the seed and the epoch's number and on nothing
/// else: not on the machine, the number of threads or what was read before. Memory is bounded by the batches read ahead
/// and those still held. Releasing the loader stops its threads.
public final class BatchLoader: Sendable {
    private let queue: BatchQueue
    private let threads: [WorkerThread]
    private let watch: IdleWatch?

    /// Starts to read batches ahead. Traps where a number is not positive.
    /// - Parameters:
    ///   - batchSize: samples per batch.
    ///   - seed: decides the order of the samples; nil keeps their own, and so does a data set that has its batches in order.
    ///   - dropsLast: whether an epoch's last batch is left out where it would be smaller than the others.
    ///   - epochs: how many epochs to give, counted from epoch 0; nil for no end.
    ///   - start: the first batch to give, to resume where another loader stopped.
    ///   - readAhead: how many batches may wait to be taken.
    ///   - threads: how many threads read; nil for as many as suit the effort that reading is.
    ///   - device: the device that the batches are for; `waiting` then counts only the time in which it is idle.
    /// - Throws: `SomaError` where there is nothing to give: no sample, no full batch, or a start that does not exist; where the data set has
    ///   batches of another size.
    public init(
        _ dataSet: some DataSet, batchSize: Int, seed: UInt64?, dropsLast: Bool = false, epochs: Int? = nil,
        from start: BatchPosition = .start, readAhead: Int = 3, threads: Int? = nil, feeding device: Device? = nil
    ) throws {
        let threads = threads ?? Self.threads(for: dataSet)
        guard batchSize > 0, readAhead > 0, threads > 0 else {
            programError(
                "batch loader", "batchSize \(batchSize), readAhead \(readAhead) and threads \(threads) must be positive"
            )
        }
        let batching = dataSet.batching
        if let size = batching.size, size != batchSize {
            throw SomaError("batches of this data are of \(size) samples, which go on from batch to batch, and not of \(batchSize)")
        }
        let order = BatchOrder(sampleCount: dataSet.count, batchSize: batchSize, dropsLast: dropsLast, seed: batching == .free ? seed : nil)
        guard order.batchesPerEpoch > 0 else {
            throw SomaError("a data set of \(dataSet.count) samples gives no batch of \(batchSize)")
        }
        guard start.epoch >= 0, (0..<order.batchesPerEpoch).contains(start.batch) else {
            throw SomaError(
                "cannot start at batch \(start.batch) of epoch \(start.epoch): an epoch has \(order.batchesPerEpoch) batches",
                hint: "resume with the data set and batch size of the run")
        }
        let queue = BatchQueue(dataSet, order: order, from: start, endEpoch: epochs ?? .max, readAhead: readAhead)
        self.queue = queue
        watch = try device.map { try IdleWatch($0) }
        self.threads = try Self.start(threads, on: queue)
    }

    /// As many threads as cores, also where the device runs on these: those who wait for room or data take none.
    private static func threads(for dataSet: some DataSet) -> Int {
        switch dataSet.readingEffort {
        case .copying: 1
        case .decoding: min(max(1, Int(sysconf(Int32(_SC_NPROCESSORS_ONLN)))), 64)
        }
    }

    private static func start(_ count: Int, on queue: BatchQueue) throws -> [WorkerThread] {
        var threads: [WorkerThread] = []
        do {
            for _ in 0..<count { threads.append(try WorkerThread { queue.work() }) }
        } catch {
            queue.close()
            threads.forEach { $0.join() }
            throw error
        }
        return threads
    }

    deinit {
        queue.close()
        threads.forEach { $0.join() }
    }

    /// The number of batches in an epoch.
    public var batchesPerEpoch: Int { queue.order.batchesPerEpoch }

    /// The next batch, after waiting for it if need be; nil after the last.
    /// - Throws: what the data set threw when it read this batch.
    public func next() throws -> Batch? {
        while let filled = try queue.take(watch) {
            let batch = Batch(filled.withoutGaps, queue)
            if batch.count > 0 { return batch }
        }
        return nil
    }

    /// Calls `body` with each batch of one epoch, uploaded to the device; the next call goes on with the next epoch. After the last epoch it calls nothing.
    /// - Throws: what the data set or `body` throws; `BackendError`.
    public func forEachInEpoch(on device: Device = .current, _ body: (Minibatch) throws -> Void) throws {
        while let batch = try next() {
            try body(Minibatch(batch, device: device))
            if batch.isLastOfEpoch { return }
        }
    }

    /// How often and how long `next()` had to wait since the loader was made: near zero where reading keeps up. Of a
    /// loader that feeds a device only waiting counts during which that had nothing to do.
    public var waiting: (count: Int, duration: Duration) {
        queue.state.change { ($0.waitCount, $0.waited) }
    }
}

/// Samples to train on at once. Releasing it gives its memory back to the loader for a later batch.
public final class Batch: Sendable {
    /// Which batch of which epoch this is.
    public let position: BatchPosition
    /// Where to start a loader to go on after this batch.
    public let next: BatchPosition
    /// The numbers of its samples in the data set.
    public let indices: [Int]
    private let storage: BatchStorage
    private let queue: BatchQueue

    fileprivate init(_ filled: BatchQueue.Filled, _ queue: BatchQueue) {
        (position, indices) = (filled.position, filled.indices)
        (storage, self.queue) = (filled.storage, queue)
        next = queue.order.position(after: position)
    }

    deinit { queue.giveBack(storage) }

    /// The number of samples: the batch size, or less in the last batch of an epoch and where samples were left out.
    public var count: Int { indices.count }
    /// The fields of the data set, by whose names values are read; behind each ragged one that of its counts.
    public var fields: [Field] { storage.fields }
    /// Whether the next batch belongs to the next epoch.
    public var isLastOfEpoch: Bool { next.epoch != position.epoch }

    /// Calls `body` with the values of a field for all samples, [count] + the field's shape.
    public func withBytes<R>(of field: String, _ body: (UnsafeRawBufferPointer) throws -> R) rethrows -> R {
        let index = storage.index(of: field)
        let size = count * storage.fields[index].byteCount
        return try body(UnsafeRawBufferPointer(rebasing: storage.bytes(ofField: index)[..<size]))
    }

    /// A copy of the values of a field for all samples.
    public func values<T: TensorScalar>(of field: String, as type: T.Type) -> [T] {
        Array(BatchMemory(storage, rows: 0..<count, epoch: position.epoch).values(of: field, as: type))
    }
}
