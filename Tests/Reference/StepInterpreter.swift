import SomaBackend
import SomaGraph

/// Runs one step element by element, straight from the definitions in the doc comments of `Step` and `Instruction`.
struct StepInterpreter {
    let bindings: Bindings
    var faulty: UnaryFunction?
    /// Where each walk rounds in its own way: the number of the launch.
    var roundingSeed: Int?

    func run(_ step: Step) {
        switch step {
        case .map(let nest), .reduce(let nest), .row(let nest): loops(nest)
        case .matmul(let step): matmul(step)
        case .convolution(let step): convolution(step)
        case .pooling(let step): pooling(step)
        case .gather(let step): gather(step)
        case .scatterAdd(let step): scatterAdd(step)
        case .blockCopy(let step): blockCopy(step)
        case .attention(let step): step.isGradient ? attentionGradient(step) : attention(step)
        case .recurrence(let step): step.isGradient ? recurrenceGradient(step) : recurrence(step)
        case .scan: preconditionFailure("a scan is run step by step")
        case .custom(let step): custom(step)
        }
    }

    private func custom(_ step: CustomStep) {
        guard let kernel = step.operation as? CustomKernel else { preconditionFailure("\(step.operation.name) has no closure for the CPU") }
        func first(_ operand: Operand) -> UnsafeMutableRawPointer {
            let slice = bindings.buffers[operand.slot]
            let start = place(operand.access, operand.access.strides.map { _ in 0 })
            return (slice.buffer as! InterpretingBackend.Memory).bytes + slice.byteOffset + start * operand.dtype.byteCount
        }
        kernel.compute(step.inputs.map { UnsafeRawPointer(first($0)) }, step.inputShapes, first(step.output), step.outputShape)
    }

    // MARK: Memory

    private func pointer(_ operand: Operand, _ element: Int) -> UnsafeMutableRawPointer {
        let slice = bindings.buffers[operand.slot]
        let memory = slice.buffer as! InterpretingBackend.Memory
        let byte = slice.byteOffset + element * operand.dtype.byteCount
        precondition(byte >= 0 && byte + operand.dtype.byteCount <= memory.byteCount, "element \(element) of \(operand) is out of bounds")
        return memory.bytes + byte
    }

    func place(_ access: Access, _ position: [Int]) -> Int {
        precondition(access.strides.count == position.count, "\(access) at \(position)")
        return access.offset + (access.runtimeOffset.map { bindings.offsets[$0] } ?? 0) + zip(access.strides, position).reduce(0) { $0 + $1.0 * $1.1 }
    }

    func load(_ operand: Operand, _ position: [Int]) -> Element { load(operand, at: place(operand.access, position)) }

    func load(_ operand: Operand, at element: Int) -> Element {
        let p = pointer(operand, element)
        switch operand.dtype {
        case .float32: return .real(p.load(as: Float.self))
        case .int32: return .whole(Int64(p.load(as: Int32.self)))
        case .uint32: return .whole(Int64(p.load(as: UInt32.self)))
        case .int64: return .whole(p.load(as: Int64.self))
        case .uint8, .bool: return .whole(Int64(p.load(as: UInt8.self)))
        }
    }

    func store(_ value: Element, _ operand: Operand, _ position: [Int]) { store(value, operand, at: place(operand.access, position)) }

    func store(_ value: Element, _ operand: Operand, at element: Int) {
        let p = pointer(operand, element)
        switch operand.dtype {
        case .float32: p.storeBytes(of: value.float, as: Float.self)
        case .int32: p.storeBytes(of: Int32(value.integer), as: Int32.self)
        case .uint32: p.storeBytes(of: UInt32(value.integer), as: UInt32.self)
        case .int64: p.storeBytes(of: value.integer, as: Int64.self)
        case .uint8, .bool: p.storeBytes(of: UInt8(value.integer), as: UInt8.self)
        }
    }

    // MARK: Loops

    /// A nest, and what is the same at all of its outer positions.
    struct Plan {
        let nest: LoopNest
        let stages: BodyStages
        let inner: [[Int]]
        let dtypes: [DType]

        init(_ nest: LoopNest) {
            (self.nest, stages, inner, dtypes) = (nest, BodyStages(nest), positions(nest.inner), nest.body.instructions.map(\.dtype))
        }
    }

    /// Every instruction's value at every inner position of one outer position.
    private func values(_ plan: Plan, outer: [Int], _ accumulator: Element?) -> [[Element]] {
        var values: [[Element]] = []
        for i in plan.nest.body.instructions.indices { values.append(row(i, plan, outer, accumulator, values)) }
        return values
    }

    /// One instruction's value at every inner position.
    func row(_ number: Int, _ plan: Plan, _ outer: [Int], _ accumulator: Element?, _ values: [[Element]]) -> [Element] {
        let instruction = plan.nest.body.instructions[number]
        if case .reduce(let operation, let argument) = instruction.operation {
            let result = interpret(operation, values[argument], plan.dtypes[argument])
            return plan.inner.isEmpty ? [result] : plan.inner.map { _ in result }
        }
        return plan.inner.indices.map { i in
            evaluate(instruction, plan.nest.body, outer + plan.inner[i], accumulator, plan.dtypes) { k in
                values[k].count > i ? values[k][i] : values[k][0]
            }
        }
    }

    private func evaluate(
        _ instruction: Instruction, _ body: Body, _ position: [Int], _ accumulator: Element?, _ dtypes: [DType], _ value: (Int) -> Element
    ) -> Element {
        switch instruction.operation {
        case .load(let operand): return load(body.loads[operand], position)
        case .scalar(let index): return Element(Scalar(bits: bindings.scalars[body.scalars[index]], dtype: instruction.dtype))
        case .index(let access): return .whole(Int64(place(access, position)))
        case .accumulator: return accumulator!
        case .unary(let function, let a):
            let result = interpret(function, value(a), dtypes[a])
            return function == faulty ? .real(result.float + 1) : result
        case .binary(let function, let a, let b): return interpret(function, value(a), value(b), dtypes[a])
        case .select(let c, let a, let b): return value(c).isTrue ? value(a) : value(b)
        case .multiplyAdd(let a, let b, let c): return .real((value(a).float * value(b).float) + value(c).float)
        case .cast(let a): return value(a).cast(from: dtypes[a], to: instruction.dtype)
        case .random(let key0, let key1, let counter, let index):
            let i = UInt64(value(index).integer)
            let counters = SIMD4(
                UInt32(truncatingIfNeeded: i >> 2), UInt32(truncatingIfNeeded: i >> 34), UInt32(value(counter).integer), 0)
            let words = Philox.block(counter: counters, key: [UInt32(value(key0).integer), UInt32(value(key1).integer)])
            return .whole(Int64(words[Int(i & 3)]))
        case .reduce: preconditionFailure("reductions are evaluated over rows")
        }
    }

    private func loops(_ nest: LoopNest) {
        let plan = Plan(nest)
        for outer in positions(nest.outer) { finish(plan, outer, nil) }
    }

    func finish(_ plan: Plan, _ outer: [Int], _ accumulator: Element?) {
        if let roundingSeed { return finishWalkByWalk(plan, outer, accumulator, roundingSeed) }
        let values = values(plan, outer: outer, accumulator)
        for (number, target) in plan.nest.body.stores.enumerated() {
            if plan.stages.outerStores.contains(number) {
                store(values[target.value][0], target.target, outer + plan.nest.inner.map { _ in 0 })
            } else {
                for (i, position) in plan.inner.enumerated() { store(values[target.value][i], target.target, outer + position) }
            }
        }
    }

    // MARK: The rest

    private func matmul(_ step: MatmulStep) {
        let plan = Plan(step.nest)
        for position in positions([step.batch, step.m, step.n]) {
            var sum = 0.0
            for k in 0..<step.k {
                sum += Double(load(step.a, [position[0], position[1], k]).float) * Double(load(step.b, [position[0], k, position[2]]).float)
            }
            finish(plan, position, .real(Float(sum)))
        }
    }

    private func start(_ operand: Operand) -> Int { operand.access.offset + (operand.access.runtimeOffset.map { bindings.offsets[$0] } ?? 0) }

    private func gather(_ step: GatherStep) {
        for p in positions([step.outer, step.count, step.inner]) {
            let index = Int(load(step.indices, at: start(step.indices) + p[1]).integer)
            let missing: Element = step.input.dtype == .float32 ? .real(.nan) : .whole(0)
            let value = index >= 0 && index < step.extent
                ? load(step.input, at: start(step.input) + (p[0] * step.extent + index) * step.inner + p[2]) : missing
            store(value, step.output, at: start(step.output) + (p[0] * step.count + p[1]) * step.inner + p[2])
        }
    }

    private func scatterAdd(_ step: ScatterAddStep) {
        for p in positions([step.outer, step.count, step.inner]) {
            let index = Int(load(step.indices, at: start(step.indices) + p[1]).integer)
            guard index >= 0 && index < step.extent else { continue }
            let place = start(step.target) + (p[0] * step.extent + index) * step.inner + p[2]
            let update = load(step.updates, at: start(step.updates) + (p[0] * step.count + p[1]) * step.inner + p[2])
            store(interpret(.add, load(step.target, at: place), update, step.target.dtype), step.target, at: place)
        }
    }

    private func blockCopy(_ step: BlockCopyStep) {
        var shift = 0
        for axis in step.extents.indices {
            let begin = Int(load(step.starts, at: start(step.starts) + axis).integer)
            shift += Swift.min(Swift.max(begin, 0), step.limits[axis]) * step.startStrides[axis]
        }
        for position in positions(step.extents) {
            let source = place(step.source.access, position) + (step.movesSource ? shift : 0)
            let target = place(step.target.access, position) + (step.movesSource ? 0 : shift)
            store(load(step.source, at: source), step.target, at: target)
        }
    }
}

/// All positions within extents, row-major.
func positions(_ extents: [Int]) -> [[Int]] {
    extents.reduce([[]]) { heads, extent in heads.flatMap { head in (0..<extent).map { head + [$0] } } }
}

/// A batch of products of matrices from their definition, [batch, m, n], one term after the other.
/// - Parameters:
///   - extents: batch, m, n and k.
///   - x: strides of `a` along batch, m and k.
///   - y: strides of `b` along batch, k and n.
public func sumsOfProducts(_ extents: [Int], _ a: [Float], _ x: [Int], _ b: [Float], _ y: [Int]) -> [Float] {
    positions(Array(extents[..<3])).map { at in
        var sum: Float = 0
        for p in 0..<extents[3] { sum += a[at[0] * x[0] + at[1] * x[1] + p * x[2]] * b[at[0] * y[0] + p * y[1] + at[2] * y[2]] }
        return sum
    }
}
