import CPUKernels
import SomaGraph
import SomaBackend

/// What an instruction over float32 computes, as far as it can be a step of a chain.
enum ChainFunction {
    case unary(UnaryFunction)
    case binary(BinaryFunction)
    /// a·b + c
    case multiplyAdd
    case copy, stream
    case reduce(ReduceOperation)
}

extension LoopPlanner {
    /// Joins neighbouring instructions over float32 into chains, which keep in registers what one hands the next.
    mutating func makeChains() {
        if !plan.hasWholeLines { sortByPhase() }
        var instructions: [soma_instruction] = []
        let uses = useCounts()
        for run in runs() {
            var joined = plan.instructions[run[run.count - 1]]
            if run.count == 1 {
                instructions.append(joined)
                continue
            }
            let chain = ChainWriter(self, run, uses)
            (joined.loop, joined.a, joined.b, joined.c) = (nil, -1, -1, -1)
            (joined.chain, joined.chain_count) = (Int32(plan.steps.count), Int32(chain.steps.count))
            plan.steps += chain.steps
            instructions.append(joined)
        }
        plan.instructions = instructions
        functions = []
    }

    /// The runner takes one phase after the other, so that instructions of different phases are neighbours only by chance.
    private mutating func sortByPhase() {
        let order = plan.instructions.indices.sorted { (plan.instructions[$0].phase, $0) < (plan.instructions[$1].phase, $1) }
        plan.instructions = order.map { plan.instructions[$0] }
        functions = order.map { functions[$0] }
    }

    /// The instructions in order, those that can be one chain together. The others run alone.
    private func runs() -> [[Int]] {
        var runs: [[Int]] = []
        var isOpen = false
        for place in plan.instructions.indices {
            let canJoin = isChainable(place)
            if isOpen, canJoin, let last = runs.last?.last, plan.instructions[last].phase == plan.instructions[place].phase,
                runs[runs.count - 1].count < ChainWriter.longestRun
            {
                runs[runs.count - 1].append(place)
            } else {
                runs.append([place])
            }
            isOpen = canJoin && plan.instructions[place].reduction < 0
        }
        return runs
    }

    private func isChainable(_ place: Int) -> Bool {
        let instruction = plan.instructions[place]
        guard let function = functions[place], !instruction.is_single else { return false }
        let arguments = [instruction.a, instruction.b, instruction.c].filter { $0 >= 0 }
        guard arguments.allSatisfy({ values[Int($0)].dtype == .float32 }) else { return false }
        switch function {
        case .binary(let function): return function.chainSteps != nil
        case .reduce(let operation): return !plan.isByColumns && operation.chainStep != nil
        case .unary, .multiplyAdd, .copy, .stream: return values[Int(instruction.out)].dtype == .float32
        }
    }

    /// How often each value is read: by instructions, and by stores that the runner itself makes.
    private func useCounts() -> [Int] {
        var counts = [Int](repeating: 0, count: values.count)
        for instruction in plan.instructions {
            for argument in [instruction.a, instruction.b, instruction.c] where argument >= 0 { counts[Int(argument)] += 1 }
        }
        for operand in plan.operands where operand.flat.is_store { counts[Int(operand.flat.value)] += 1 }
        return counts
    }
}

/// Writes the steps of one chain.
private struct ChainWriter {
    /// An instruction takes at most three steps: a load, itself, a store.
    static let longestRun = Int(SOMA_CHAIN_LIMIT) / 3

    private let planner: LoopPlanner
    private let uses: [Int]
    private(set) var steps: [soma_chain_step] = []
    /// The value that the accumulator holds.
    private var held = -1

    init(_ planner: LoopPlanner, _ run: [Int], _ uses: [Int]) {
        (self.planner, self.uses) = (planner, uses)
        for (number, place) in run.enumerated() {
            add(place)
            keepOrStore(place, next: number + 1 < run.count ? run[number + 1] : nil)
        }
    }

    private mutating func add(_ place: Int) {
        guard let function = planner.functions[place] else { return }
        let instruction = planner.plan.instructions[place]
        let (a, b, c) = (Int(instruction.a), Int(instruction.b), Int(instruction.c))
        switch function {
        case .unary(let function):
            hold(a)
            emit(function.chainStep, loop: instruction.loop)
        case .binary(let function): binary(function, a, b)
        case .multiplyAdd: multiplyAdd(a, b, c)
        case .copy:
            hold(a)
            emit(SOMA_CHAIN_STORE, Int(instruction.out))
        case .stream:
            hold(a)
            emit(SOMA_CHAIN_STREAM, Int(instruction.out))
        case .reduce(let operation):
            hold(a)
            if let step = operation.chainStep { emit(step) }
        }
    }

    private mutating func emit(_ kind: soma_chain_step_kind, _ y: Int = -1, _ z: Int = -1, loop: soma_loop? = nil) {
        steps.append(soma_chain_step(kind: kind, y: Int32(y), z: Int32(z), loop: loop))
    }

    private mutating func hold(_ value: Int) {
        if held != value { emit(SOMA_CHAIN_LOAD, value) }
        held = value
    }

    private mutating func binary(_ function: BinaryFunction, _ a: Int, _ b: Int) {
        guard let steps = function.chainSteps else { return }
        if a == b && a == held && function == .multiply { return emit(SOMA_CHAIN_SQUARE) }
        // The accumulator has a vector; it may be on the right.
        let isSwapped = held == b || (held != a && planner.isSingle(a))
        hold(isSwapped ? b : a)
        let other = isSwapped ? a : b
        let kind = isSwapped ? steps.swapped : steps.plain
        emit(planner.isSingle(other) ? soma_chain_step_kind(rawValue: kind.rawValue + 1) : kind, other)
    }

    /// The planner has put a vector first among the factors.
    private mutating func multiplyAdd(_ a: Int, _ b: Int, _ c: Int) {
        if held == c && held != a && held != b {
            return emit(planner.isSingle(b) ? SOMA_CHAIN_ADD_PRODUCT_Z : SOMA_CHAIN_ADD_PRODUCT, a, b)
        }
        let isSwapped = held == b
        hold(isSwapped ? b : a)
        let other = isSwapped ? a : b
        let kinds = [SOMA_CHAIN_SCALE_ADD, SOMA_CHAIN_SCALE_ADD_Y, SOMA_CHAIN_SCALE_ADD_Z, SOMA_CHAIN_SCALE_ADD_YZ]
        emit(kinds[(planner.isSingle(other) ? 1 : 0) + (planner.isSingle(c) ? 2 : 0)], other, c)
    }

    /// Lets the accumulator alone hold an instruction's result if only the next one takes it, and that once.
    private mutating func keepOrStore(_ place: Int, next: Int?) {
        switch planner.functions[place] {
        case .unary, .binary, .multiplyAdd: break
        case .copy, .stream, .reduce, nil: return
        }
        let result = Int(planner.plan.instructions[place].out)
        held = result
        if case .register = planner.values[result].home, let next, isTakenOnce(result, by: next) { return }
        emit(SOMA_CHAIN_STORE, result)
    }

    private func isTakenOnce(_ value: Int, by place: Int) -> Bool {
        let instruction = planner.plan.instructions[place]
        let count = [instruction.a, instruction.b, instruction.c].count { $0 == value }
        guard count > 0, count == uses[value] else { return false }
        if count == 1 { return true }
        if case .binary(.multiply) = planner.functions[place] { return true }
        return false
    }
}

extension BinaryFunction {
    /// The step that computes it of the accumulator and a vector, in either order; that for a single argument is the next one.
    fileprivate var chainSteps: (plain: soma_chain_step_kind, swapped: soma_chain_step_kind)? {
        switch self {
        case .add: (SOMA_CHAIN_ADD, SOMA_CHAIN_ADD)
        case .subtract: (SOMA_CHAIN_SUBTRACT, SOMA_CHAIN_SUBTRACT_FROM)
        case .multiply: (SOMA_CHAIN_MULTIPLY, SOMA_CHAIN_MULTIPLY)
        case .divide: (SOMA_CHAIN_DIVIDE, SOMA_CHAIN_DIVIDE_INTO)
        case .maximum: (SOMA_CHAIN_MAXIMUM, SOMA_CHAIN_MAXIMUM)
        case .minimum: (SOMA_CHAIN_MINIMUM, SOMA_CHAIN_MINIMUM)
        case .power, .remainder, .equal, .notEqual, .less, .lessOrEqual, .greater, .greaterOrEqual, .and, .or, .xor, .shiftLeft, .shiftRight: nil
        }
    }
}

extension UnaryFunction {
    fileprivate var chainStep: soma_chain_step_kind {
        switch self {
        case .negate: SOMA_CHAIN_NEGATE
        case .sqrt: SOMA_CHAIN_SQRT
        case .rsqrt: SOMA_CHAIN_RSQRT
        case .reciprocal: SOMA_CHAIN_RECIPROCAL
        case .exp: SOMA_CHAIN_EXP
        case .tanh: SOMA_CHAIN_TANH
        case .abs, .sign, .expm1, .log, .log1p, .log2, .log10, .sin, .cos, .sigmoid, .erf, .floor, .ceil, .round, .not: SOMA_CHAIN_LOOP
        }
    }
}

extension ReduceOperation {
    fileprivate var chainStep: soma_chain_step_kind? {
        switch self {
        case .sum: SOMA_CHAIN_SUM
        case .max: SOMA_CHAIN_MAX
        case .min: SOMA_CHAIN_MIN
        case .product, .argmax, .argmin: nil
        }
    }
}
