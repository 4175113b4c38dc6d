/// Lines that several programs have in common, to be shown once.
struct SharedText {
    /// One after the other; none where hardly any are common.
    let lines: [Substring]

    /// Stands in each program in place of them.
    static let mark = "… what the programs have in common …"
    private static let least = 8

    /// A text that shares hardly anything with those before, as the name of a library's routine does, is passed over.
    init(_ texts: [String]) {
        let all = Set(texts).sorted { ($0.count, $0) < ($1.count, $1) }.map(Self.lines)
        var common: [Substring]?
        for lines in all where lines.count >= Self.least {
            guard let known = common else {
                common = lines
                continue
            }
            let run = Self.longestRun(known, lines)
            if run.count >= Self.least { common = run }
        }
        lines = all.count > 1 ? common ?? [] : []
    }

    static func lines(_ text: String) -> [Substring] { text.split(omittingEmptySubsequences: false, whereSeparator: \.isNewline) }

    /// The lines of a program, with one in place of those that are shared.
    func rest(of text: String) -> [Substring] {
        let own = Self.lines(text)
        var (result, place): ([Substring], Int) = ([], 0)
        while place < own.count {
            if !lines.isEmpty, own[place...].starts(with: lines) {
                result.append(Self.mark[...])
                place += lines.count
            } else {
                if !own[place].isEmpty { result.append(own[place]) }
                place += 1
            }
        }
        return result
    }

    /// The longest run of lines of `a` that is also one of `b`.
    private static func longestRun(_ a: [Substring], _ b: [Substring]) -> [Substring] {
        var numbers: [Substring: Int] = [:]
        func number(_ line: Substring) -> Int {
            let number = numbers[line] ?? numbers.count
            numbers[line] = number
            return number
        }
        let (first, second) = (a.map(number), b.map(number))
        var (lengths, best) = ([Int](repeating: 0, count: second.count + 1), 0..<0)
        for i in first.indices {
            // The lengths of runs that end at line i and at each line of the other; from the back, since each is one more than that before.
            for j in second.indices.reversed() {
                lengths[j + 1] = first[i] == second[j] ? lengths[j] + 1 : 0
                if lengths[j + 1] > best.count { best = i + 1 - lengths[j + 1]..<i + 1 }
            }
        }
        return Array(a[best])
    }
}
