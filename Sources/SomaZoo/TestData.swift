import Soma

/// Samples with known answers, to evaluate a model by.
public struct TestData: Sendable {
    /// Samples with the fields that the session's measures take.
    public let dataSet: any DataSet
    /// What they are, in half a sentence.
    public let origin: String
    /// What else there is to tell of them, a line each.
    public var remarks: [String] = []
}
