/// A device whose kernels can be compared with what they must compute. Optional.
public protocol CheckableBackend: Backend {
    /// Runs small cases of every kind of kernel, gradients included, and remembers the outcome: kernels that compute wrongly are not used from then
    /// on.
    /// - Throws: `BackendError`.
    func checkKernels() throws -> [KernelCheck]
}

/// What checking kernels of one kind has found.
public struct KernelCheck: Sendable, Hashable {
    /// What the kernels compute, in a few words.
    public var kernels: String
    /// How many cases ran, faulty ones included.
    public var caseCount: Int
    /// The cases that came out wrong or did not run, and how.
    public var faults: [String]
    /// What is used instead where there are any; `nil` where nothing computes rightly.
    public var remedy: String?

    /// The count includes the cases that `faults` tells of.
    public init(kernels: String, caseCount: Int, faults: [String], remedy: String?) {
        (self.kernels, self.caseCount, self.faults, self.remedy) = (kernels, caseCount, faults, remedy)
    }
}
