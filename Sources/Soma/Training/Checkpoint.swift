import SomaBackend
import SomaGraph

/// A safetensors file with the parameters of a model and, where it is there to go on from, the state of its training.
///
/// Parameters and states of the model go by their own names, so that PyTorch reads the file and its files are read. The
/// running values of an optimiser are called `optimizer/exp_avg/hidden.weight`, averaged weights
/// `average/hidden.weight`; everything else is metadata.
public struct Checkpoint: Sendable {
    /// Free text that travels with the tensors, such as recipe and epoch.
    public var metadata: [String: String] { file.metadata }
    /// The file's name, for messages.
    public var path: String { file.path }
    /// What the run that wrote it computed with; nil where it does not say.
    public var arithmetic: Arithmetic? { Arithmetic(metadata: metadata) }
    let file: SafetensorsFile

    /// Opens a file; its header is checked, its tensors are read when they are asked for.
    /// - Throws: `SomaError` where the file is missing or broken.
    public init(path: String) throws { file = try SafetensorsFile(path: path) }

    // MARK: Contents

    /// What the file's header says of its tensors, in the order of their bytes.
    public var tensors: [SafetensorsFile.Tensor] { file.tensors }

    /// Calls `body` with the elements of a tensor, little-endian, row by row. They may begin at any address.
    /// - Throws: `SomaError` where the file has no tensor of that name or cannot be read, and what `body` throws.
    public func withBytes<Result>(of name: String, _ body: (UnsafeRawBufferPointer) throws -> Result) throws -> Result {
        try file.withBytes(of: name, body)
    }

    // MARK: Metadata

    /// The number of something, as the metadata have it under `key`.
    /// - Throws: `SomaError` naming the key where there is none, or one that no run ever reaches.
    func count(_ key: String) throws -> Int {
        // Far from where sums and products of counts overflow, and exact as a Double.
        guard let count = Int(try text(key)), (0...(1 << 40)).contains(count) else { throw try unusable(key) }
        return count
    }

    /// A finite number of the metadata.
    /// - Throws: `SomaError` naming the key where there is none.
    func number(_ key: String) throws -> Double {
        guard let number = Double(try text(key)), number.isFinite else { throw try unusable(key) }
        return number
    }

    private func text(_ key: String) throws -> String {
        if let text = metadata[key] { return text }
        throw SomaError("\(path) holds no state of training to go on from: it has no '\(key)'")
    }

    private func unusable(_ key: String) throws -> SomaError {
        SomaError("\(path) is broken: its '\(key)' cannot be '\(try text(key))'")
    }

    // MARK: Restoring what training goes on from

    /// Sets what an optimiser of `model` keeps from update to update, and how many it has made.
    /// - Throws: `SomaError` that names what does not fit, before anything is changed; `BackendError`.
    public func restore(_ optimizer: Optimizer, of model: some Module) throws { try restore([Player("model", optimizer)], of: model) }

    /// Sets what the optimisers of several players of `model` keep from update to update, and how many each has made.
    /// - Throws: `SomaError` that names what does not fit, before anything is changed; `BackendError`.
    public func restore(_ players: [Player], of model: some Module) throws {
        let keys = Self.updatesKeys(players)
        if let missing = zip(players, keys).first(where: { metadata[$0.1] == nil }) {
            let whose = players.count == 1 ? "an optimiser" : "the optimiser of '\(missing.0.name)'"
            throw SomaError("\(path) holds no state of \(whose)", hint: "a run goes on from its last.safetensors")
        }
        let counts = try keys.map { try count($0) }
        let names = Optimizer.names(of: model)
        let vectors = players.flatMap { $0.optimizer.vectors(names) }
        for vector in vectors { for part in vector.parts { try check(part.name, shape: part.shape, dtype: .float32) } }
        for vector in vectors {
            var bytes: [UInt8] = []
            bytes.reserveCapacity(vector.state.shape.count * 4)
            for part in vector.parts { try file.withBytes(of: part.name) { bytes.append(contentsOf: $0) } }
            vector.state.assign(
                try bytes.withUnsafeBytes {
                    try Tensor(bytes: $0, shape: vector.state.shape, dtype: .float32, device: vector.state.device)
                })
        }
        for (player, count) in zip(players, counts) { player.optimizer.updateCount = count }
    }

    /// Lets `generator` go on where the one that was saved had stopped.
    /// - Throws: `SomaError` where the file says nothing of it.
    public func restore(_ generator: RandomGenerator) throws {
        guard let seed = metadata[Self.seedKey].flatMap({ UInt64($0) }),
            let draws = metadata[Self.drawsKey].flatMap({ UInt64($0) })
        else {
            throw SomaError("\(path) holds no state of a random generator")
        }
        generator.state = RandomGenerator.State(seed: seed, drawCount: draws)
    }

    static let (updatesKey, seedKey, drawsKey) = ("optimizer.updates", "random.seed", "random.draws")

    private func check(_ name: String, shape: Shape, dtype: DType) throws {
        guard let found = file[name] else {
            throw SomaError(
                "\(path) has no tensor '\(name)'", hint: "it may come from another optimiser or another model")
        }
        guard found.elementType == dtype.elementType, found.shape == shape.dimensions else {
            throw SomaError(
                "'\(name)' is \(found.elementType.rawValue) \(found.shape) in \(path), the model wants "
                    + "\(dtype.elementType.rawValue) \(shape)")
        }
    }
}

/// A tensor of a model that is saved and restored.
struct Slot {
    /// The name it is saved by, and others by which it is found too.
    let names: [String]
    let shape: Shape
    let dtype: DType
    let device: Device
    let value: () -> Tensor
    let assign: (Tensor) -> Void

    /// Whether files may lack it: a count of batches, which PyTorch keeps beside running statistics since its version 0.4.1.
    var isOptional: Bool { Self.isBatchCount(names[0]) && dtype == .int64 }

    /// What it is called where the statistics are called `running_mean`.
    private static let batchCount = "num_batches_tracked"
    private static func isBatchCount(_ name: String) -> Bool { name.isExactly(batchCount) || name.hasSuffix("." + batchCount) }

    /// The name of the running mean beside a count of batches.
    var runningMeanName: String { names[0].dropLast(Self.batchCount.count) + "running_mean" }
}

extension ModelContents {
    /// Everything that a checkpoint holds of the model.
    var slots: [Slot] {
        parameters.map { named in
            let value = named.parameter.tensor
            return Slot(
                names: [named.name] + named.aliases, shape: value.shape, dtype: value.dtype, device: value.device,
                value: { named.parameter.tensor }, assign: { named.parameter.assign($0) })
        }
            + states.map { named in
                Slot(
                    names: [named.name] + named.aliases, shape: named.state.shape, dtype: named.state.dtype,
                    device: named.state.device,
                    value: { named.state.tensor }, assign: { named.state.assign($0) })
            }
    }
}

extension DType {
    /// What safetensors calls the type.
    var elementType: SafetensorsFile.ElementType {
        switch self {
        case .float32: .float32
        case .int32: .int32
        case .uint32: .uint32
        case .int64: .int64
        case .uint8: .uint8
        case .bool: .bool
        }
    }
}
