import Soma

/// Samples with known answers, to evaluate a model by.
public struct TestData: Sendable {
    /// Samples with the fields that the session's measures take.
    public let dataSet: any DataSet
    /// What they are, in half a sentence.
    public let origin: String
    /// What else there is to tell of them, a line each.
    public var remarks: [String] = []

    /// Samples to evaluate by, told as `origin`.
    public init(dataSet: any DataSet, origin: String, remarks: [String] = []) {
        (self.dataSet, self.origin, self.remarks) = (dataSet, origin, remarks)
    }
}

extension Checkpoint {
    /// Whether data to test on are those that the run was trained on, of which it has held some out.
    /// - Parameters:
    ///   - isTrainedOn: whether they lie where the run had its data.
    ///   - hasTestPart: whether they say themselves what is to be tested on.
    /// - Returns: also a line for data that have changed since and are tested on all the same.
    /// - Throws: `SomaError` where they have changed, so that nobody can tell what was held out.
    func comparison(with source: any DataSource, isTrainedOn: Bool, hasTestPart: Bool) throws -> (isSame: Bool, remarks: [String]) {
        guard let trained = try dataFingerprint() else { return (false, []) }
        let change: String?
        do { change = trained.change(to: try source.fingerprint()) } catch let error as SomaError where !isTrainedOn || hasTestPart {
            // What lacks a column or a file is another source.
            change = error.message
        }
        guard let change else { return (true, []) }
        if !isTrainedOn { return (false, []) }
        let text = "\(source.path) is not what \(path) was trained on: \(change)"
        if hasTestPart { return (false, [text]) }
        throw SomaError(text, hint: "what was held out cannot be told; name other data by --data")
    }
}

extension RecipeContext {
    /// What checkpoints say of the data of the run.
    /// - Parameters:
    ///   - source: nil: data that the program holds.
    ///   - isEither: whether the recipe trains on data that the program holds where none are named.
    /// - Throws: `UsageError` or `SomaError` where the run would go on with other data than it began with.
    func metadata(of source: (any DataSource)?, isEither: Bool = false) throws -> [String: String] {
        let trained = try checkpoint?.dataFingerprint()
        guard let source else {
            if let checkpoint, let trained { throw UsageError("\(checkpoint.path) was trained on \(trained.kind.title): name it by --data") }
            return [:]
        }
        let own = try source.fingerprint()
        if let checkpoint {
            if trained == nil && isEither { throw UsageError("\(checkpoint.path) was trained on data that the program holds: leave out --data") }
            if let change = trained?.change(to: own) {
                throw SomaError("\(source.path) is not what \(checkpoint.path) was trained on: \(change)", hint: "begin anew without --resume")
            }
        }
        return [DataFingerprint.key: own.description]
    }
}
