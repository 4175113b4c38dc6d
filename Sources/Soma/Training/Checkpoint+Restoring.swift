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
    public func check(_ model: some Module) throws { try requireAll(comparison(with: model)) }

    /// What `restore` would find for `model`, by the names of the file's tensors and their shapes and types; nothing is read and nothing changed.
    /// - Throws: `SomaError` where `renaming` gives two tensors one name.
    public func comparison(with model: some Module, renaming: (String) -> String? = { $0 }) throws -> RestoreReport {
        try RestorePlan(file, ModelContents(of: model).slots, renaming).report
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
        var plan = try RestorePlan(file, ModelContents(of: model).slots, renaming)
        try plan.leaveOutNumbersBeyondRange(of: file)
        if matching == .all { try requireAll(plan.report) }
        for (slot, source) in plan.sources {
            slot.assign(try source.map { try tensor($0, of: slot) } ?? .zeros(slot.shape, dtype: slot.dtype, device: slot.device))
            // One at a time: the place of a parameter among others is then overwritten, and no copy of all is needed.
            try slot.device.update()
        }
        return plan.report
    }

    /// A renaming that drops `prefix` where a name begins with it, as `module.` of PyTorch's DataParallel.
    public static func withoutPrefix(_ prefix: String) -> @Sendable (String) -> String? {
        { $0.beginsExactly(with: prefix) ? String(decoding: $0.utf8.dropFirst(prefix.utf8.count), as: UTF8.self) : $0 }
    }

    private func requireAll(_ report: RestoreReport) throws {
        if let difference = report.difference(of: path) { throw SomaError(difference) }
    }

    private func tensor(_ source: SafetensorsFile.Tensor, of slot: Slot) throws -> Tensor {
        try file.withBytes(of: source, as: slot.dtype) { try Tensor(bytes: $0, shape: slot.shape, dtype: slot.dtype, device: slot.device) }
    }
}

/// Which tensor of a file each part of a model takes.
private struct RestorePlan {
    private(set) var report = RestoreReport()
    /// nil: a count of batches that the file lacks.
    private(set) var sources: [(slot: Slot, source: SafetensorsFile.Tensor?)] = []

    init(_ file: SafetensorsFile, _ slots: [Slot], _ renaming: (String) -> String?) throws {
        let known = Set(slots.flatMap(\.names).map(ExactText.init))
        var found: [ExactText: SafetensorsFile.Tensor] = [:]
        // Names with a slash are not the model's but the optimiser's.
        for tensor in file.tensors where !tensor.name.hasByte("/") {
            guard let name = renaming(tensor.name).map(ExactText.init) else { continue }
            guard known.contains(name) else {
                report.unused.append(tensor.name)
                continue
            }
            if let other = found.updateValue(tensor, forKey: name) {
                throw SomaError("'\(other.name)' and '\(tensor.name)' of \(file.path) are both renamed to '\(name.text)'")
            }
        }
        for slot in slots { add(slot, slot.names.compactMap { found[ExactText($0)] }) }
        let restored = Set(report.restored.map(ExactText.init))
        sources.removeAll { $0.source == nil && !restored.contains(ExactText($0.slot.runningMeanName)) }
    }

    private mutating func add(_ slot: Slot, _ candidates: [SafetensorsFile.Tensor]) {
        if let misfit = candidates.first(where: { !$0.elementType.converts(to: slot.dtype) || $0.shape != slot.shape.dimensions }) {
            report.unfit.append(slot.misfit(misfit))
        } else if let source = candidates.first {
            report.restored.append(slot.names[0])
            sources.append((slot, source))
        } else if slot.isOptional {
            sources.append((slot, nil))
        } else {
            report.missing.append(slot.names[0])
        }
    }

    /// Drops tensors whose numbers the model's type cannot hold.
    mutating func leaveOutNumbersBeyondRange(of file: SafetensorsFile) throws {
        for (slot, source) in sources {
            guard let source, case let count = try file.countBeyondRange(of: source, as: slot.dtype), count > 0 else { continue }
            report.unfit.append(slot.misfit(source, " with \(count) \(count == 1 ? "number" : "numbers") beyond \(slot.dtype)"))
            report.restored.removeAll { $0.isExactly(slot.names[0]) }
            sources.removeAll { $0.slot.names[0].isExactly(slot.names[0]) }
        }
    }
}

extension Slot {
    fileprivate func misfit(_ found: SafetensorsFile.Tensor, _ remark: String = "") -> RestoreReport.Misfit {
        .init(
            name: names[0], found: "\(found.elementType.rawValue) \(found.shape)\(remark)", wanted: "\(dtype.elementType.rawValue) \(shape)")
    }
}
