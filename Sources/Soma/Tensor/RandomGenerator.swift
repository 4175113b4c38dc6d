import SomaGraph
import Synchronization

/// A source of random numbers that is reproducible everywhere.
///
/// Numbers are Philox-4x32-10 words, a pure function of the seed, of how many draws came before, and of the place in the
/// draw. So the same seed gives the same words on every device, and the whole state is two numbers.
public final class RandomGenerator: Sendable {
    /// What a generator will give next; storing and restoring it resumes the sequence exactly.
    public struct State: Hashable, Sendable {
        /// What makes two generators differ.
        public var seed: UInt64
        /// How many draws were made, whatever their size.
        public var drawCount: UInt64

        /// The state after `drawCount` draws from this seed.
        public init(seed: UInt64, drawCount: UInt64 = 0) {
            self.seed = seed
            self.drawCount = drawCount
        }
    }

    private let protected: Mutex<State>

    private let isFollowing: Bool

    /// A generator at the start of this seed's sequence.
    public convenience init(seed: UInt64) { self.init(State(seed: seed)) }

    private init(_ state: State, isFollowing: Bool = false) {
        protected = Mutex(state)
        self.isFollowing = isFollowing
    }

    /// Stands, inside of a captured step, for the generator that is current where the step is called.
    static let following = RandomGenerator(State(seed: 0), isFollowing: true)

    /// The generator that numbers come from.
    private var source: RandomGenerator {
        if !isFollowing { return self }
        if let capture = Capture.current { return capture.generator }
        guard let chosen = Self.chosen, !chosen.isFollowing else { return .processWide }
        return chosen
    }

    /// Read it to save the sequence, set it to go on from there.
    public var state: State {
        get { source.protected.withLock { $0 } }
        set { source.protected.withLock { $0 = newValue } }
    }

    /// The generator for draws that name none: that of the innermost `withRandomSeed` or `withRandomGenerator`, else one for
    /// the process, whose seed is 0.
    public static var current: RandomGenerator { chosen ?? processWide }

    @TaskLocal private static var chosen: RandomGenerator?
    private static let processWide = RandomGenerator(seed: 0)

    static func choosing<Result>(_ generator: RandomGenerator, _ body: () throws -> Result) rethrows -> Result {
        try $chosen.withValue(generator, operation: body)
    }

    /// The state before a draw, which this one becomes.
    private func draw() -> State {
        source.protected.withLock { state in
            defer { state.drawCount &+= 1 }
            return state
        }
    }

    /// A sequence for scalar code on the host, independent of all other draws.
    public func hostSequence() -> Philox {
        let state = draw()
        return Philox(seed: state.seed, stream: state.drawCount)
    }

    /// Uniform 32-bit words. Replaying a step that was captured draws anew.
    func words(_ shape: Shape, device: Device) -> Tensor {
        let draw = RandomDraws.draw { self.nextDraw(device) }
        return Tensor(node: .random(shape, key0: draw.key0.node, key1: draw.key1.node, counter: draw.counter.node))
    }

    private func nextDraw(_ device: Device) -> RandomDraws.Draw {
        let key0 = hostScalar(.uint32, on: device) { [self] in Double(state.seed & 0xFFFF_FFFF) }
        // The draws above 2³² continue under another key.
        let key1 = hostScalar(.uint32, on: device) { [self] in
            let state = self.state
            return Double((state.seed >> 32) ^ (state.drawCount >> 32))
        }
        let counter = hostScalar(.uint32, on: device) { [self] in Double(draw().drawCount & 0xFFFF_FFFF) }
        return RandomDraws.Draw(key0: key0, key1: key1, counter: counter)
    }
}

/// Runs `body` with a fresh generator of this seed as the one for draws that name none. Within a captured step it is fresh at each replay.
@discardableResult
public func withRandomSeed<Result>(_ seed: UInt64, _ body: () throws -> Result) rethrows -> Result {
    let generator = RandomGenerator(seed: seed)
    Capture.current?.note { generator.state = .init(seed: seed) }
    return try RandomGenerator.choosing(generator, body)
}

/// Runs `body` with `generator` as the one for draws that name none.
@discardableResult
public func withRandomGenerator<Result>(_ generator: RandomGenerator, _ body: () throws -> Result) rethrows -> Result {
    try RandomGenerator.choosing(generator, body)
}
