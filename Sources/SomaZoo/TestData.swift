import Soma

/// Samples with known answers, to evaluate a model by.
public struct TestData: Sendable {
    public let dataSet: any DataSet
    /// What they are, in half a sentence.
    public let origin: String
    /// What else there is to tell of them, a line each.
    public var remarks: [String] = []
}
