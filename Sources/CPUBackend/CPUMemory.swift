import Glibc
import SomaBackend
import Synchronization

/// Memory of the host that was handed out and comes back to its pool with the last reference.
final class MemoryBlock: @unchecked Sendable {
    let pointer: UnsafeMutableRawPointer
    let capacity: Int
    let byteCount: Int
    /// How many runs that use the block are not done yet.
    let runs = Atomic<Int>(0)
    private let pool: CPUMemory

    fileprivate init(_ pointer: UnsafeMutableRawPointer, capacity: Int, byteCount: Int, pool: CPUMemory) {
        (self.pointer, self.capacity, self.byteCount, self.pool) = (pointer, capacity, byteCount, pool)
    }

    deinit { pool.takeBack(pointer, capacity: capacity, byteCount: byteCount) }
}

/// A buffer on the CPU. Work under way holds its block and not the buffer itself, so that whether a buffer is held tells the engine
/// whether it may be overwritten.
final class CPUBuffer: Buffer, @unchecked Sendable {
    let block: MemoryBlock

    init(_ block: MemoryBlock) {
        self.block = block
        super.init(byteCount: block.byteCount)
    }
}

/// A pool that keeps its pages: on Linux the page faults of fresh memory cost more than the arithmetic of an elementwise operation.
///
/// Blocks are rounded up to size classes (four to each doubling) and reused within their class.
final class CPUMemory: Sendable {
    private struct Contents {
        var free: [Int: [UnsafeMutableRawPointer]] = [:]
        var freeBytes = 0
        var live = 0
        var peak = 0
    }

    // Raw pointers are not Sendable; the lock is what guards them.
    private struct Guarded: @unchecked Sendable { var contents = Contents() }

    private let guarded = Mutex(Guarded())
    /// The most bytes that may be handed out at once.
    let limit: Int
    private let deviceName: String

    init(limit: Int, deviceName: String) {
        self.limit = limit
        self.deviceName = deviceName
    }

    var use: MemoryUse { guarded.withLock { MemoryUse(live: $0.contents.live, peak: $0.contents.peak) } }

    func forgetPeak() { guarded.withLock { $0.contents.peak = $0.contents.live } }

    /// - Throws: `BackendError.outOfMemory` past the limit, or when the system has no more.
    func allocate(byteCount: Int) throws -> MemoryBlock {
        let capacity = Self.sizeClass(byteCount)
        let reused: UnsafeMutableRawPointer? = try guarded.withLock { guarded in
            let available = limit - guarded.contents.live
            guard byteCount >= 0, byteCount <= available else {
                throw BackendError.outOfMemory(requested: byteCount, available: available, device: deviceName)
            }
            guarded.contents.live += byteCount
            guarded.contents.peak = max(guarded.contents.peak, guarded.contents.live)
            guard let pointer = guarded.contents.free[capacity]?.popLast() else { return nil }
            guarded.contents.freeBytes -= capacity
            return pointer
        }
        if let pointer = reused { return MemoryBlock(pointer, capacity: capacity, byteCount: byteCount, pool: self) }
        guard let pointer = fresh(capacity) else {
            let available = guarded.withLock { guarded in
                guarded.contents.live -= byteCount
                return limit - guarded.contents.live
            }
            // The system has less than it is said to have.
            let left = min(available, HostMemory.available)
            throw BackendError.outOfMemory(requested: byteCount, available: left, device: deviceName)
        }
        return MemoryBlock(pointer, capacity: capacity, byteCount: byteCount, pool: self)
    }

    /// Memory from the system; when it has none, what the pool keeps is given back first.
    private func fresh(_ capacity: Int) -> UnsafeMutableRawPointer? {
        let isLarge = capacity >= 1 << 22
        for _ in 0..<2 {
            if let pointer = aligned_alloc(isLarge ? 1 << 21 : 64, capacity) {
                if isLarge { madvise(pointer, capacity, 14 /* MADV_HUGEPAGE */) }
                return pointer
            }
            releaseUnused()
        }
        return nil
    }

    fileprivate func takeBack(_ pointer: UnsafeMutableRawPointer, capacity: Int, byteCount: Int) {
        let isKept = guarded.withLock { guarded in
            guarded.contents.live -= byteCount
            guard guarded.contents.freeBytes + capacity <= max(limit / 2, 0) else { return false }
            guarded.contents.free[capacity, default: []].append(pointer)
            guarded.contents.freeBytes += capacity
            return true
        }
        if !isKept { free(pointer) }
    }

    /// Gives the memory that nobody uses back to the system.
    func releaseUnused() {
        let unused = guarded.withLock { guarded in
            defer {
                guarded.contents.free = [:]
                guarded.contents.freeBytes = 0
            }
            return Guarded(contents: guarded.contents)
        }
        for pointers in unused.contents.free.values { pointers.forEach { free($0) } }
    }

    deinit { releaseUnused() }

    /// The capacity that serves `byteCount`: a multiple of 64, and of 2 MiB where the block is large.
    static func sizeClass(_ byteCount: Int) -> Int {
        let atLeast = max(byteCount, 64)
        guard atLeast <= Int.max / 4 else { return Int.max / 4 }
        let doubling = Int.bitWidth - 1 - atLeast.leadingZeroBitCount
        let quarter = max(1 << max(doubling - 2, 0), 64)
        let rounded = (atLeast + quarter - 1) / quarter * quarter
        guard rounded >= 1 << 22 else { return rounded }
        let page = 1 << 21
        return (rounded + page - 1) / page * page
    }
}
