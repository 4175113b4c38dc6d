import SomaBackend
import SomaGraph

/// A compiled graph: the steps in order, and what their slots stand for. Valid for every graph of the same key.
public struct Plan: Sendable {
    /// What a slot of a step stands for.
    public enum Slot: Hashable, Sendable {
        /// The buffer of a source: its place among the sources.
        case source(Int)
        /// A buffer of its own that outlives the run: its place in `outputs`.
        case output(Int)
        /// Bytes of the arena, from an offset on.
        case temporary(byteOffset: Int, byteCount: Int)
    }

    /// Memory that outlives the run.
    public struct Output: Hashable, Sendable {
        /// Bytes of the output.
        public var byteCount: Int
        /// The source whose buffer may be overwritten by this output if nobody else holds it, because nothing reads the old
        /// elements once the new are written.
        public var mayOverwrite: Int?
    }

    /// Where a root's elements are after a run.
    public enum Root: Hashable, Sendable {
        /// In an output: its index in `outputs`.
        case output(Int)
        /// In a source, since nothing had to be computed: its index among the sources.
        case source(Int)
    }

    /// An offset in elements that depends on where slices begin.
    public struct Offset: Hashable, Sendable {
        var terms: [StridedView.StartTerm]

        /// The offset for slices that begin at `starts`, which are those of `GraphSnapshot.starts`.
        public func value(_ starts: [Int]) -> Int { terms.reduce(0) { $0 + starts[$1.start] * $1.coefficient } }
    }

    /// The steps in the order in which they run.
    public internal(set) var steps: [Step] = []
    /// What each slot of the steps stands for, by `Operand.slot`.
    public internal(set) var slots: [Slot] = []
    /// The buffers that outlive a run.
    public internal(set) var outputs: [Output] = []
    /// Where each root's elements are, in the order of the snapshot's roots.
    public internal(set) var roots: [Root] = []
    /// Offsets that depend on where slices begin, by `Access.runtimeOffset`.
    public internal(set) var offsets: [Offset] = []
    /// Bytes of the arena, and the most bytes of temporaries alive at one step.
    public internal(set) var arenaByteCount = 0
    /// The most bytes of temporaries that are alive at one step; the arena cannot be smaller.
    public internal(set) var largestLiveByteCount = 0
    /// For each step that only copies a source to an output: the two. It does nothing where both are one buffer.
    public internal(set) var copies: [Int: (source: Int, output: Int)] = [:]

    /// Compiles a graph that no other thread is about to change.
    public init(_ snapshot: GraphSnapshot, _ capabilities: Capabilities) { self.init(snapshot, snapshot.entries(), capabilities) }

    /// Compiles a graph from the entries that were taken with its snapshot.
    public init(_ snapshot: GraphSnapshot, _ entries: [GraphSnapshot.Entry], _ capabilities: Capabilities) {
        let lowering = Lowering(entries, roots: snapshot.roots, capabilities)
        let clustering = Clustering(lowering, capabilities)
        var emission = Emission(clustering, roots: lowering.roots, capabilities)
        emission.emit()
        self.init(emission, lowering.roots, updates: snapshot.updates)
    }

    /// Compiles the body of a scan.
    init(_ lowering: Lowering) {
        let clustering = Clustering(lowering, lowering.capabilities)
        var emission = Emission(clustering, roots: lowering.roots, lowering.capabilities)
        emission.emit()
        self.init(emission, lowering.roots, updates: [])
    }
}
