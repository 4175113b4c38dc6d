import CLibraries
import SomaBackend
import Synchronization

/// A part of a device's memory: a handle and where in it the part begins.
final class OpenCLBuffer: Buffer, @unchecked Sendable {
    let memory: cl_mem
    let offset: Int
    private let pool: OpenCLMemory
    private let block: OpenCLMemory.Block

    fileprivate init(byteCount: Int, memory: cl_mem, block: OpenCLMemory.Block, pool: OpenCLMemory) {
        (self.memory, self.offset, self.block, self.pool) = (memory, block.offset, block, pool)
        super.init(byteCount: byteCount)
    }

    deinit { pool.release(block, byteCount: byteCount) }
}

/// Hands out a device's memory. Small buffers share chunks at explicit offsets; a large one is a chunk of its own.
///
/// What is freed is given out again at once, also while queued work still uses it: the device has one queue, which runs in order, so
/// that the next owner's work comes after. Chunks that nobody uses are kept for reuse up to a bound.
final class OpenCLMemory: Sendable {
    /// Where a buffer lies: a chunk's number and the bytes in it.
    struct Block: Sendable {
        var chunk: Int
        var offset: Int
        var size: Int
    }

    fileprivate struct Chunk {
        var memory: cl_mem
        var size: Int
        /// Whether small buffers live here, many of them.
        var isShared: Bool
        /// Free ranges in order of offset, never adjacent.
        var free: [Range<Int>]
        var isUnused: Bool { free.first == 0..<size }
    }

    private struct Contents: @unchecked Sendable {
        var chunks: [Int: Chunk] = [:]
        var nextNumber = 0
        var held = 0
        var live = 0
        var peak = 0
    }

    /// Buffers begin at multiples of this, which serves every vector type and every device's cache lines.
    static let alignment = 256
    static let chunkSize = 16 << 20
    /// Requests up to this share chunks.
    static let sharedLimit = 1 << 20

    private let contents = Mutex(Contents())
    private let create: @Sendable (Int) throws(OpenCLError) -> SendableHandle
    private let deviceName: String
    let limit: Int
    /// Each buffer is a chunk of exactly its size, so that a checker of memory sees every overrun.
    private let isIsolated: Bool

    struct SendableHandle: @unchecked Sendable { var memory: cl_mem }

    /// - Parameters:
    ///   - limit: the most bytes to hold.
    ///   - create: asks the device for a chunk.
    init(
        deviceName: String, limit: Int, isIsolated: Bool, create: @escaping @Sendable (Int) throws(OpenCLError) -> SendableHandle
    ) {
        (self.deviceName, self.limit, self.isIsolated, self.create) = (deviceName, limit, isIsolated, create)
    }

    deinit { contents.withLock { for chunk in $0.chunks.values { _ = cl.pointee.clReleaseMemObject(chunk.memory) } } }

    var use: MemoryUse { contents.withLock { MemoryUse(live: $0.live, peak: $0.peak) } }

    func forgetPeak() { contents.withLock { $0.peak = $0.live } }

    /// - Parameter startsChunk: whether it must begin where a chunk begins.
    /// - Throws: `BackendError.outOfMemory`.
    func allocate(byteCount: Int, startsChunk: Bool = false) throws -> OpenCLBuffer {
        let (block, handle) = try contents.withLock { contents in
            let block = try startsChunk ? grow(byteCount, byteCount, &contents) : place(byteCount, &contents)
            guard let chunk = contents.chunks[block.chunk] else { preconditionFailure("a block of a released chunk") }
            contents.live += byteCount
            contents.peak = max(contents.peak, contents.live)
            return (block, SendableHandle(memory: chunk.memory))
        }
        return OpenCLBuffer(byteCount: byteCount, memory: handle.memory, block: block, pool: self)
    }

    fileprivate func release(_ block: Block, byteCount: Int) {
        contents.withLock { contents in
            contents.live -= byteCount
            contents.chunks[block.chunk]?.insert(block.offset..<block.offset + block.size)
            guard contents.chunks[block.chunk]?.isUnused == true else { return }
            let unused = contents.chunks.values.reduce(0) { $0 + ($1.isUnused ? $1.size : 0) }
            if isIsolated || unused > limit / 4 { drop(block.chunk, &contents) }
        }
    }

    private func place(_ byteCount: Int, _ contents: inout Contents) throws -> Block {
        if isIsolated { return try grow(byteCount, byteCount, &contents) }
        let size = (byteCount + Self.alignment - 1) / Self.alignment * Self.alignment
        if let block = fit(size, &contents) { return block }
        return try grow(size, size <= Self.sharedLimit ? Self.chunkSize : size, &contents)
    }

    /// The tightest free range. A large buffer takes only a range that it fills to seven eighths, lest it strand the rest.
    private func fit(_ size: Int, _ contents: inout Contents) -> Block? {
        var best: (chunk: Int, range: Range<Int>)?
        for (number, chunk) in contents.chunks where chunk.isShared == (size <= Self.sharedLimit) {
            for range in chunk.free where range.count >= size && range.count < best?.range.count ?? .max {
                best = (number, range)
            }
        }
        guard let best, size <= Self.sharedLimit || best.range.count - size <= best.range.count / 8 else { return nil }
        let taken = size <= Self.sharedLimit ? size : best.range.count
        contents.chunks[best.chunk]?.take(taken, from: best.range)
        return Block(chunk: best.chunk, offset: best.range.lowerBound, size: taken)
    }

    private func grow(_ size: Int, _ chunkSize: Int, _ contents: inout Contents) throws -> Block {
        if contents.held + chunkSize > limit { dropUnused(&contents) }
        // Near the limit a chunk of just the size asked for may still fit.
        let chunkSize = contents.held + chunkSize > limit ? size : chunkSize
        guard contents.held + chunkSize <= limit else { throw outOfMemory(size, contents) }
        let handle: SendableHandle
        do {
            handle = try create(chunkSize)
        } catch {
            dropUnused(&contents)
            do { handle = try create(chunkSize) } catch { throw outOfMemory(size, contents) }
        }
        var chunk = Chunk(memory: handle.memory, size: chunkSize, isShared: size <= Self.sharedLimit && chunkSize == Self.chunkSize, free: [0..<chunkSize])
        chunk.take(size, from: 0..<chunkSize)
        let number = contents.nextNumber
        contents.chunks[number] = chunk
        contents.nextNumber += 1
        contents.held += chunkSize
        return Block(chunk: number, offset: 0, size: size)
    }

    private func outOfMemory(_ size: Int, _ contents: Contents) -> BackendError {
        .outOfMemory(requested: size, available: max(0, limit - contents.held), device: deviceName)
    }

    private func dropUnused(_ contents: inout Contents) {
        for (number, chunk) in contents.chunks where chunk.isUnused { drop(number, &contents) }
    }

    /// OpenCL keeps the memory until queued work that uses it is done.
    private func drop(_ number: Int, _ contents: inout Contents) {
        guard let chunk = contents.chunks.removeValue(forKey: number) else { return }
        contents.held -= chunk.size
        _ = cl.pointee.clReleaseMemObject(chunk.memory)
    }
}

extension OpenCLMemory.Chunk {
    fileprivate mutating func take(_ size: Int, from range: Range<Int>) {
        guard let place = free.firstIndex(of: range) else { return }
        if size == range.count { free.remove(at: place) } else { free[place] = range.lowerBound + size..<range.upperBound }
    }

    fileprivate mutating func insert(_ range: Range<Int>) {
        let place = free.firstIndex { $0.lowerBound > range.lowerBound } ?? free.count
        free.insert(range, at: place)
        if place + 1 < free.count, free[place].upperBound == free[place + 1].lowerBound {
            free[place] = free[place].lowerBound..<free.remove(at: place + 1).upperBound
        }
        if place > 0, free[place - 1].upperBound == free[place].lowerBound {
            free[place - 1] = free[place - 1].lowerBound..<free.remove(at: place).upperBound
        }
    }
}
