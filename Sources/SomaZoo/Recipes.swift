import Soma

/// The recipes there are.
public enum Recipes {
    /// In historical order.
    public static let all: [any Recipe] = [
        PerceptronRecipe(), XorRecipe(), DigitsRecipe(), MNISTRecipe(), LeNetRecipe(), AlexNetRecipe(), VGG11Recipe(),
        VanishingGradientRecipe(), ResNet20Recipe(), ResNet18Recipe(), DeepBeliefRecipe(), AutoencoderRecipe(), ShallowDeepRecipe(), VAERecipe(),
        DCGANRecipe(), ClothesRecipe(), TableRecipe(), AlternativesRecipe(), CopyTaskRecipe(), CharLSTMRecipe(), CharGRURecipe(), GPTNanoRecipe(), SentimentRecipe(),
    ]

    /// How many epochs a run may have: with more, the number of its updates might not fit an `Int`.
    public static let epochs = 0...1_000_000_000

    /// The recipe called `name`.
    /// - Throws: `UsageError` with the nearest names.
    public static func named(_ name: String) throws -> any Recipe {
        if let recipe = all.first(where: { $0.name == name }) { return recipe }
        throw UsageError(unknown: "recipe", name, among: all.map(\.name))
    }
}

/// What the user wrote does not exist or is not possible: one line, with what was perhaps meant.
public struct UsageError: Error, Hashable, Sendable, CustomStringConvertible {
    public let description: String

    /// As one line, whatever was typed.
    public init(_ description: String) { self.description = SomaError.oneLine(description) }

    /// Something that is not there, with the names that are most like it.
    /// - Parameters:
    ///   - kind: what was looked for: "recipe".
    ///   - names: what there is.
    public init(unknown kind: String, _ name: String, among names: [String]) {
        let near = nearestNames(to: name, among: names)
        let all = "there are \(names.joined(separator: ", "))"
        let advice = near.isEmpty ? all : "did you mean \(near.joined(separator: " or "))?"
        self.init(names.isEmpty ? "there is no \(kind) '\(name)'" : "there is no \(kind) '\(name)'; \(advice)")
    }
}

/// The names that differ from `name` by a few slips of the pen, the nearest first: at most three.
public func nearestNames(to name: String, among names: [String]) -> [String] {
    // A name from a file may be of any length, and none here is longer.
    guard name.utf8.count <= 100 else { return [] }
    let limit = max(1, name.count / 3)
    let distances = names.map { candidate in
        let isBeginning = !name.isEmpty && candidate.hasPrefix(name)
        return (candidate, isBeginning ? 0 : editDistance(name.lowercased(), candidate.lowercased()))
    }
    return distances.filter { $0.1 <= limit }.sorted { $0.1 < $1.1 }.prefix(3).map(\.0)
}

/// Characters to insert, delete, replace or swap with a neighbour (F. J. Damerau, 1964) to make `b` of `a`.
private func editDistance(_ a: String, _ b: String) -> Int {
    let (a, b) = (Array(a), Array(b))
    var rows = [Array(0...b.count)]
    for i in a.indices {
        var row = [i + 1]
        for j in b.indices {
            var best = min(rows[i][j + 1] + 1, row[j] + 1, rows[i][j] + (a[i] == b[j] ? 0 : 1))
            if i > 0, j > 0, a[i] == b[j - 1], a[i - 1] == b[j] { best = min(best, rows[i - 1][j - 1] + 1) }
            row.append(best)
        }
        rows.append(row)
    }
    return rows[a.count][b.count]
}
