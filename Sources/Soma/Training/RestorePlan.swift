import SomaGraph

/// Which tensor of some files each part of a model takes.
struct RestorePlan {
    private(set) var report = RestoreReport()
    /// nil: a count of batches that the files lack.
    private var sources: [(slot: Slot, source: Source?)] = []
    private let path: String

    /// A tensor of a file, of which the model has the transpose or the tensor itself.
    private struct Source {
        let file: SafetensorsFile
        let tensor: SafetensorsFile.Tensor
        let isTransposed: Bool

        var shape: [Int] { isTransposed ? tensor.shape.reversed() : tensor.shape }

        func read(for slot: Slot) throws -> Tensor {
            let read = try file.withBytes(of: tensor, as: slot.dtype) {
                try Tensor(bytes: $0, shape: Shape(tensor.shape), dtype: slot.dtype, device: slot.device)
            }
            return isTransposed ? read.transposed() : read
        }
    }

    /// - Parameters:
    ///   - path: what messages call the files.
    ///   - renaming: the model's name for a tensor of a file; nil leaves it out.
    ///   - transposing: whether the model has the transpose of a matrix of that name, which is the file's.
    init(
        _ files: [SafetensorsFile], of path: String, _ slots: [Slot], _ renaming: (String) -> String?,
        transposing: (String) -> Bool = { _ in false }
    ) throws {
        self.path = path
        let known = Set(slots.flatMap(\.names).map(ExactText.init))
        var found: [ExactText: Source] = [:]
        for file in files {
            // Names with a slash are not the model's but the optimiser's.
            for tensor in file.tensors where !tensor.name.hasByte("/") {
                guard let name = renaming(tensor.name).map(ExactText.init) else { continue }
                guard known.contains(name) else {
                    report.unused.append(tensor.name)
                    continue
                }
                let source = Source(file: file, tensor: tensor, isTransposed: tensor.shape.count == 2 && transposing(tensor.name))
                if let other = found.updateValue(source, forKey: name) {
                    throw SomaError("'\(other.tensor.name)' and '\(tensor.name)' of \(path) are both renamed to '\(name.text)'")
                }
            }
        }
        for slot in slots { add(slot, slot.names.compactMap { found[ExactText($0)] }) }
        let restored = Set(report.restored.map(ExactText.init))
        sources.removeAll { $0.source == nil && !restored.contains(ExactText($0.slot.runningMeanName)) }
    }

    private mutating func add(_ slot: Slot, _ candidates: [Source]) {
        if let misfit = candidates.first(where: { !$0.tensor.elementType.converts(to: slot.dtype) || $0.shape != slot.shape.dimensions }) {
            report.unfit.append(slot.misfit(misfit.tensor, misfit.isTransposed ? " before it is transposed" : ""))
        } else if let source = candidates.first {
            report.restored.append(slot.names[0])
            sources.append((slot, source))
        } else if slot.isOptional {
            sources.append((slot, nil))
        } else {
            report.missing.append(slot.names[0])
        }
    }

    /// Sets what the model and the files both have.
    /// - Throws: `SomaError` that names what does not fit where all must, before anything is changed; `BackendError`.
    func restore(_ matching: Checkpoint.Matching) throws -> RestoreReport {
        var plan = self
        try plan.leaveOutNumbersBeyondRange()
        if matching == .all { try plan.requireAll() }
        for (slot, source) in plan.sources {
            slot.assign(try source.map { try $0.read(for: slot) } ?? .zeros(slot.shape, dtype: slot.dtype, device: slot.device))
            // One at a time: the place of a parameter among others is then overwritten, and no copy of all is needed.
            try slot.device.update()
        }
        return plan.report
    }

    /// - Throws: `SomaError` where the model and the files do not have all of one another.
    func requireAll() throws {
        if let difference = report.difference(of: path) { throw SomaError(difference) }
    }

    /// Drops tensors whose numbers the model's type cannot hold.
    private mutating func leaveOutNumbersBeyondRange() throws {
        for (slot, source) in sources {
            guard let source, case let count = try source.file.countBeyondRange(of: source.tensor, as: slot.dtype), count > 0 else { continue }
            report.unfit.append(slot.misfit(source.tensor, " with \(count) \(count == 1 ? "number" : "numbers") beyond \(slot.dtype)"))
            report.restored.removeAll { $0.isExactly(slot.names[0]) }
            sources.removeAll { $0.slot.names[0].isExactly(slot.names[0]) }
        }
    }
}

extension Slot {
    fileprivate func misfit(_ found: SafetensorsFile.Tensor, _ remark: String) -> RestoreReport.Misfit {
        .init(
            name: names[0], found: "\(found.elementType.rawValue) \(found.shape)\(remark)", wanted: "\(dtype.elementType.rawValue) \(shape)")
    }
}
