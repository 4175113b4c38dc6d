import Glibc
import SomaGraph

extension Checkpoint {
    /// Writes a model, and what is needed to go on training it, to a file that appears at once and complete.
    /// - Parameters:
    ///   - players: those whose optimisers' running values and counts of updates are saved too.
    ///   - generator: one whose state is saved too.
    ///   - links: whether a link in the place of the file is followed or replaced.
    ///   - requiresFinite: whether a NaN or an infinity among the values is an error, so that no broken state replaces
    ///     a good one.
    ///   - advice: what to do about such a state, for the error.
    /// - Throws: `SomaError` naming the file, or the tensor that is not finite: an older file is then as it was;
    ///   `BackendError`.
    public static func write(
        _ model: some Module, players: [Player], generator: RandomGenerator? = nil,
        metadata: [String: String] = [:],
        requiresFinite: Bool = false, advice: String? = nil, to path: String, links: LinkPolicy = .followed
    ) throws {
        var values: [ExactText: () -> Tensor] = [:]
        var tensors: [SafetensorsFile.Tensor] = []
        func add(_ name: String, _ shape: Shape, _ dtype: DType, _ value: @escaping () -> Tensor) {
            if values.updateValue(value, forKey: ExactText(name)) != nil {
                programError("checkpoint", "two tensors are called '\(name)'")
            }
            tensors.append(.init(name: name, elementType: dtype.elementType, shape: shape.dimensions))
        }
        for slot in ModelContents(of: model).slots {
            if slot.names[0].hasByte("/") { programError("checkpoint", "the name '\(slot.names[0])' has a '/'") }
            add(slot.names[0], slot.shape, slot.dtype, slot.value)
        }
        let names = Optimizer.names(of: model)
        for vector in players.flatMap({ $0.optimizer.vectors(names) }) {
            for part in vector.parts { add(part.name, part.shape, .float32) { vector.part(part) } }
        }
        let all = metadata.merging(states(players, generator)) { _, own in own }
        try SafetensorsFile.write(tensors, metadata: all, to: path, links: links) { tensor, append in
            guard let value = values[ExactText(tensor.name)] else { return }
            do {
                try copy(value(), tensor.name, requiresFinite, append)
            } catch let broken as NotFinite {
                throw SomaError(broken.message, hint: advice)
            }
        }
    }

    /// Writes a model and, where there is one, the state of the optimiser that trains it.
    /// - Throws: as with players.
    public static func write(
        _ model: some Module, optimizer: Optimizer? = nil, generator: RandomGenerator? = nil, metadata: [String: String] = [:],
        requiresFinite: Bool = false, advice: String? = nil, to path: String, links: LinkPolicy = .followed
    ) throws {
        try write(
            model, players: optimizer.map { [Player("model", $0)] } ?? [], generator: generator, metadata: metadata, requiresFinite: requiresFinite,
            advice: advice, to: path, links: links)
    }

    private static func states(_ players: [Player], _ generator: RandomGenerator?) -> [String: String] {
        var result: [String: String] = [:]
        for (player, key) in zip(players, updatesKeys(players)) { result[key] = String(player.optimizer.updateCount) }
        if let state = generator?.state {
            result[seedKey] = String(state.seed)
            result[drawsKey] = String(state.drawCount)
        }
        return result
    }

    /// The key of each player's count of updates; one player has the key that checkpoints of one optimiser have.
    static func updatesKeys(_ players: [Player]) -> [String] {
        players.count == 1 ? [updatesKey] : players.map { "\(updatesKey).\($0.name)" }
    }

    /// Reads a copy of the tensor, so that a view that is part of a parameter's arena keeps no memory of its own.
    private static func copy(
        _ tensor: Tensor, _ name: String, _ requiresFinite: Bool, _ append: (UnsafeRawBufferPointer) throws -> Void
    ) throws {
        let size = tensor.count * tensor.dtype.byteCount
        guard let memory = malloc(max(size, 1)) else { throw SomaError("no memory for a copy of '\(name)', \(size) bytes") }
        defer { free(memory) }
        let bytes = UnsafeMutableRawBufferPointer(start: memory, count: size)
        try tensor.contiguous().copyBytes(to: bytes)
        if requiresFinite && tensor.dtype == .float32 && !bytes.bindMemory(to: Float.self).allSatisfy(\.isFinite) {
            throw NotFinite(message: "'\(name)' holds a NaN or an infinity")
        }
        try append(UnsafeRawBufferPointer(bytes))
    }
}

/// A state that would replace a good one.
private struct NotFinite: Error { let message: String }

/// A vector that an optimiser keeps over all of its parameters, and how its parts are called in a checkpoint.
struct OptimizerVector {
    struct Part {
        let name: String
        let offset: Int
        let shape: Shape
    }

    let state: State
    let parts: [Part]

    func part(_ part: Part) -> Tensor {
        state.tensor.block(at: [part.offset], of: [part.shape.count]).reshaped(to: part.shape)
    }
}

extension Optimizer {
    static func names(of model: some Module) -> [ObjectIdentifier: String] {
        Dictionary(uniqueKeysWithValues: model.namedParameters.map { (ObjectIdentifier($0.parameter), $0.name) })
    }

    /// - Parameter names: those of the parameters in their model.
    func vectors(_ names: [ObjectIdentifier: String]) -> [OptimizerVector] {
        let prefixes = rule.momentNames.map { "optimizer/\($0)/" } + (averages == nil ? [] : ["average/"])
        return zip(prefixes, moments + [averages].compactMap { $0 }).map { prefix, state in
            var end = 0
            let parts = arena.parameters.map { parameter in
                guard let name = names[ObjectIdentifier(parameter)] else {
                    programError(
                        "checkpoint",
                        "the optimiser trains a parameter of shape \(parameter.shape) that the model does not have")
                }
                defer { end += parameter.shape.count }
                return OptimizerVector.Part(name: prefix + name, offset: end, shape: parameter.shape)
            }
            return OptimizerVector(state: state, parts: parts)
        }
    }
}
