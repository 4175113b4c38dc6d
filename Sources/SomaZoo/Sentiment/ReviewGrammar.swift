import Soma

/// Sentences about films that say whether somebody liked them, written by a small grammar: no person's words, and the only ones that the program
/// holds.
///
/// A clause praises or blames something, and *not* turns that round. Of two clauses joined by *but* the second decides, after *although* too; *and*
/// joins what agrees. So who only counts words cannot tell all of them: *the music was good, but the ending was not moving* and *the ending was
/// not good, but the music was moving* have the same words.
enum ReviewGrammar {
    static let classes = ["negative", "positive"]

    private static let subjects = [
        "the film", "the story", "the acting", "the music", "the ending", "the dialogue", "the camera work", "the plot", "the first hour", "the cast",
        "the hero", "the joke about the dog", "the last scene", "the script", "the sound", "the love story",
    ]
    private static let verbs = ["is", "was", "seemed", "felt", "looked"]
    static let praise = [
        "good", "great", "wonderful", "moving", "funny", "clever", "beautiful", "exciting", "convincing", "brilliant", "charming", "touching",
        "fresh", "gripping", "honest", "memorable",
    ]
    static let blame = [
        "bad", "dull", "boring", "silly", "tedious", "weak", "clumsy", "ugly", "predictable", "flat", "lazy", "hollow", "confusing", "terrible",
        "slow", "forgettable",
    ]
    private static let degrees = ["", "", "", "very ", "really ", "quite ", "rather ", "so "]
    static let negations = ["not ", "never ", "hardly "]

    /// `count` different sentences, half of them of each class, in an order that says nothing.
    static func sentences(_ count: Int, seed: UInt64) -> (texts: [String], labels: [Int32]) {
        var numbers = Philox(seed: seed)
        var (seen, texts, labels): (Set<String>, [String], [Int32]) = ([], [], [])
        while texts.count < count {
            let isPraise = texts.count % 2 == 1
            let text = sentence(isPraise, &numbers)
            guard seen.insert(text).inserted else { continue }
            texts.append(text)
            labels.append(isPraise ? 1 : 0)
        }
        return (texts, labels)
    }

    private static func sentence(_ isPraise: Bool, _ numbers: inout Philox) -> String {
        switch numbers.integer(below: 4) {
        case 0: clause(isPraise, &numbers) + "."
        case 1: clause(isPraise, &numbers) + " and " + clause(isPraise, &numbers) + "."
        case 2: clause(!isPraise, &numbers) + ", but " + clause(isPraise, &numbers) + "."
        default: "although " + clause(!isPraise, &numbers) + ", " + clause(isPraise, &numbers) + "."
        }
    }

    private static func clause(_ isPraise: Bool, _ numbers: inout Philox) -> String {
        let isNegated = numbers.integer(below: 3) == 0
        let subject = chosen(subjects, &numbers), verb = chosen(verbs, &numbers)
        let negation = isNegated ? chosen(negations, &numbers) : ""
        return "\(subject) \(verb) \(negation)\(chosen(degrees, &numbers))\(chosen(isPraise != isNegated ? praise : blame, &numbers))"
    }

    private static func chosen(_ words: [String], _ numbers: inout Philox) -> String { words[numbers.integer(below: words.count)] }
}
