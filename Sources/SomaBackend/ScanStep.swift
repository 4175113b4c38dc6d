import SomaGraph

/// Steps that run `count` times, one run after the other: each gets the states that the run before has left, and the next elements of
/// sequences.
public struct ScanStep: Hashable, Sendable {
    /// What a slot of `body` stands for.
    public enum Slot: Hashable, Sendable {
        /// The same `byteCount` bytes in every run.
        case invariant(Operand, byteCount: Int)
        /// Element t of a sequence that is read or written in run t: `byteStride` bytes from the one before.
        case element(Operand, byteStride: Int)
        /// A state as the run before has left it.
        case state(Int)
        /// A state as this run leaves it.
        case nextState(Int)
        /// A part of the workspace, the same in every run.
        case temporary(byteOffset: Int)
    }

    /// The memory of a state: before the first run, after the last, and after all others in turn, two places in the workspace.
    public struct State: Hashable, Sendable {
        /// Read by the first run, and written by the last.
        public var initial, final: Operand
        /// Offsets in the workspace.
        public var firstByteOffset, secondByteOffset: Int

        /// Does not check that the four have room for the same elements.
        public init(initial: Operand, final: Operand, firstByteOffset: Int, secondByteOffset: Int) {
            (self.initial, self.final) = (initial, final)
            (self.firstByteOffset, self.secondByteOffset) = (firstByteOffset, secondByteOffset)
        }
    }

    /// How often the body runs, at least once.
    public var count: Int
    /// Whether the last elements of sequences come first.
    public var isReversed: Bool
    /// Steps whose operands' slots are indices into `slots`.
    public var body: [Step]
    /// What each slot of the body stands for.
    public var slots: [Slot]
    /// The states that one run hands the next.
    public var states: [State]
    /// Scratch memory: bytes.
    public var workspace: Operand
    /// Where the offsets of the body begin in `Bindings.offsets`.
    public var firstOffset: Int

    /// Does not check that the slots of the body are among `slots`.
    public init(
        count: Int, isReversed: Bool, body: [Step], slots: [Slot], states: [State], workspace: Operand, firstOffset: Int
    ) {
        (self.count, self.isReversed, self.body, self.slots, self.states) = (count, isReversed, body, slots, states)
        (self.workspace, self.firstOffset) = (workspace, firstOffset)
    }

    /// Bytes of elements of sequences that are read and written, in all runs, and of what is the same in all, once.
    /// What a run leaves for the next may stay near and is not counted.
    public var byteCounts: (read: Int, written: Int) {
        let written = writtenSlots
        return slots.enumerated().reduce((0, 0)) { sum, slot in
            switch slot.element {
            case .element(_, let byteStride) where written.contains(slot.offset): (sum.0, sum.1 + count * byteStride)
            case .element(_, let byteStride): (sum.0 + count * byteStride, sum.1)
            case .invariant(_, let byteCount): (sum.0 + byteCount, sum.1)
            case .state, .nextState, .temporary: sum
            }
        }
    }

    private var writtenSlots: Set<Int> { Set(body.flatMap(\.writes).map(\.slot)) }

    /// What is read of memory outside.
    public var reads: [Operand] {
        let written = writtenSlots
        let sources = slots.enumerated().compactMap { number, slot -> Operand? in
            switch slot {
            case .invariant(let operand, _), .element(let operand, _): written.contains(number) ? nil : operand
            case .state, .nextState, .temporary: nil
            }
        }
        return sources + states.map(\.initial) + [workspace]
    }

    /// What is written of memory outside.
    public var writes: [Operand] {
        let written = writtenSlots
        let targets = slots.enumerated().compactMap { number, slot -> Operand? in
            if case .element(let operand, _) = slot, written.contains(number) { operand } else { nil }
        }
        return targets + states.map(\.final) + [workspace]
    }

    /// The bindings of the body in each of its runs, made of those of the program.
    public func bindings(_ outer: Bindings) -> some Sequence<Bindings> {
        func slice(_ operand: Operand, _ bytes: Int = 0) -> BufferSlice {
            let elements = operand.access.offset + (operand.access.runtimeOffset.map { outer.offsets[$0] } ?? 0)
            var slice = outer.buffers[operand.slot]
            slice.byteOffset += elements * operand.dtype.byteCount + bytes
            return slice
        }
        func state(_ index: Int, after run: Int) -> BufferSlice {
            let state = states[index]
            if run < 0 { return slice(state.initial) }
            if run == count - 1 { return slice(state.final) }
            return slice(workspace, run % 2 == 0 ? state.firstByteOffset : state.secondByteOffset)
        }
        let offsets = Array(outer.offsets.dropFirst(firstOffset))
        return (0..<count).lazy.map { run in
            let place = isReversed ? count - 1 - run : run
            let buffers = slots.map { slot in
                switch slot {
                case .invariant(let operand, _): slice(operand)
                case .element(let operand, let byteStride): slice(operand, place * byteStride)
                case .state(let index): state(index, after: run - 1)
                case .nextState(let index): state(index, after: run)
                case .temporary(let byteOffset): slice(workspace, byteOffset)
                }
            }
            return Bindings(buffers: buffers, scalars: outer.scalars, offsets: offsets)
        }
    }
}

extension ScanStep: StepDescriptor {
    public var name: String { "scan" }
    public var label: String { "scan of \(count), \(body.count == 1 ? "1 step" : "\(body.count) steps") each" }
    public var productOperations: Double { Double(count) * body.reduce(0) { $0 + $1.descriptor.productOperations } }
    public var otherOperations: Double { Double(count) * body.reduce(0) { $0 + $1.descriptor.otherOperations } }
}

/// A scan whose body is ready.
public final class PreparedScan: PreparedStep, @unchecked Sendable {
    /// The scan.
    public let step: ScanStep
    /// Its body, prepared.
    public let body: [PreparedStep]
    /// What each step of the body cannot do without.
    public let work: [Work]
    override var isScan: Bool { true }

    /// Prepares the steps of a scan's body, once for all runs.
    /// - Parameter prepare: prepares a step of the body.
    public init(_ step: ScanStep, _ prepare: (Step) throws -> PreparedStep) rethrows {
        self.step = step
        body = try step.body.map(prepare)
        work = step.body.map(\.work)
        super.init()
    }
}

/// Steps that are not scans, to be run one after the other.
public struct StepRun {
    /// The steps in order.
    public var steps: [PreparedStep]
    /// Their bindings.
    public var bindings: Bindings
    /// Which of the steps that were given they are.
    public var origin: StepOrigin
}

/// Which of the steps of a program some of them are, for those who note their launches.
public struct StepOrigin: Sendable {
    /// The index of the first of them; of them all where they are parts of a scan.
    public var first: Int
    /// What each cannot do without, where they are parts of a scan.
    public var work: [Work]?

    /// The index of the step that one of them is or is part of.
    public func index(ofStep number: Int) -> Int { work == nil ? first + number : first }
}

extension [PreparedStep] {
    /// Calls `body` with steps in the order in which they run, scans unrolled.
    public func forEachRun<Failure: Error>(_ bindings: Bindings, _ body: (StepRun) throws(Failure) -> Void) throws(Failure) {
        // Replays of programs without scans pass here each time, so nothing is allocated for them.
        guard contains(where: { $0.isScan }) else { return try body(StepRun(steps: self, bindings: bindings, origin: StepOrigin(first: 0))) }
        var first = 0
        func finish(before end: Int) throws(Failure) {
            if first < end { try body(StepRun(steps: [PreparedStep](self[first..<end]), bindings: bindings, origin: StepOrigin(first: first))) }
            first = end + 1
        }
        for (place, step) in enumerated() {
            guard let scan = step as? PreparedScan else { continue }
            try finish(before: place)
            for inner in scan.step.bindings(bindings) {
                try scan.body.forEachRun(inner) { run throws(Failure) in
                    let work = run.origin.work ?? run.steps.indices.map { scan.work[run.origin.index(ofStep: $0)] }
                    try body(StepRun(steps: run.steps, bindings: run.bindings, origin: StepOrigin(first: place, work: work)))
                }
            }
        }
        try finish(before: count)
    }
}
