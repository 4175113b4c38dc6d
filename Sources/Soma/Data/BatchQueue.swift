/// What a loader's threads share: which batch is to be read next, and those that are read and wait to be taken.
///
/// Batches are numbered by tickets. No more than `readAhead` tickets are open, that is being read or ready, at a time;
/// memory comes from a pool of those given back. So memory is bounded by `readAhead` and what the consumer holds, and
/// since an open ticket always has its memory, no order of events can block.
final class BatchQueue: Sendable {
    struct Ticket {
        let number: Int
        let position: BatchPosition
        let indices: [Int]
        let storage: BatchStorage?
    }

    struct Filled {
        let ticket: Ticket
        let storage: BatchStorage
    }

    struct State {
        var nextNumber = 0
        var nextPosition: BatchPosition
        var takenCount = 0
        var ready: [Int: Result<Filled, any Error>] = [:]
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
    private let readAhead: Int
    private let endEpoch: Int

    init(_ dataSet: any DataSet, order: BatchOrder, from start: BatchPosition, endEpoch: Int, readAhead: Int) {
        (self.dataSet, self.order, self.endEpoch, self.readAhead) = (dataSet, order, endEpoch, readAhead)
        fields = dataSet.fields
        state = Monitor(State(nextPosition: start))
    }

    // MARK: Reading threads

    /// Reads batches until the queue is closed or there are no more.
    func work() {
        while let ticket = nextTicket() {
            let result = Result { try read(ticket) }
            state.change { $0.ready[ticket.number] = result }
        }
    }

    private func nextTicket() -> Ticket? {
        state.wait { state -> Ticket?? in
            if state.isClosed || state.nextPosition.epoch >= endEpoch { return .some(nil) }
            guard state.nextNumber - state.takenCount < readAhead else { return nil }
            return issue(&state)
        }
    }

    private func issue(_ state: inout State) -> Ticket {
        let position = state.nextPosition
        if state.samples?.epoch != position.epoch {
            state.samples = (position.epoch, order.samples(ofEpoch: position.epoch))
        }
        let indices = state.samples.map { Array($0.order[order.range(ofBatch: position.batch)]) } ?? []
        defer {
            state.nextNumber += 1
            state.nextPosition = order.position(after: position)
        }
        return Ticket(number: state.nextNumber, position: position, indices: indices, storage: state.pool.popLast())
    }

    private func read(_ ticket: Ticket) throws -> Filled {
        let storage = try ticket.storage ?? BatchStorage(fields: fields, capacity: order.batchSize)
        try dataSet.read(ticket.indices, into: BatchMemory(count: ticket.indices.count, storage: storage))
        return Filled(ticket: ticket, storage: storage)
    }

    // MARK: Consumer

    /// The next batch in order; nil after the last. An error stays: whoever asks again gets it again.
    func take() throws -> Filled? {
        let clock = ContinuousClock()
        var waitingSince: ContinuousClock.Instant?
        return try state.wait { state -> Filled?? in
            let isOver =
                state.isClosed || (state.takenCount == state.nextNumber && state.nextPosition.epoch >= endEpoch)
            if isOver { return .some(nil) }
            guard let result = state.ready[state.takenCount] else {
                waitingSince = waitingSince ?? clock.now
                return nil
            }
            if let waitingSince {
                state.waitCount += 1
                state.waited += clock.now - waitingSince
            }
            let filled = try result.get()
            state.ready[state.takenCount] = nil
            state.takenCount += 1
            return filled
        }
    }

    func giveBack(_ storage: BatchStorage) {
        state.change { if $0.pool.count <= readAhead { $0.pool.append(storage) } }
    }

    func close() { state.change { $0.isClosed = true } }
}
