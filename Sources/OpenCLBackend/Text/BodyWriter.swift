import SomaBackend
import SomaGraph

/// Writes the instructions of a body as OpenCL C.
///
/// Instruction n becomes `const T vn = …;`, or `vn_0 … vn_3` where a work-item computes four neighbours at once.
struct BodyWriter {
    let nest: LoopNest
    let stages: BodyStages
    let table: AccessTable
    /// Neighbours along the last axis that are computed at once: 1 or 4.
    let width: Int
    /// The product in the epilogue of a matmul, for each lane.
    var accumulator: (Int) -> String = { _ in programError("OpenCL", "an accumulator outside of a matmul") }
    /// Loads that the walk being written keeps in registers for later walks, and loads that it takes from there.
    var kept = Set<Int>()
    var taken = Set<Int>()

    private let classOfLoad: [Int]
    private let classOfStore: [Int]
    private let classOfIndex: [Int: Int]

    /// Declares the body's operands, scalars and strides among the parameters.
    init(_ nest: LoopNest, width: Int, _ parameters: inout KernelParameters) {
        var table = AccessTable()
        let body = nest.body
        classOfLoad = body.loads.map { table.insert($0.access) }
        classOfStore = body.stores.map { table.insert($0.target.access) }
        var classOfIndex: [Int: Int] = [:]
        for (i, instruction) in body.instructions.enumerated() {
            guard case .index(let access) = instruction.operation else { continue }
            classOfIndex[i] = table.insert(access)
        }
        (self.nest, self.stages, self.table, self.width, self.classOfIndex) = (nest, BodyStages(nest), table, width, classOfIndex)
        declare(in: &parameters)
    }

    private func declare(in parameters: inout KernelParameters) {
        for (n, operand) in nest.body.loads.enumerated() { parameters.add(operand, "x\(n)", isConstant: true, width: vectorWidth(operand)) }
        for (n, store) in nest.body.stores.enumerated() {
            parameters.add(store.target, "y\(n)", isConstant: false, width: vectorWidth(store.target))
        }
        for (i, instruction) in nest.body.instructions.enumerated() {
            switch instruction.operation {
            case .scalar(let index):
                let place = KernelArgument.scalar(place: nest.body.scalars[index], byteCount: instruction.dtype.byteCount)
                parameters.add("const \(instruction.dtype.memoryType) s\(i)", place)
            case .index(let access):
                parameters.add(position: "q\(i)", access, isWide: instruction.dtype == .int64)
            default: break
            }
        }
        table.declare(in: &parameters)
    }

    /// How many neighbours of an operand are accessed at once.
    private func vectorWidth(_ operand: Operand) -> Int { width > 1 && operand.access.strides.last == 1 ? width : 1 }

    // MARK: Positions

    /// Classes of the loads, stores and indices among these instructions and stores.
    func classes(of instructions: [Int], stores: [Int]) -> [Int] {
        var used = Set(stores.map { classOfStore[$0] })
        for i in instructions {
            if case .load(let operand) = nest.body.instructions[i].operation { used.insert(classOfLoad[operand]) }
            if let number = classOfIndex[i] { used.insert(number) }
        }
        return used.sorted()
    }

    /// `const soma_index p0 = …;` for each class: a base that was computed before, plus what these axes contribute.
    func positions(
        _ classes: [Int], _ name: String, base: String? = nil, _ coordinates: [(axis: Int, name: String)]
    ) -> [String] {
        classes.map { number in
            let terms = [base.map { $0 + String(number) }, table.position(number, coordinates)].compactMap(\.self)
            return "const soma_index \(name)\(number) = \(terms.isEmpty ? "0" : terms.joined(separator: " + "));"
        }
    }

    // MARK: Instructions

    /// What a kernel computes first: operands moved to their first element, and the values that are the same everywhere.
    var uniforms: [String] {
        nest.body.loads.indices.map { "x\($0) += x\($0)_offset;" } + nest.body.stores.indices.map { "y\($0) += y\($0)_offset;" }
            + lines(stages.uniforms, positions: "")
    }

    /// Instructions in order, with class c's position in the variable `positions` + c.
    func lines(_ instructions: [Int], positions: String) -> [String] {
        instructions.flatMap { i -> [String] in
            if negated(i) != nil { return [] }
            if case .load(let operand) = nest.body.instructions[i].operation { return load(i, operand, positions) }
            return lanes(i).map { lane in
                "const \(nest.body.instructions[i].dtype.valueType) \(value(i, lane)) = \(expression(i, lane, positions));"
            }
        }
    }

    /// The name of an instruction's value, or the negation of another's.
    func value(_ i: Int, _ lane: Int) -> String {
        if let argument = negated(i) { return "(-\(value(argument, lane)))" }
        return isPerLane(i) ? "v\(i)_\(lane)" : "v\(i)"
    }

    /// What an instruction negates. A negation is written where it is used, since GPUs negate an operand at no cost; and Intel's compiler for
    /// processors mistakes a negation that work-items compute between barriers (its release 2026.2).
    private func negated(_ i: Int) -> Int? {
        guard case .unary(.negate, let argument) = nest.body.instructions[i].operation else { return nil }
        return nest.body.instructions[i].dtype == .float32 ? argument : nil
    }

    /// The lanes for which an instruction is computed.
    func lanes(_ i: Int) -> Range<Int> { 0..<(isPerLane(i) ? width : 1) }

    private func isPerLane(_ i: Int) -> Bool {
        guard width > 1, stages.levels[i] == .element else { return false }
        if case .load(let operand) = nest.body.instructions[i].operation { return nest.body.loads[operand].access.strides.last != 0 }
        return true
    }

    private func load(_ i: Int, _ operand: Int, _ positions: String) -> [String] {
        let dtype = nest.body.loads[operand].dtype
        let position = positions + String(classOfLoad[operand])
        let declaration = "const \(dtype.valueType) "
        if taken.contains(i) {
            return lanes(i).map { "\(declaration)\(value(i, $0)) = \(held(i, $0));" }
        }
        var lines: [String]
        if isPerLane(i) {
            lines = ["const \(dtype.memoryType)\(width) w\(i) = SOMA_LOAD4(\(dtype.memoryType), x\(operand), \(position));"]
            lines += lanes(i).map { "\(declaration)\(value(i, $0)) = \(dtype.loaded("w\(i)." + Self.component($0)));" }
        } else {
            lines = ["\(declaration)v\(i) = \(dtype.loaded("x\(operand)[\(position)]"));"]
        }
        if kept.contains(i) { lines += lanes(i).map { "\(held(i, $0)) = \(value(i, $0));" } }
        return lines
    }

    private func held(_ i: Int, _ lane: Int) -> String { "held\(i)[h * \(lanes(i).count) + \(lane)]" }

    /// Where loads are kept between walks.
    func holders(_ loads: Set<Int>) -> [String] {
        loads.sorted().map { "\(nest.body.instructions[$0].dtype.valueType) held\($0)[HOLD * \(lanes($0).count)];" }
    }

    private static func component(_ lane: Int) -> String { ["x", "y", "z", "w"][lane] }

    private func expression(_ i: Int, _ lane: Int, _ positions: String) -> String {
        let instruction = nest.body.instructions[i]
        func argument(_ n: Int) -> String { value(n, lane) }
        func type(of n: Int) -> DType { nest.body.instructions[n].dtype }
        switch instruction.operation {
        case .load: programError("OpenCL", "loads are written elsewhere")
        case .scalar: return instruction.dtype.loaded("s\(i)")
        case .index:
            let number = classOfIndex[i] ?? 0
            let shift = lane == 0 ? "" : " + \(lane) * \(table.step(number, table.classes[number].count - 1))"
            return "(\(instruction.dtype.valueType))(\(positions)\(number) + q\(i)\(shift))"
        case .accumulator: return accumulator(lane)
        case .random(let key0, let key1, let counter, let index):
            return "soma_random_\(type(of: index).valueType)(\([key0, key1, counter, index].map(argument).joined(separator: ", ")))"
        case .unary(let function, let a): return function.text(argument(a), type(of: a))
        case .binary(let function, let a, let b): return function.text(argument(a), argument(b), type(of: a))
        case .select(let condition, let a, let b): return "\(argument(condition)) ? \(argument(a)) : \(argument(b))"
        case .multiplyAdd(let a, let b, let c):
            return "soma_multiply_add_\(instruction.dtype.valueType)(\(argument(a)), \(argument(b)), \(argument(c)))"
        case .cast(let a): return type(of: a).cast(argument(a), to: instruction.dtype)
        case .reduce: programError("OpenCL", "reductions are written elsewhere")
        }
    }

    // MARK: Stores

    /// Values written at the current position and its neighbours.
    func elementStores(_ stores: [Int], positions: String) -> [String] {
        guard width > 1 else { return singleStores(stores, positions: positions) }
        return stores.map { n in
            let (value, dtype) = (nest.body.stores[n].value, nest.body.stores[n].target.dtype)
            let values = (0..<width).map { dtype.stored(self.value(value, $0)) }.joined(separator: ", ")
            return "SOMA_STORE4(\(dtype.memoryType), y\(n), \(positions)\(classOfStore[n]), \(values));"
        }
    }

    /// Values written once for an outer position.
    func singleStores(_ stores: [Int], positions: String) -> [String] {
        stores.map { n in
            let store = nest.body.stores[n]
            return "y\(n)[\(positions)\(classOfStore[n])] = \(store.target.dtype.stored(value(store.value, 0)));"
        }
    }
}

extension KernelParameters {
    /// A pointer to an operand's elements and where they begin.
    mutating func add(_ operand: Operand, _ name: String, isConstant: Bool, width: Int = 1) {
        add(
            "global \(isConstant ? "const " : "")\(operand.dtype.memoryType) *\(name)",
            operand.slot == Operand.workspaceSlot ? .workspace : .buffer(slot: operand.slot))
        if operand.slot == Operand.workspaceSlot {
            add("const long \(name)_offset", .long(operand.access.offset))
        } else {
            add(
                "const long \(name)_offset",
                .offset(
                    slot: operand.slot, elementSize: operand.dtype.byteCount, known: operand.access.offset, runtime: operand.access.runtimeOffset,
                    mustBeAligned: width > 1))
        }
    }
}

extension Operand {
    /// Stands for the device's scratch memory where a slot is expected.
    static let workspaceSlot = -1
}

extension LoopNest {
    /// Whether every element-level access can take four neighbours along the last axis at once, as far as is known before the launch.
    var allowsVectors: Bool {
        let extents = outer + inner
        guard let last = extents.last, last % 4 == 0 else { return false }
        let stages = BodyStages(self)
        let levels = stages.levels
        var operands: [Operand] = []
        for (i, instruction) in body.instructions.enumerated() where levels[i] == .element {
            if case .load(let operand) = instruction.operation { operands.append(body.loads[operand]) }
        }
        let stores = inner.isEmpty ? body.stores.map(\.target) : stages.stages.flatMap(\.elementStores).map { body.stores[$0].target }
        operands += stores
        let vectors = operands.filter { $0.access.strides.last == 1 }
        guard !vectors.isEmpty, operands.allSatisfy({ $0.access.strides.last == 1 || $0.access.strides.last == 0 }) else { return false }
        return vectors.allSatisfy { $0.access.offset % 4 == 0 && $0.access.strides.dropLast().allSatisfy { $0 % 4 == 0 } }
            && stores.allSatisfy { $0.access.strides.last == 1 }
    }
}
