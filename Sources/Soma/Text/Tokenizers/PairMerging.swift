/// Two tokens side by side.
struct TokenPair: Hashable, Comparable, Sendable {
    private let bits: UInt64

    init(_ left: Int32, _ right: Int32) { bits = UInt64(UInt32(bitPattern: left)) << 32 | UInt64(UInt32(bitPattern: right)) }

    var left: Int32 { Int32(truncatingIfNeeded: bits >> 32) }
    var right: Int32 { Int32(truncatingIfNeeded: bits) }

    static func < (a: TokenPair, b: TokenPair) -> Bool { a.bits < b.bits }
}

/// What a pair becomes, and which pairs go before it.
struct TokenMerge: Sendable {
    let rank: Int32
    let token: Int32
}

/// Merges the tokens of a word: of all pairs the one of the lowest rank first, of equal ones the leftmost, until there is none.
///
/// Tokens are a linked list, and pairs wait in a queue, so a word of n bytes takes n log n steps.
struct PairMerging {
    private var tokens: [Int32] = []
    private var previous: [Int32] = []
    private var next: [Int32] = []
    /// The rank of the pair that begins at each place, `none` where no merge has it.
    private var ranks: [Int32] = []
    /// Rank and place.
    private var queue = Heap<UInt64>()

    private static let none = Int32.max

    /// - Parameter word: one token at least.
    mutating func merge(_ word: some Sequence<Int32>, by merges: [TokenPair: TokenMerge], into result: inout [Int32]) {
        tokens.removeAll(keepingCapacity: true)
        tokens.append(contentsOf: word)
        let count = Int32(tokens.count)
        previous = (0..<count).map { $0 - 1 }
        next = (0..<count).map { $0 + 1 < count ? $0 + 1 : -1 }
        ranks = Array(repeating: Self.none, count: tokens.count)
        queue.removeAll()
        for place in 0..<max(count - 1, 0) { look(at: place, merges) }
        while let entry = queue.removeLeast() {
            let place = Int32(truncatingIfNeeded: entry & 0xFFFF_FFFF)
            // Another merge may have taken one of the two meanwhile.
            guard ranks[Int(place)] == Int32(truncatingIfNeeded: entry >> 32), case let right = next[Int(place)], right >= 0,
                let merge = merges[TokenPair(tokens[Int(place)], tokens[Int(right)])]
            else { continue }
            join(place, right, merge.token)
            look(at: place, merges)
            if previous[Int(place)] >= 0 { look(at: previous[Int(place)], merges) }
        }
        var place: Int32 = tokens.isEmpty ? -1 : 0
        while place >= 0 {
            result.append(tokens[Int(place)])
            place = next[Int(place)]
        }
    }

    private mutating func join(_ place: Int32, _ right: Int32, _ token: Int32) {
        tokens[Int(place)] = token
        ranks[Int(right)] = Self.none
        next[Int(place)] = next[Int(right)]
        if next[Int(place)] >= 0 { previous[Int(next[Int(place)])] = place }
    }

    private mutating func look(at place: Int32, _ merges: [TokenPair: TokenMerge]) {
        let right = next[Int(place)]
        guard right >= 0, let merge = merges[TokenPair(tokens[Int(place)], tokens[Int(right)])] else {
            ranks[Int(place)] = Self.none
            return
        }
        ranks[Int(place)] = merge.rank
        queue.insert(UInt64(merge.rank) << 32 | UInt64(place))
    }
}
