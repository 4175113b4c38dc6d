import CPUKernels
import Glibc
import SomaBackend
import SomaGraph

/// output[o, j, i] = input[o, indices[j], i], a row of `inner` elements at a time.
final class GatherProgram: CPUStep, @unchecked Sendable {
    private let step: GatherStep
    init(_ step: GatherStep) { self.step = step }

    override func run(_ context: RunContext) throws {
        let width = step.input.dtype.byteCount
        let rowBytes = step.inner * width
        let (input, output) = (Address(context.base(step.input)), Address(context.base(step.output)))
        let indices = Address(context.base(step.indices))
        let step = step
        parallel(over: step.outer * step.count, grain: max(1, 16384 / max(rowBytes, 1))) { rows in
            var (o, j) = rows.lowerBound.quotientAndRemainder(dividingBy: step.count)
            for row in rows {
                let index = Int(indices.pointer.load(fromByteOffset: j * 4, as: Int32.self))
                let target = output.pointer + row * rowBytes
                let source = input.pointer + (o * step.extent + index) * rowBytes
                j += 1
                if j == step.count { (o, j) = (o + 1, 0) }
                if index >= 0 && index < step.extent {
                    // A copy of a size that is known is one instruction.
                    if rowBytes == 4 { memcpy(target, source, 4) } else { memcpy(target, source, rowBytes) }
                } else if step.input.dtype.isFloatingPoint {
                    target.initializeMemory(as: Float.self, repeating: .nan, count: step.inner)
                } else {
                    memset(target, 0, rowBytes)
                }
            }
        }
    }
}

/// target[o, indices[j], i] += updates[o, j, i] in the order of j. Threads share the columns and the outer positions, never a sum.
final class ScatterAddProgram: CPUStep, @unchecked Sendable {
    private let step: ScatterAddStep
    init(_ step: ScatterAddStep) { self.step = step }

    override func run(_ context: RunContext) throws {
        let target = Address(context.base(step.target)), updates = Address(context.base(step.updates))
        let indices = Address(context.base(step.indices))
        let step = step
        // As many columns as give each thread a share, whose sums stay in a second-level cache.
        let strip = min(max(64, 65536 / max(step.extent, 1)), max(64, step.inner / Int(2 * soma_team_size()) / 16 * 16))
        let strips = (step.inner + strip - 1) / strip
        parallel(over: step.outer * strips, grain: max(1, 16384 / max(step.count * min(step.inner, strip), 1))) { parts in
            let indices = indices.pointer.assumingMemoryBound(to: Int32.self)
            for part in parts {
                let (o, s) = part.quotientAndRemainder(dividingBy: strips)
                let columns = s * strip..<min((s + 1) * strip, step.inner)
                let target = target.pointer + o * step.extent * step.inner * step.target.dtype.byteCount
                let updates = updates.pointer + o * step.count * step.inner * step.target.dtype.byteCount
                switch step.target.dtype {
                case .float32:
                    soma_scatter_add(
                        target.assumingMemoryBound(to: Float.self), updates.assumingMemoryBound(to: Float.self), indices, step.count,
                        step.extent, step.inner, columns.lowerBound, columns.upperBound)
                case .int32: step.add(target, updates, indices, columns, Int32.self)
                case .uint32: step.add(target, updates, indices, columns, UInt32.self)
                case .int64: step.add(target, updates, indices, columns, Int64.self)
                case .uint8, .bool: step.add(target, updates, indices, columns, UInt8.self)
                }
            }
        }
    }
}

extension ScatterAddStep {
    fileprivate func add<Element: FixedWidthInteger>(
        _ target: UnsafeMutableRawPointer, _ updates: UnsafeMutableRawPointer, _ indices: UnsafePointer<Int32>, _ columns: Range<Int>,
        _ type: Element.Type
    ) {
        let (target, updates) = (target.assumingMemoryBound(to: Element.self), updates.assumingMemoryBound(to: Element.self))
        for j in 0..<count {
            let index = Int(indices[j])
            guard index >= 0 && index < extent else { continue }
            for i in columns { target[index * inner + i] &+= updates[j * inner + i] }
        }
    }
}

/// Copies a block whose place is read when the step runs.
final class BlockCopyProgram: CPUStep, @unchecked Sendable {
    private let step: BlockCopyStep
    init(_ step: BlockCopyStep) { self.step = step }

    override func run(_ context: RunContext) throws {
        let starts = context.base(step.starts).assumingMemoryBound(to: Int32.self)
        var shift = 0
        for axis in step.extents.indices { shift += min(max(Int(starts[axis]), 0), step.limits[axis]) * step.startStrides[axis] }
        let width = step.source.dtype.byteCount
        let source = Address(context.base(step.source) + (step.movesSource ? shift * width : 0))
        let target = Address(context.base(step.target) + (step.movesSource ? 0 : shift * width))
        let rank = step.extents.count
        guard let row = step.extents.last else { return copy(1, from: source.pointer, 1, to: target.pointer, 1, width) }
        let rows = step.extents.dropLast().reduce(1, *)
        let step = step
        parallel(over: rows, grain: max(1, 16384 / max(row * width, 1))) { [self] part in
            for number in part {
                var (rest, from, to) = (number, 0, 0)
                for axis in stride(from: rank - 2, through: 0, by: -1) {
                    let position = rest % step.extents[axis]
                    rest /= step.extents[axis]
                    from += position * step.source.access.strides[axis]
                    to += position * step.target.access.strides[axis]
                }
                copy(
                    row, from: source.pointer + from * width, step.source.access.strides[rank - 1],
                    to: target.pointer + to * width, step.target.access.strides[rank - 1], width)
            }
        }
    }

    private func copy(
        _ count: Int, from source: UnsafeMutableRawPointer, _ sourceStride: Int, to target: UnsafeMutableRawPointer, _ targetStride: Int,
        _ width: Int
    ) {
        if sourceStride == 1 && targetStride == 1 {
            memcpy(target, source, count * width)
        } else {
            for i in 0..<count { memcpy(target + i * targetStride * width, source + i * sourceStride * width, width) }
        }
    }
}

/// A user's own closure over contiguous operands.
final class CustomProgram: CPUStep, @unchecked Sendable {
    private let step: CustomStep
    private let kernel: CustomKernel

    /// - Throws: `BackendError.unsupported` for an operation without a closure for the host.
    init(_ step: CustomStep) throws {
        guard let kernel = step.operation as? CustomKernel else {
            throw BackendError.unsupported("\(step.operation.name) on the CPU: it has no closure for the host")
        }
        (self.step, self.kernel) = (step, kernel)
    }

    override func run(_ context: RunContext) throws {
        kernel.compute(
            step.inputs.map { UnsafeRawPointer(context.base($0)) }, step.inputShapes, context.base(step.output), step.outputShape)
    }
}

// MARK: - The team

/// A pointer that threads of the team share; each writes its own part.
struct Address: @unchecked Sendable {
    let pointer: UnsafeMutableRawPointer
    init(_ pointer: UnsafeMutableRawPointer) { self.pointer = pointer }
}

/// Runs `body` over parts of 0 ..< count on the team and waits for all of them. The parts depend on the count, the grain and the size of
/// the team alone.
func parallel(over count: Int, grain: Int, _ body: @escaping @Sendable (Range<Int>) -> Void) {
    let context = Unmanaged.passRetained(LoopBody(body))
    defer { context.release() }
    soma_parallel_for(
        count, grain,
        { begin, end, _, context in
            guard let context else { return }
            Unmanaged<LoopBody>.fromOpaque(context).takeUnretainedValue().run(begin..<end)
        }, context.toOpaque())
}

private final class LoopBody: Sendable {
    let run: @Sendable (Range<Int>) -> Void
    init(_ run: @escaping @Sendable (Range<Int>) -> Void) { self.run = run }
}
