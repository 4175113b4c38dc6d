/// Learns merges from words and how often each is there: again and again the pair of tokens that is there most often becomes a token.
///
/// Of pairs that are there equally often the one with the lesser left token goes first, then that with the lesser right token. A pair counts
/// wherever it stands: `aaa` has `aa` twice.
struct PairLearner {
    /// The words as tokens.
    private var words: [[Int32]]
    private let counts: [Int]
    private var pairCounts: [TokenPair: Int] = [:]
    /// The words that have a pair, or had it.
    private var holders: [TokenPair: [Int]] = [:]
    private var queue = Heap<Candidate>()

    private struct Candidate: Comparable {
        let count: Int
        let pair: TokenPair

        static func < (a: Candidate, b: Candidate) -> Bool { a.count == b.count ? a.pair < b.pair : a.count > b.count }
    }

    init(_ words: [(tokens: [Int32], count: Int)]) {
        (self.words, counts) = (words.map(\.tokens), words.map(\.count))
        for (word, (tokens, count)) in words.enumerated() {
            for pair in Self.pairs(tokens) {
                pairCounts[pair, default: 0] += count
                if holders[pair]?.last != word { holders[pair, default: []].append(word) }
            }
        }
        for (pair, count) in pairCounts { queue.insert(Candidate(count: count, pair: pair)) }
    }

    /// The pair that is there most often; nil where none is there `least` times.
    mutating func next(atLeast least: Int) -> TokenPair? {
        while let top = queue.removeLeast() {
            let count = pairCounts[top.pair] ?? 0
            if count == top.count { return count >= max(least, 1) ? top.pair : nil }
            // Another merge has taken some of them since.
            if count > 0 { queue.insert(Candidate(count: count, pair: top.pair)) }
        }
        return nil
    }

    /// Makes one token of each of the pair's places, from left to right.
    mutating func merge(_ pair: TokenPair, into token: Int32) {
        var grown: Set<TokenPair> = []
        for word in holders.removeValue(forKey: pair) ?? [] {
            let (old, count) = (words[word], counts[word])
            let new = Self.merged(old, pair, token)
            if new.count == old.count { continue }
            for pair in Self.pairs(old) { pairCounts[pair, default: 0] -= count }
            for pair in Self.pairs(new) {
                pairCounts[pair, default: 0] += count
                guard pair.left == token || pair.right == token else { continue }
                grown.insert(pair)
                if holders[pair]?.last != word { holders[pair, default: []].append(word) }
            }
            words[word] = new
        }
        pairCounts[pair] = nil
        for pair in grown { if let count = pairCounts[pair], count > 0 { queue.insert(Candidate(count: count, pair: pair)) } }
    }

    private static func pairs(_ tokens: [Int32]) -> some Sequence<TokenPair> {
        zip(tokens, tokens.dropFirst()).lazy.map { TokenPair($0, $1) }
    }

    private static func merged(_ tokens: [Int32], _ pair: TokenPair, _ token: Int32) -> [Int32] {
        var (result, place): ([Int32], Int) = ([], 0)
        while place < tokens.count {
            let isPair = place + 1 < tokens.count && tokens[place] == pair.left && tokens[place + 1] == pair.right
            result.append(isPair ? token : tokens[place])
            place += isPair ? 2 : 1
        }
        return result
    }
}
