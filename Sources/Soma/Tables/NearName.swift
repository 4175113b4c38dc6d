/// Names that somebody may have meant.
enum NearName {
    private static let longest = 60

    /// Up to three names that differ from the given one in few letters, the nearest first; upper and lower case do not count.
    static func alike(_ name: String, among names: [String]) -> [String] {
        guard name.utf8.count <= longest else { return [] }
        let wanted = letters(name)
        let most = max(wanted.count / 3, 1)
        let found = names.enumerated().compactMap { index, candidate -> (distance: Int, index: Int)? in
            guard candidate.utf8.count <= longest, case let own = letters(candidate), abs(own.count - wanted.count) <= most else { return nil }
            let distance = distance(wanted, own)
            return distance <= most ? (distance, index) : nil
        }
        return found.sorted { $0 < $1 }.prefix(3).map { names[$0.index] }
    }

    /// The first names of a list, and how many there are.
    static func list(_ names: [String], most: Int = 12) -> String {
        let first = names.prefix(most).joined(separator: ", ")
        return names.count > most ? "\(first), … (\(names.count))" : first
    }

    private static func letters(_ name: String) -> [Unicode.Scalar] { Array(name.lowercased().unicodeScalars) }

    /// How many letters are to be changed, left out or put in (Levenshtein).
    private static func distance(_ a: [Unicode.Scalar], _ b: [Unicode.Scalar]) -> Int {
        var row = Array(0...b.count)
        for (i, x) in a.enumerated() {
            var corner = row[0]
            row[0] = i + 1
            for (j, y) in b.enumerated() {
                let changed = corner + (x == y ? 0 : 1)
                corner = row[j + 1]
                row[j + 1] = min(changed, row[j] + 1, corner + 1)
            }
        }
        return row[b.count]
    }
}
