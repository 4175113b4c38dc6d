import SomaGraph

extension Checkpoint {
    /// How much of a model and of a file must be in the other.
    public enum Matching: Sendable {
        /// Each has all of the other.
        case all
        /// What fits by name, shape and type is taken, and the rest of the model stays as it is.
        case whatFits
    }

    /// Checks that `restore` would find what it needs for `model`; nothing is read and nothing changed.
    ///
    /// With a model made by `withoutInitialization` this takes no memory, whatever size the model has.
    /// - Throws: `SomaError` that names what does not fit.
    public func check(_ model: some Module) throws { try RestorePlan([file], of: path, ModelContents(of: model).slots) { $0 }.requireAll() }

    /// What `restore` would find for `model`, by the names of the file's tensors and their shapes and types; nothing is read and nothing changed.
    /// - Throws: `SomaError` where `renaming` gives two tensors one name.
    public func comparison(with model: some Module, renaming: (String) -> String? = { $0 }) throws -> RestoreReport {
        try RestorePlan([file], of: path, ModelContents(of: model).slots, renaming).report
    }

    /// Sets parameters and states of `model`.
    ///
    /// Parameters of `float32` are read from F32, F16, BF16 and F64 (which is rounded), states of `int64` and `int32` from I64 and I32. A count of
    /// batches that the file lacks beside running statistics becomes 0.
    /// - Parameters:
    ///   - matching: by default the file must have each of the model's, with its shape, and no others.
    ///   - renaming: the model's name for a tensor of the file; nil leaves it out, as if the file did not have it. See `withoutPrefix`.
    /// - Returns: what was restored and what not.
    /// - Throws: `SomaError` that names what does not fit, before anything is changed; `BackendError`.
    @discardableResult
    public func restore(
        _ model: some Module, matching: Matching = .all, renaming: (String) -> String? = { $0 }
    ) throws -> RestoreReport {
        try RestorePlan([file], of: path, ModelContents(of: model).slots, renaming).restore(matching)
    }

    /// A renaming that drops `prefix` where a name begins with it, as `module.` of PyTorch's DataParallel.
    public static func withoutPrefix(_ prefix: String) -> @Sendable (String) -> String? {
        { $0.beginsExactly(with: prefix) ? String(decoding: $0.utf8.dropFirst(prefix.utf8.count), as: UTF8.self) : $0 }
    }}
