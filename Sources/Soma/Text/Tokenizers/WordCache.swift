import Synchronization

/// The tokens of words that were merged already. Text has few different words, and merging takes longer than finding one.
final class WordCache: Sendable {
    /// Words and their tokens, and room to merge others.
    struct Words {
        private var places: [Key: (start: Int32, count: Int32)] = [:]
        private var tokens: [Int32] = []
        var merging = PairMerging()

        private static let mostWords = 1 << 16

        @inline(__always)
        func find(_ key: Key) -> ArraySlice<Int32>? {
            guard let (start, count) = places[key] else { return nil }
            return tokens[Int(start)..<Int(start + count)]
        }

        mutating func keep(_ own: ArraySlice<Int32>, _ key: Key) {
            if places.count >= Self.mostWords {
                places.removeAll(keepingCapacity: true)
                tokens.removeAll(keepingCapacity: true)
            }
            places[key] = (Int32(tokens.count), Int32(own.count))
            tokens += own
        }
    }

    /// A word of at most 15 bytes, and their number.
    struct Key: Hashable {
        private let low, high: UInt64

        init?(_ word: UnsafeRawBufferPointer) {
            guard word.count < 16 else { return nil }
            var bits: (UInt64, UInt64) = (0, UInt64(word.count) << 56)
            for (place, byte) in word.enumerated() {
                if place < 8 { bits.0 |= UInt64(byte) << (8 * UInt64(place)) } else { bits.1 |= UInt64(byte) << (8 * UInt64(place - 8)) }
            }
            (low, high) = bits
        }
    }

    private let words = Mutex(Words())

    /// Calls `body` with the words; a thread that comes while another has them gets some of its own.
    func use(_ body: (inout Words) throws -> Void) throws {
        let done: Void? = try words.withLockIfAvailable { try body(&$0) }
        if done == nil {
            var own = Words()
            try body(&own)
        }
    }
}
