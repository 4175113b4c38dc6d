import CPUKernels
import SomaBackend
import SomaGraph

extension LoopPlanner {
    /// Plans instruction `place` of the body, to run in `phase`.
    mutating func plan(_ place: Int, phase: Int) {
        let instruction = nest.body.instructions[place]
        let dtype = instruction.dtype
        switch instruction.operation {
        case .load(let operand):
            let load = nest.body.loads[operand]
            valueOf[place] = self.load(slot: load.slot, dtype, load.access, isIndex: false)
        case .index(let access):
            valueOf[place] = load(slot: 0, dtype, access, isIndex: true)
        case .scalar(let index):
            let value = newValue(.address, dtype, [])
            plan.scalarValues += [Int32(value), Int32(nest.body.scalars[index])]
            valueOf[place] = value
        case .accumulator:
            programError("loop plan", "an accumulator outside the epilogue of a matmul")
        case .random(let key0, let key1, let counter, let index):
            valueOf[place] = random([key0, key1, counter], index, phase)
        case .unary(let function, let a):
            valueOf[place] = emit(dtype, [a], phase, .unary(function)) { _ in soma_loop_unary(function.loopFunction, dtype.loopType) }
        case .binary(let function, let a, let b):
            let type = nest.body.instructions[a].dtype.loopType
            valueOf[place] = emit(dtype, [a, b], phase, .binary(function)) { soma_loop_binary(function.loopFunction, type, $0) }
        case .select(let a, let b, let c):
            valueOf[place] = emit(dtype, [a, b, c], phase) { soma_loop_select(dtype.loopType, $0) }
        case .multiplyAdd(let a, let b, let c):
            valueOf[place] = multiplyAdd(dtype, a, b, c, phase)
        case .cast(let a):
            let type = nest.body.instructions[a].dtype.loopType
            valueOf[place] = emit(dtype, [a], phase) { _ in soma_loop_cast(type, dtype.loopType) }
        case .reduce(let operation, let a):
            valueOf[place] = reduce(operation, of: a, dtype, phase)
        }
    }

    /// An instruction over the values of other instructions. `loop` finds it for the form that they have; where there is none in that form, single
    /// arguments are spread first.
    private mutating func emit(
        _ dtype: DType, _ arguments: [Int], _ phase: Int, _ function: ChainFunction? = nil, _ loop: (soma_form) -> soma_loop?
    ) -> Int {
        emit(dtype, values: arguments.map { value($0) }, phase, function, loop)
    }

    private mutating func emit(
        _ dtype: DType, values arguments: [Int], _ phase: Int, _ function: ChainFunction?, _ loop: (soma_form) -> soma_loop?
    ) -> Int {
        let variation = arguments.reduce(into: Variation()) { $0.formUnion(values[$1].variation) }
        var arguments = arguments
        var found = loop(form(of: variation.contains(.block) ? arguments : []))
        if found == nil {
            arguments = arguments.map { isSingle($0) ? spread($0, phase) : $0 }
            found = loop(SOMA_ALL_VECTORS)
        }
        guard let found else { programError("loop plan", "a function that is not defined for its type") }
        let result = newResult(dtype, variation)
        append(found, result, arguments, phase, isSingle: !variation.contains(.block), function)
        return result
    }

    /// Which of the arguments are single.
    private func form(of arguments: [Int]) -> soma_form {
        let bits = zip(arguments, [1, 2, 4]).reduce(0) { $0 | (isSingle($1.0) ? UInt32($1.1) : 0) }
        return soma_form(rawValue: bits)
    }

    mutating func append(
        _ loop: @escaping soma_loop, _ out: Int, _ arguments: [Int], _ phase: Int, isSingle: Bool, _ function: ChainFunction? = nil
    ) {
        func argument(_ place: Int) -> Int32 { place < arguments.count ? Int32(arguments[place]) : -1 }
        let instruction = soma_instruction(
            loop: loop, out: Int32(out), a: argument(0), b: argument(1), c: argument(2), phase: Int32(phase), is_single: isSingle, reduction: -1,
            chain: 0, chain_count: 0)
        if isSingle && values[out].isScratch && (arguments + [out]).allSatisfy({ values[$0].variation.isEmpty }) {
            plan.uniforms.append(instruction)
        } else {
            plan.instructions.append(instruction)
            functions.append(function)
        }
    }

    /// A block of copies of a single value.
    mutating func spread(_ value: Int, _ phase: Int) -> Int {
        let dtype = values[value].dtype
        let result = newValue(.register, dtype, values[value].variation.union(.block))
        append(soma_loop_splat(dtype.loopType), result, [value], phase, isSingle: false)
        return result
    }

    /// a·b + c. The vector among the factors comes first; two single factors are multiplied on their own.
    private mutating func multiplyAdd(_ dtype: DType, _ a: Int, _ b: Int, _ c: Int, _ phase: Int) -> Int {
        let (x, y, z) = (value(a), value(b), value(c))
        let type = dtype.loopType
        let isFloat = dtype.isFloatingPoint
        let hasVectorFactor = !isSingle(x) || !isSingle(y)
        guard isFloat, hasVectorFactor || isSingle(z) else {
            let product = emit(dtype, values: [x, y], phase, .binary(.multiply)) { soma_loop_binary(SOMA_MULTIPLY, type, $0) }
            return emit(dtype, values: [product, z], phase, .binary(.add)) { soma_loop_binary(SOMA_ADD, type, $0) }
        }
        return emit(dtype, values: isSingle(x) ? [y, x, z] : [x, y, z], phase, .multiplyAdd) { soma_loop_multiply_add($0) }
    }

    /// Random words; the loop wants the key's two words and the counter side by side.
    private mutating func random(_ key: [Int], _ index: Int, _ phase: Int) -> Int {
        let number = value(index), parts = key.map { value($0) }
        guard parts.allSatisfy({ isSingle($0) }) else { programError("random", "a key or a counter that differs from element to element") }
        let variation = parts.reduce(into: values[number].variation) { $0.formUnion(values[$1].variation) }
        let cell = newValue(.cell(16), .uint32, variation.subtracting(.block))
        for (place, part) in parts.enumerated() {
            let word = newValue(.word(ofCell: cell, offset: place * 4), .uint32, values[cell].variation)
            append(soma_loop_copy(SOMA_UINT32), word, [part], phase, isSingle: true)
        }
        let result = newResult(.uint32, variation)
        append(soma_loop_random(values[number].dtype.loopType), result, [number, cell], phase, isSingle: !variation.contains(.block))
        return result
    }

    private mutating func reduce(_ operation: ReduceOperation, of argument: Int, _ dtype: DType, _ phase: Int) -> Int {
        var operand = value(argument)
        let type = nest.body.instructions[argument].dtype.loopType
        if isSingle(operand) { operand = spread(operand, phase) }
        // By rows the result is one element of a line; by columns it is the block that was summed up.
        let result = plan.isByColumns ? newValue(.address, dtype, [.line, .block]) : newValue(.cell(8), dtype, .line)
        plan.reductions.append(soma_reduction_for(operation.loopFunction, type))
        plan.instructions.append(soma_instruction(
            loop: nil, out: Int32(result), a: Int32(operand), b: -1, c: -1, phase: Int32(phase), is_single: false,
            reduction: Int32(plan.reductions.count - 1), chain: 0, chain_count: 0))
        functions.append(.reduce(operation))
        return result
    }
}
