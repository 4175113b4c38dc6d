import Glibc
import SomaGraph

/// The memory of one batch: a block per field, reused from batch to batch, and which rows are left out.
///
/// Unchecked `Sendable`: one thread fills it while nobody else has it, then it is only read until it is given back.
final class BatchStorage: @unchecked Sendable {
    let fields: [Field]
    private let address: UnsafeMutableRawPointer
    private let ranges: [Range<Int>]
    private let isLeftOut: UnsafeMutableBufferPointer<Bool>

    /// Memory for `capacity` samples, its fields aligned to cache lines and the whole to pages.
    init(fields: [Field], capacity: Int) throws {
        self.fields = fields
        var ranges: [Range<Int>] = []
        var end = 0
        for field in fields {
            let start = (end + 63) & ~63
            guard let size = checkedProduct([field.byteCount, capacity]), size <= Int.max - start - 64 else {
                throw SomaError(
                    "a batch of \(capacity) samples is too large: field '\(field.name)' has \(field.byteCount) bytes each"
                )
            }
            end = start + size
            ranges.append(start..<end)
        }
        var memory: UnsafeMutableRawPointer?
        guard posix_memalign(&memory, 4096, max(end, 1)) == 0, let memory else {
            throw SomaError("no memory for a batch of \(end) bytes")
        }
        (address, self.ranges) = (memory, ranges)
        isLeftOut = .allocate(capacity: capacity)
        isLeftOut.initialize(repeating: false)
    }

    deinit {
        free(address)
        isLeftOut.deallocate()
    }

    // MARK: Rows that are left out

    func leaveOut(_ row: Int) { isLeftOut[row] = true }

    /// All rows are in again.
    func reset() { isLeftOut.update(repeating: false) }

    /// Moves the rows that are not left out together, and returns which of the first `count` they were.
    func closeGaps(among count: Int) -> [Int] {
        let kept = (0..<count).filter { !isLeftOut[$0] }
        if kept.count == count { return kept }
        for (field, range) in zip(fields, ranges) {
            let (size, start) = (field.byteCount, address + range.lowerBound)
            for (target, source) in kept.enumerated() where target != source {
                (start + target * size).copyMemory(from: start + source * size, byteCount: size)
            }
        }
        return kept
    }

    // MARK: Fields

    func bytes(ofField index: Int) -> UnsafeMutableRawBufferPointer {
        UnsafeMutableRawBufferPointer(start: address + ranges[index].lowerBound, count: ranges[index].count)
    }

    func index(of name: String) -> Int {
        if let index = fields.firstIndex(where: { $0.name.isExactly(name) }) { return index }
        programError("batch", "there is no field '\(name)' among \(fields.map(\.name))")
    }

    func index<T: TensorScalar>(of name: String, as type: T.Type) -> Int {
        let index = index(of: name)
        guard fields[index].dtype == T.dtype else {
            programError("batch", "field '\(name)' holds \(fields[index].dtype), not \(type)")
        }
        return index
    }
}
