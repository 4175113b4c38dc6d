import SomaGraph

/// How often the value of an instruction changes.
public enum Level: Int, Comparable, Sendable {
    /// Once for the whole step.
    case uniform
    /// Once for each outer position.
    case outer
    /// At each inner position (in a map: at each position).
    case element

    public static func < (a: Level, b: Level) -> Bool { a.rawValue < b.rawValue }
}

/// One walk over the inner domain: what is computed at each inner position, what is combined, and what follows once.
public struct Stage: Sendable {
    /// Instructions of level `element` that this walk needs, in order; values of earlier walks are computed again.
    public var elements: [Int] = []
    /// `reduce` instructions completed by this walk.
    public var reductions: [Int] = []
    /// Places in `Body.stores` written at each inner position of this walk.
    public var elementStores: [Int] = []
    /// Instructions of level `outer` computed after this walk, in order.
    public var outers: [Int] = []
}

/// The order in which a loop nest is run at one outer position: `prologue`, then the stages, then `outerStores`.
///
/// A softmax has two stages of reduction (the maximum, the sum) and one that stores.
public struct BodyStages: Sendable {
    /// Of each instruction of the body.
    public let levels: [Level]
    /// Instructions of level `uniform`, in order.
    public let uniforms: [Int]
    /// Instructions of level `outer` that wait for no reduction, in order.
    public let prologue: [Int]
    /// The walks over the inner domain, in order.
    public let stages: [Stage]
    /// Places in `Body.stores` whose value is the same for all inner positions.
    public let outerStores: [Int]

    /// Splits a loop nest into as few walks as its reductions allow: a value is computed in the first walk in which all it needs is known.
    public init(_ nest: LoopNest) {
        let body = nest.body
        let levels = Self.levels(nest)
        // The walk in which a value is first known: an element in the walk after those its outer inputs wait for,
        // a reduction in its argument's walk, an outer value after the walks of its inputs.
        var walk = [Int](repeating: 0, count: body.instructions.count)
        for (i, instruction) in body.instructions.enumerated() {
            var walks = levels[i] == .element
            if case .reduce = instruction.operation { walks = true }
            var latest = walks ? 0 : -1
            for argument in instruction.arguments {
                latest = max(latest, walks && levels[argument] != .element ? walk[argument] + 1 : walk[argument])
            }
            walk[i] = latest
        }
        var stages: [Stage] = []
        func withStage(_ index: Int, _ change: (inout Stage) -> Void) {
            while stages.count <= index { stages.append(Stage()) }
            change(&stages[index])
        }
        var outerStores: [Int] = []
        for (s, store) in body.stores.enumerated() {
            if levels[store.value] == .element {
                withStage(walk[store.value]) { $0.elementStores.append(s) }
            } else if Self.level(of: store.target.access, in: nest) == .element {
                withStage(walk[store.value] + 1) { $0.elementStores.append(s) }
            } else {
                outerStores.append(s)
            }
        }
        var uniforms: [Int] = []
        var prologue: [Int] = []
        for (i, instruction) in body.instructions.enumerated() {
            if case .reduce = instruction.operation {
                withStage(walk[i]) { $0.reductions.append(i) }
            } else if levels[i] == .uniform {
                uniforms.append(i)
            } else if levels[i] == .outer {
                if walk[i] < 0 { prologue.append(i) } else { withStage(walk[i]) { $0.outers.append(i) } }
            }
        }
        for s in stages.indices { stages[s].elements = Self.needed(by: stages[s], body, levels) }
        self.levels = levels
        self.uniforms = uniforms
        self.prologue = prologue
        self.stages = stages
        self.outerStores = outerStores
    }

    private static func level(of access: Access, in nest: LoopNest) -> Level {
        if nest.inner.isEmpty { return .element }
        return access.strides[nest.outer.count...].contains { $0 != 0 } ? .element : .outer
    }

    private static func levels(_ nest: LoopNest) -> [Level] {
        var levels: [Level] = []
        for instruction in nest.body.instructions {
            switch instruction.operation {
            case .load(let operand): levels.append(level(of: nest.body.loads[operand].access, in: nest))
            case .index(let access): levels.append(level(of: access, in: nest))
            case .scalar: levels.append(.uniform)
            case .accumulator: levels.append(.element)
            case .reduce: levels.append(.outer)
            default: levels.append(instruction.arguments.map { levels[$0] }.max() ?? .uniform)
            }
        }
        return levels
    }

    /// The element instructions that the reductions and stores of a walk reach, in order.
    private static func needed(by stage: Stage, _ body: Body, _ levels: [Level]) -> [Int] {
        var isNeeded = [Bool](repeating: false, count: body.instructions.count)
        for reduction in stage.reductions { for argument in body.instructions[reduction].arguments { isNeeded[argument] = true } }
        for store in stage.elementStores { isNeeded[body.stores[store].value] = true }
        for i in body.instructions.indices.reversed() where isNeeded[i] && levels[i] == .element {
            for argument in body.instructions[i].arguments { isNeeded[argument] = true }
        }
        return body.instructions.indices.filter { isNeeded[$0] && levels[$0] == .element }
    }
}
