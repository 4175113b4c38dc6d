import SomaBackend
import SomaGraph

/// Random memory for one step, which is the same each time.
struct StepMemory {
    /// The slots that the step names, how many elements they hold, and of what.
    private(set) var slots: [Int: (count: Int, dtype: DType)] = [:]
    let written: Set<Int>
    private let scalars: [UInt64]
    private let offsetCount: Int

    init(_ step: Step) {
        let operands = step.operandsWithExtents
        for (operand, extents) in operands {
            let reach = zip(operand.access.strides, extents).reduce(operand.access.offset) { $0 + max(0, $1.0 * ($1.1 - 1)) }
            slots[operand.slot] = (max(slots[operand.slot]?.count ?? 1, reach + 1), operand.dtype)
        }
        written = Set(step.writes.map(\.slot))
        scalars = Self.scalars(step.bodies)
        offsetCount = (operands.compactMap(\.0.access.runtimeOffset) + step.bodies.flatMap(\.indexOffsets)).max().map { $0 + 1 } ?? 0
    }

    /// Numbers that the step gets when it runs: ones.
    private static func scalars(_ bodies: [Body]) -> [UInt64] {
        var scalars: [UInt64] = []
        for body in bodies {
            for instruction in body.instructions {
                guard case .scalar(let index) = instruction.operation else { continue }
                let place = body.scalars[index]
                scalars += [UInt64](repeating: 0, count: max(0, place + 1 - scalars.count))
                scalars[place] = Scalar(1, instruction.dtype).bits
            }
        }
        return scalars
    }

    /// Slots in order, up to the last that the step names.
    var places: Range<Int> { 0..<((slots.keys.max() ?? -1) + 1) }

    func byteCount(_ slot: Int) -> Int { slots[slot].map { max(1, $0.count) * $0.dtype.byteCount } ?? 1 }

    /// Bindings of new buffers.
    /// - Throws: `BackendError.outOfMemory`.
    func bindings(on backend: any Backend) throws -> Bindings {
        let buffers = try places.map { BufferSlice(try backend.allocate(byteCount: byteCount($0))) }
        return Bindings(buffers: buffers, scalars: scalars, offsets: [Int](repeating: 0, count: offsetCount))
    }

    /// Writes what the memory holds at first: numbers from -1 to 1, small whole numbers, and truths.
    func fill(_ bindings: Bindings, on backend: any Backend) throws {
        for (slot, content) in slots.sorted(by: { $0.key < $1.key }) {
            var bytes = [UInt8](repeating: 0, count: byteCount(slot))
            var state = UInt64(slot &+ 1) &* 0x9E37_79B9_7F4A_7C15
            bytes.withUnsafeMutableBytes { memory in
                for place in 0..<content.count {
                    state ^= state << 13
                    state ^= state >> 7
                    state ^= state << 17
                    Self.write(state >> 11, content.dtype, at: place, memory)
                }
            }
            try bytes.withUnsafeBytes { try backend.upload($0, to: bindings.buffers[slot]) }
        }
    }

    private static func write(_ random: UInt64, _ dtype: DType, at place: Int, _ memory: UnsafeMutableRawBufferPointer) {
        let small = random % 8
        switch dtype {
        case .float32: memory.storeBytes(of: Float(random & 0xFFFF) / 32768 - 1, toByteOffset: place * 4, as: Float.self)
        case .int32, .uint32: memory.storeBytes(of: UInt32(small), toByteOffset: place * 4, as: UInt32.self)
        case .int64: memory.storeBytes(of: small, toByteOffset: place * 8, as: UInt64.self)
        case .uint8: memory[place] = UInt8(small)
        case .bool: memory[place] = UInt8(small & 1)
        }
    }

    /// What the step has written.
    func results(_ bindings: Bindings, on backend: any Backend) throws -> [Int: [UInt8]] {
        try Dictionary(uniqueKeysWithValues: written.map { slot in
            var bytes = [UInt8](repeating: 0, count: byteCount(slot))
            try bytes.withUnsafeMutableBytes { try backend.download(bindings.buffers[slot], into: $0) }
            return (slot, bytes)
        })
    }

    /// What differs first between two results; `nil` if nothing does.
    ///
    /// Whole numbers must be equal. Real numbers may differ by 1e-5 + 1.3e-6·√terms of the largest among them.
    func firstDifference(_ got: [Int: [UInt8]], _ wanted: [Int: [UInt8]], terms: Int) -> String? {
        for slot in written.sorted() {
            guard let a = got[slot], let b = wanted[slot], let dtype = slots[slot]?.dtype else { continue }
            if dtype != .float32 {
                if a != b { return "a result of whole numbers differs" }
                continue
            }
            let place = a.withUnsafeBytes { a in
                b.withUnsafeBytes { b in Self.firstDifference(a.bindMemory(to: Float.self), b.bindMemory(to: Float.self), terms) }
            }
            if let place { return place }
        }
        return nil
    }

    private static func firstDifference(_ got: UnsafeBufferPointer<Float>, _ wanted: UnsafeBufferPointer<Float>, _ terms: Int) -> String? {
        let largest = wanted.reduce(0) { $1.isFinite ? max($0, abs($1)) : $0 }
        let tolerance = 1e-5 + 1.3e-6 * Float(terms).squareRoot() * largest
        for place in wanted.indices {
            let (a, b) = (got[place], wanted[place])
            if a == b || (a.isNaN && b.isNaN) || abs(a - b) <= tolerance { continue }
            return "element \(place) is \(a) and should be \(b)"
        }
        return nil
    }
}

extension Step {
    fileprivate var bodies: [Body] {
        switch self {
        case .map(let nest), .reduce(let nest), .row(let nest): [nest.body]
        case .matmul(let step): [step.epilogue]
        case .convolution(let step): [step.epilogue]
        case .pooling, .gather, .scatterAdd, .blockCopy, .attention, .recurrence, .scan, .custom: []
        }
    }

    /// Every operand of steps that can be tuned, with the extents that its strides are for.
    fileprivate var operandsWithExtents: [(Operand, [Int])] {
        func all(_ body: Body, _ extents: [Int]) -> [(Operand, [Int])] { (body.loads + body.stores.map(\.target)).map { ($0, extents) } }
        switch self {
        case .map(let nest), .reduce(let nest), .row(let nest): return all(nest.body, nest.outer + nest.inner)
        case .matmul(let step):
            return [(step.a, [step.batch, step.m, step.k]), (step.b, [step.batch, step.k, step.n])] + all(step.epilogue, step.nest.outer)
        case .convolution(let step):
            let (x, w, y) = (step.inputShape.dimensions, step.filterShape.dimensions, step.outputShape.dimensions)
            let factors = [(step.first, step.pass == .inputGradient ? y : x), (step.second, step.pass == .filterGradient ? y : w)]
            return factors.map { (operand, extents) in
                var plain = operand
                plain.access.strides = Shape(extents).contiguousStrides
                return (plain, extents)
            } + all(step.epilogue, step.nest.outer)
        case .pooling, .gather, .scatterAdd, .blockCopy, .attention, .recurrence, .scan, .custom: return []
        }
    }
}

extension Body {
    fileprivate var indexOffsets: [Int] {
        instructions.compactMap { if case .index(let access) = $0.operation { access.runtimeOffset } else { nil } }
    }
}
