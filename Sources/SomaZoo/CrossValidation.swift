import Glibc
import Soma

/// One of several parts of the data, which are held out in turn while the others are trained on.
public struct Fold: Hashable, Sendable {
    /// Which of them, from 0.
    public let number: Int
    /// How many there are.
    public let count: Int

    /// The fold `number` of `count`. Whether there are data for so many is seen when they are dealt.
    public init(_ number: Int, of count: Int) { (self.number, self.count) = (number, count) }
}

/// How well a recipe does with data that it has not seen, measured by as many trainings as there are folds: each row is held out of one of them.
///
/// It tells what the model of a run, which is trained on other rows, can be expected to do. No model comes of it.
///
/// M. Stone, *Cross-Validatory Choice and Assessment of Statistical Predictions*, Journal of the Royal Statistical Society B 36, 1974.
public struct CrossValidation: Sendable {
    /// A figure over all folds.
    public struct Summary: Hashable, Sendable {
        /// The figure of the first fold, which has its name and title.
        public let figure: Figure
        /// Its value in each fold; nil where that has no such figure.
        public let values: [Double?]
        /// The mean over the folds that have it.
        public let mean: Double
        /// The standard deviation of these folds, with n − 1; 0 of one.
        public let deviation: Double

        init(_ figure: Figure, _ values: [Double?]) {
            let known = values.compactMap { $0 }
            let mean = known.reduce(0, +) / Double(known.count)
            let squares = known.reduce(0) { $0 + ($1 - mean) * ($1 - mean) }
            (self.figure, self.values, self.mean) = (figure, values, mean)
            deviation = known.count > 1 ? (squares / Double(known.count - 1)).squareRoot() : 0
        }
    }

    /// What the model of each fold does with what it has not seen.
    public let reports: [Report]

    /// Trains a model for each fold and measures it. What it writes meanwhile is removed again.
    /// - Parameters:
    ///   - context: data, settings, seed and device; folder and checkpoint are not used, and its observer is asked and told nothing.
    ///   - told: called with the number of each fold and what its model does.
    /// - Throws: `UsageError` where the recipe deals its data to no folds; `SomaError` where there are too few for so many, or a run is interrupted;
    ///   what `Recipe.run` and `told` throw.
    public init(_ recipe: any Recipe, _ context: RecipeContext, folds count: Int, told: (Int, Report) throws -> Void = { _, _ in }) throws {
        guard recipe.takesFolds else { throw UsageError("\(recipe.name) has a fixed part of its data to test on, and deals them to no folds") }
        reports = try (0..<count).map { number in
            let folder = try PassingFolder()
            var fold = context
            (fold.fold, fold.output, fold.checkpoint) = (Fold(number, of: count), folder.path, nil)
            fold.observer = UntoldObserver(context: context)
            let result = try recipe.run(fold)
            if result.isInterrupted { throw SomaError("interrupted in fold \(number + 1) of \(count)") }
            try told(number, result.test)
            return result.test
        }
    }

    /// The figures of the first fold, over all of them.
    public var summaries: [Summary] {
        (reports.first?.figures ?? []).map { figure in Summary(figure, reports.map { $0[figure.name] }) }
    }
}

/// A folder for files that are needed for a while.
private final class PassingFolder {
    let path: String

    /// - Throws: `SomaError` where none can be made.
    init() throws {
        let parent = getenv("TMPDIR").flatMap { String(validatingCString: $0) } ?? "/tmp"
        var template = Array("\(parent)/soma-fold-XXXXXX".utf8CString)
        guard mkdtemp(&template) != nil else { throw SomaError("cannot make a folder in \(parent): \(String(cString: strerror(errno)))") }
        path = String(decoding: template.dropLast().map { UInt8(bitPattern: $0) }, as: UTF8.self)
    }

    deinit {
        if let folder = opendir(path) {
            while let entry = readdir(folder) {
                let name = withUnsafePointer(to: &entry.pointee.d_name) {
                    $0.withMemoryRebound(to: CChar.self, capacity: Int(NAME_MAX) + 1) { String(cString: $0) }
                }
                unlink("\(path)/\(name)")
            }
            closedir(folder)
        }
        rmdir(path)
    }
}
