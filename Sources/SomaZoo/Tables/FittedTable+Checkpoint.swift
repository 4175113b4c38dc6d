import Soma
import SomaEstimators

extension FittedTable {
    /// The arrays of the model beside which stands which classes it knows, and the metadata that names its kind.
    private static let (classesName, kindKey) = ("table.classes", "estimator.kind")

    private var kind: String {
        switch learnt {
        case .classes(let model, _, _): type(of: model).kind
        case .number(let model): type(of: model).kind
        }
    }

    private var arrays: [String: NamedArray] {
        switch learnt {
        case .classes(let model, let present, _):
            let classes = NamedArray(shape: [present.count], present.map { Int32($0) })
            return model.namedArrays.merging([Self.classesName: classes]) { own, _ in own }
        case .number(let model): return model.namedArrays
        }
    }

    /// Writes the model to a safetensors file that appears at once and complete.
    /// - Throws: `SomaError` where it cannot be written.
    func write(metadata: [String: String], to path: String) throws {
        let arrays = arrays
        let tensors = arrays.map { SafetensorsFile.Tensor(name: $0, elementType: $1.elementType, shape: $1.shape) }
        let all = metadata.merging([Self.kindKey: kind]) { _, own in own }
        try SafetensorsFile.write(tensors, metadata: all, to: path, links: .replaced) { tensor, append in
            try arrays[tensor.name]?.withBytes(append)
        }
    }

    /// The model of a checkpoint, which may come from anywhere.
    /// - Throws: `SomaError` in one line that names the file, where it holds another model than the settings say, or none that goes with the table.
    init(_ checkpoint: Checkpoint, _ kind: EstimatorKind, _ preparation: TablePreparation) throws {
        func broken(_ reason: String) -> SomaError { SomaError("\(checkpoint.path) is broken: \(reason)") }
        let columns = TableColumns(preparation)
        do {
            var arrays: [String: NamedArray] = [:]
            for tensor in checkpoint.tensors { arrays[tensor.name] = try checkpoint.array(tensor) }
            let learnt = try Self.learnt(arrays, kind, preparation)
            self.init(columns: columns, learnt: learnt)
        } catch let error as SomaError { throw broken(error.message) }
        guard checkpoint.metadata[Self.kindKey] == self.kind else {
            throw broken("its '\(Self.kindKey)' is '\(checkpoint.metadata[Self.kindKey] ?? "")' and not '\(self.kind)'")
        }
        guard columnCount == columns.count else { throw broken("its model takes \(columnCount) columns, and its table has \(columns.count)") }
    }

    private var columnCount: Int {
        switch learnt {
        case .classes(let model, _, _): model.columnCount
        case .number(let model): model.columnCount
        }
    }

    private static func learnt(_ arrays: [String: NamedArray], _ kind: EstimatorKind, _ preparation: TablePreparation) throws -> Learnt {
        switch preparation.answer {
        case .classes(let names):
            guard case .int32(let labels)? = arrays[classesName]?.values, case let present = labels.map({ Int($0) }),
                zip(present, present.dropFirst()).allSatisfy({ $0 < $1 }), present.allSatisfy(names.indices.contains)
            else { throw SomaError("it does not say which of \(names.count) classes its model knows") }
            let model = try kind.classifier(arrays)
            guard model.classCount == present.count else { throw SomaError("its model knows \(model.classCount) classes and not \(present.count)") }
            return .classes(model, present: present, of: names.count)
        case .number: return .number(try kind.regressor(arrays))
        }
    }
}

extension EstimatorKind {
    fileprivate func classifier(_ arrays: [String: NamedArray]) throws -> any FittedClassifier {
        switch self {
        case .tree, .forest: try TreeClassifierModel(namedArrays: arrays)
        case .boosted: try BoostedClassifierModel(namedArrays: arrays)
        case .svm: try SupportVectorClassifierModel(namedArrays: arrays)
        case .linear: try LogisticModel(namedArrays: arrays)
        case .knn: try NeighboursClassifierModel(namedArrays: arrays)
        case .bayes: try GaussianNaiveBayesModel(namedArrays: arrays)
        }
    }

    fileprivate func regressor(_ arrays: [String: NamedArray]) throws -> any FittedRegressor {
        switch self {
        case .tree, .forest: try TreeRegressorModel(namedArrays: arrays)
        case .boosted: try BoostedRegressorModel(namedArrays: arrays)
        case .svm: try SupportVectorRegressorModel(namedArrays: arrays)
        case .linear: try LinearModel(namedArrays: arrays)
        case .knn: try NeighboursRegressorModel(namedArrays: arrays)
        case .bayes: throw SomaError("its model tells classes, and its table has a number to tell")
        }
    }
}

// MARK: - Arrays

extension NamedArray {
    fileprivate var elementType: SafetensorsFile.ElementType {
        switch values {
        case .float32: .float32
        case .float64: .float64
        case .int32: .int32
        }
    }

    fileprivate func withBytes(_ body: (UnsafeRawBufferPointer) throws -> Void) rethrows {
        switch values {
        case .float32(let values): try values.withUnsafeBytes(body)
        case .float64(let values): try values.withUnsafeBytes(body)
        case .int32(let values): try values.withUnsafeBytes(body)
        }
    }
}

extension Checkpoint {
    fileprivate func array(_ tensor: SafetensorsFile.Tensor) throws -> NamedArray {
        func values<Element: BitwiseCopyable>(_ zero: Element) throws -> [Element] {
            try withBytes(of: tensor.name) { bytes in
                let count = bytes.count / MemoryLayout<Element>.size
                return (0..<count).map { bytes.loadUnaligned(fromByteOffset: $0 * MemoryLayout<Element>.size, as: Element.self) }
            }
        }
        if tensor.elementType == .float32 { return NamedArray(shape: tensor.shape, try values(Float(0))) }
        if tensor.elementType == .float64 { return NamedArray(shape: tensor.shape, try values(Double(0))) }
        if tensor.elementType == .int32 { return NamedArray(shape: tensor.shape, try values(Int32(0))) }
        throw SomaError("'\(tensor.name)' is \(tensor.elementType.rawValue), and its model has F32, F64 and I32 only")
    }
}
