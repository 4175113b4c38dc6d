import SomaBackend
import SomaGraph

/// A random loop nest over small extents, and random memory for it: what the planner may be given, in all its shapes.
public struct RandomNest {
    private var random: Philox
    public private(set) var nest: LoopNest
    private(set) var sizes: [Int] = []
    public private(set) var dtypes: [DType] = []

    public init(seed: UInt64) {
        random = Philox(seed: seed, stream: 77)
        nest = LoopNest(outer: [], body: Body())
        let isMap = pick(3) == 0
        let choices = [1, 2, 3, 5, 7, 16, 33, 70, 300]
        var budget = 6000
        func extent(_ number: Int) -> Int {
            let fitting = choices.filter { $0 <= budget }
            let extent = fitting[number % fitting.count]
            budget /= max(extent, 1)
            return extent
        }
        nest.outer = (0..<pick(4)).map { _ in extent(pick(97)) }
        if !isMap { nest.inner = (0..<(1 + pick(2))).map { _ in extent(pick(97)) } }
        addLoads()
        addInstructions()
        addStores()
    }

    private mutating func pick(_ bound: Int) -> Int { random.integer(below: bound) }
    private var extents: [Int] { nest.outer + nest.inner }

    /// Strides of a dense array over a random order of the axes, some of which it does not have, some backwards.
    private mutating func access(dropping: Bool) -> (Access, count: Int) {
        var order = Array(extents.indices)
        if pick(2) == 0 { order = random.permutation(of: extents.count) }
        var strides = [Int](repeating: 0, count: extents.count)
        var (size, offset) = (1, 0)
        for axis in order.reversed() where !(dropping && pick(4) == 0) {
            strides[axis] = size
            size *= extents[axis]
            if dropping && pick(8) == 0 {
                offset += strides[axis] * (extents[axis] - 1)
                strides[axis] = -strides[axis]
            }
        }
        if dropping && pick(8) == 0 {
            strides = strides.map { $0 * 2 }
            (size, offset) = (size * 2, offset * 2 + 1)
        }
        return (Access(strides: strides, offset: offset), size)
    }

    private mutating func addLoads() {
        for _ in 0..<(1 + pick(4)) {
            let dtype: DType = pick(4) == 0 ? [.int32, .uint8, .int64, .bool][pick(4)] : .float32
            let (access, count) = access(dropping: true)
            nest.body.loads.append(Operand(slot: sizes.count, dtype: dtype, access: access))
            nest.body.instructions.append(Instruction(.load(operand: nest.body.loads.count - 1), dtype))
            sizes.append(count)
            dtypes.append(dtype)
        }
        nest.body.scalars = [0, 1]
        nest.body.instructions.append(Instruction(.scalar(index: 0), .float32))
        nest.body.instructions.append(Instruction(.scalar(index: 1), .int32))
        nest.body.instructions.append(Instruction(.index(access(dropping: true).0), .int32))
    }

    private mutating func value(of dtype: DType) -> Int? {
        let fitting = nest.body.instructions.indices.filter { nest.body.instructions[$0].dtype == dtype }
        return fitting.isEmpty ? nil : fitting[pick(fitting.count)]
    }

    private mutating func addInstructions() {
        for _ in 0..<(3 + pick(12)) {
            guard let instruction = instruction() else { continue }
            nest.body.instructions.append(instruction)
        }
    }

    private mutating func instruction() -> Instruction? {
        let dtype: DType = pick(4) > 0 ? .float32 : [.int32, .int64, .uint8][pick(3)]
        guard let a = value(of: dtype), let b = value(of: dtype), let c = value(of: dtype) else { return nil }
        switch pick(nest.inner.isEmpty ? 6 : 9) {
        case 0: return Instruction(.unary(dtype == .float32 ? [.tanh, .negate, .abs, .sigmoid][pick(4)] : .negate, a), dtype)
        case 1: return Instruction(.binary([.add, .subtract, .maximum, .minimum][pick(4)], a, b), dtype)
        case 2: return Instruction(.binary([.less, .equal, .greaterOrEqual][pick(3)], a, b), .bool)
        case 3:
            guard let condition = value(of: .bool) else { return nil }
            return Instruction(.select(condition, a, b), dtype)
        case 4: return dtype == .float32 ? Instruction(.multiplyAdd(a, b, c), dtype) : Instruction(.binary(.multiply, a, b), dtype)
        case 5: return Instruction(.cast(a), [.float32, .int64, .bool][pick(3)])
        default:
            let operation: ReduceOperation = [.sum, .max, .min, .argmax, .argmin][pick(nest.inner.count == 1 ? 5 : 3)]
            return Instruction(.reduce(operation, a), operation.resultType(dtype))
        }
    }

    private mutating func addStores() {
        let stages = BodyStages(nest)
        for _ in 0..<(1 + pick(3)) {
            let place = nest.body.instructions.count - 1 - pick(min(6, nest.body.instructions.count))
            let dtype = nest.body.instructions[place].dtype
            var (access, count) = access(dropping: false)
            if stages.levels[place] != .element && !nest.inner.isEmpty && pick(4) > 0 {
                for axis in nest.outer.count..<extents.count { access.strides[axis] = 0 }
            }
            count = max(count, 1)
            nest.body.stores.append(Store(value: place, target: Operand(slot: sizes.count, dtype: dtype, access: access)))
            sizes.append(count)
            dtypes.append(dtype)
        }
    }

    /// Bytes for each slot: a few small numbers, now and then NaN or infinite; 0xA5 where results go.
    public mutating func memory() -> [[UInt8]] {
        sizes.indices.map { slot in
            if slot >= nest.body.loads.count { return [UInt8](repeating: 0xA5, count: sizes[slot] * dtypes[slot].byteCount) }
            let special = pick(6) == 0
            return (0..<sizes[slot]).flatMap { _ -> [UInt8] in
                let number = Double(pick(33) - 16) / (dtypes[slot].isFloatingPoint ? 8 : 1)
                let odd = special && pick(20) == 0
                let scalar = Scalar(odd ? [Double.nan, .infinity, -.infinity][pick(3)] : number, dtypes[slot])
                return (0..<dtypes[slot].byteCount).map { UInt8(truncatingIfNeeded: scalar.bits >> UInt64(8 * $0)) }
            }
        }
    }
}

/// What is in every slot after a backend has run a step on the given memory.
public func result(of step: Step, on backend: some Backend, _ memory: [[UInt8]], scalars: [UInt64]) throws -> [[UInt8]] {
    let slices = try memory.map { bytes in
        let slice = BufferSlice(try backend.allocate(byteCount: bytes.count))
        try bytes.withUnsafeBytes { try backend.upload($0, to: slice) }
        return slice
    }
    try backend.enqueue([try backend.prepare(step)], Bindings(buffers: slices, scalars: scalars))
    return try zip(slices, memory).map { slice, bytes in
        var bytes = bytes
        try bytes.withUnsafeMutableBytes { try backend.download(slice, into: $0) }
        return bytes
    }
}

/// Whether two results agree: integers exactly, real numbers within rounding.
public func agree(_ a: [UInt8], _ b: [UInt8], _ dtype: DType) -> Bool {
    guard dtype == .float32 else { return a == b }
    func floats(_ bytes: [UInt8]) -> [Float] { bytes.withUnsafeBytes { Array($0.bindMemory(to: Float.self)) } }
    return zip(floats(a), floats(b)).allSatisfy { x, y in
        guard x.isFinite && y.isFinite else { return x == y || x.isNaN && y.isNaN }
        return abs(x - y) <= 2e-4 * max(1, abs(y))
    }
}
