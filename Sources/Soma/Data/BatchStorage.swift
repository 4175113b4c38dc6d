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

    /// Memory for `capacity` samples, its fields aligned to cache lines and the whole to pages. Ragged fields are followed by their counts.
    init(fields: [Field], capacity: Int) throws {
        let fields = fields.withCounts
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

    /// All rows are in again, and have counts to be told.
    func reset() {
        isLeftOut.update(repeating: false)
        for field in fields { counts(of: field)?.update(repeating: Self.untold) }
    }

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

    // MARK: Ragged fields

    private static let untold: Int32 = -1

    /// How many items each row has, of a ragged field.
    func counts(of field: Field) -> UnsafeMutableBufferPointer<Int32>? {
        field.countName.map { bytes(ofField: index(of: $0)).bindMemory(to: Int32.self) }
    }

    /// Checks the counts of rows that were read, and sets what lies behind their items to 0: a batch before may have left values there.
    func pad(_ rows: Range<Int>) {
        for (index, field) in fields.enumerated() {
            guard let most = field.mostItems, let counts = counts(of: field) else { continue }
            let (memory, size) = (bytes(ofField: index), field.byteCount)
            for row in rows where !isLeftOut[row] {
                let count = Int(counts[row])
                if counts[row] == Self.untold { programError("data set", "did not tell how many of '\(field.name)' a sample has") }
                guard (0...most).contains(count) else {
                    programError("data set", "gave a sample \(count) of '\(field.name)', which has at most \(most)")
                }
                let padding = row * size + count * (size / most)..<(row + 1) * size
                UnsafeMutableRawBufferPointer(rebasing: memory[padding]).initializeMemory(as: UInt8.self, repeating: 0)
            }
        }
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
