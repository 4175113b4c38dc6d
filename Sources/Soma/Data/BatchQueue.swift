/// What a loader's threads share: which rows of which batch are to be read next, and the batches that wait to be taken.
///
/// Batches are numbered. No more than `readAhead` of them are open, that is being read or ready, at a time; memory comes
/// from a pool of those given back. So memory is bounded by `readAhead` and what the consumer holds, and since an open
/// batch always has its memory, no order of events can block.
final class BatchQueue: Sendable {
    /// A batch that is being read or ready.
    struct Filled {
        let position: BatchPosition
        let indices: [Int]
        let storage: BatchStorage

        /// The batch without the rows that the data set has left out.
        var withoutGaps: Filled {
            Filled(position: position, indices: storage.closeGaps(among: indices.count).map { indices[$0] }, storage: storage)
        }
    }

    /// Rows of a batch for one thread to read.
    private struct Part {
        let number: Int
        let batch: Result<Filled, any Error>
        let rows: Range<Int>
    }

    struct Open {
        /// Or why there is no memory for it.
        let batch: Result<Filled, any Error>
        let rowCount: Int
        /// Rows from here on were given to nobody yet.
        var nextRow = 0
        /// Parts that threads are at.
        var partsUnderWay = 0
        /// What went wrong in the first of the rows where something did.
        var failure: (row: Int, error: any Error)?

        var hasRows: Bool { failure == nil && nextRow < rowCount }
        var isDone: Bool { partsUnderWay == 0 && !hasRows }

        func filled() throws -> Filled {
            if let failure { throw failure.error }
            return try batch.get()
        }
    }

    struct State {
        var open: [Int: Open] = [:]
        var nextNumber = 0
        var nextPosition: BatchPosition
        var takenCount = 0
        var pool: [BatchStorage] = []
        var samples: (epoch: Int, order: [Int])?
        var isClosed = false
        var waitCount = 0
        var waited = Duration.zero
    }

    let order: BatchOrder
    let state: Monitor<State>
    private let dataSet: any DataSet
    private let fields: [Field]
    private let rowsPerPart: Int
    private let readAhead: Int
    private let endEpoch: Int

    init(_ dataSet: any DataSet, order: BatchOrder, from start: BatchPosition, endEpoch: Int, readAhead: Int) {
        (self.dataSet, self.order, self.endEpoch, self.readAhead) = (dataSet, order, endEpoch, readAhead)
        fields = dataSet.fields
        rowsPerPart = dataSet.readingEffort == .copying ? .max : 4
        state = Monitor(State(nextPosition: start))
    }

    // MARK: Reading threads

    /// Reads batches until the queue is closed or there are no more.
    func work() {
        while let part = nextPart() {
            let result = Result { try read(part) }
            state.change { finish(part, result, &$0) }
        }
    }

    private func nextPart() -> Part? {
        state.wait { state -> Part?? in
            if state.isClosed { return .some(nil) }
            // Rows are given out in order, so only the newest batch can have some left.
            if let part = takePart(of: state.nextNumber - 1, &state) { return part }
            if state.nextPosition.epoch >= endEpoch { return .some(nil) }
            guard state.nextNumber - state.takenCount < readAhead else { return nil }
            return openBatch(&state)
        }
    }

    private func takePart(of number: Int, _ state: inout State) -> Part? {
        guard let open = state.open[number], open.hasRows else { return nil }
        let end = rowsPerPart < open.rowCount - open.nextRow ? open.nextRow + rowsPerPart : open.rowCount
        state.open[number]?.nextRow = end
        state.open[number]?.partsUnderWay += 1
        return Part(number: number, batch: open.batch, rows: open.nextRow..<end)
    }

    /// Opens the next batch and takes its first rows.
    private func openBatch(_ state: inout State) -> Part? {
        let position = state.nextPosition
        if state.samples?.epoch != position.epoch {
            state.samples = (position.epoch, order.samples(ofEpoch: position.epoch))
        }
        let indices = state.samples.map { Array($0.order[order.range(ofBatch: position.batch)]) } ?? []
        let batch = Result {
            let storage = try state.pool.popLast() ?? BatchStorage(fields: fields, capacity: order.batchSize)
            storage.reset()
            return Filled(position: position, indices: indices, storage: storage)
        }
        let number = state.nextNumber
        state.open[number] = Open(batch: batch, rowCount: indices.count)
        state.nextNumber += 1
        state.nextPosition = order.position(after: position)
        return takePart(of: number, &state)
    }

    private func read(_ part: Part) throws {
        let batch = try part.batch.get()
        try dataSet.read(
            Array(batch.indices[part.rows]),
            into: BatchMemory(batch.storage, rows: part.rows, epoch: batch.position.epoch))
        batch.storage.pad(part.rows)
    }

    private func finish(_ part: Part, _ result: Result<Void, any Error>, _ state: inout State) {
        state.open[part.number]?.partsUnderWay -= 1
        guard case .failure(let error) = result else { return }
        if part.rows.lowerBound < state.open[part.number]?.failure?.row ?? .max {
            state.open[part.number]?.failure = (part.rows.lowerBound, error)
        }
    }

    // MARK: Consumer

    /// The next batch in order; nil after the last. An error stays: whoever asks again gets it again.
    /// - Parameter watch: where there is one, only that waiting counts during which its device was idle.
    func take(_ watch: IdleWatch?) throws -> Filled? {
        var wait: Wait?
        return try state.wait { state -> Filled?? in
            let isOver =
                state.isClosed || (state.takenCount == state.nextNumber && state.nextPosition.epoch >= endEpoch)
            if isOver { return .some(nil) }
            guard let open = state.open[state.takenCount], open.isDone else {
                wait = wait ?? Wait(watch)
                return nil
            }
            if let waited = wait?.duration {
                state.waitCount += 1
                state.waited += waited
            }
            let filled = try open.filled()
            state.open[state.takenCount] = nil
            state.takenCount += 1
            return filled
        }
    }

    /// Waiting that is under way.
    private struct Wait {
        private let start = ContinuousClock.now
        private let question: (watch: IdleWatch, number: Int)?

        init(_ watch: IdleWatch?) { question = watch.map { ($0, $0.ask()) } }

        /// How long it took so far; nil where the device had enough to do all the while.
        var duration: Duration? {
            let now = ContinuousClock.now
            guard let question else { return now - start }
            return question.watch.idleSince(question.number).map { now - max(start, $0) }
        }
    }

    func giveBack(_ storage: BatchStorage) {
        state.change { if $0.pool.count <= readAhead { $0.pool.append(storage) } }
    }

    func close() { state.change { $0.isClosed = true } }
}
