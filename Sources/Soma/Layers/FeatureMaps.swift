import Synchronization

/// The feature maps that a convolution of a network gave.
public struct FeatureMaps: Sendable {
    /// The path to the layer in the network: `features.0`.
    public let layer: String
    /// The filters [K, C / groups, sizes…].
    public let filters: Tensor
    /// The maps [N, K, spatial…], before any activation function.
    public let maps: Tensor

    private final class Recorder: Sendable {
        let notes = Mutex<[(weight: Parameter, maps: Tensor)]>([])
    }

    @TaskLocal private static var recorder: Recorder?

    static var isRecording: Bool { recorder != nil }

    static func note(_ weight: Parameter, _ maps: Tensor) { recorder?.notes.withLock { $0.append((weight, maps)) } }

    fileprivate static func recorded(_ model: any Module, _ body: () throws -> Tensor) rethrows -> [FeatureMaps] {
        let recorder = Recorder()
        _ = try $recorder.withValue(recorder, operation: body)
        let names = Dictionary(uniqueKeysWithValues: model.namedParameters.map { (ObjectIdentifier($0.parameter), $0.name) })
        return recorder.notes.withLock { $0 }.compactMap { note in
            guard let name = names[ObjectIdentifier(note.weight)] else { return nil }
            let layer = name.hasSuffix(".weight") ? String(name.dropLast(".weight".count)) : name
            return FeatureMaps(layer: layer, filters: note.weight.tensor, maps: note.maps)
        }
    }
}

/// What the convolutions of `model` give while `body` runs it, in the order in which they come. Nothing is computed yet.
public func featureMaps(of model: any Module, _ body: () throws -> Tensor) rethrows -> [FeatureMaps] {
    try FeatureMaps.recorded(model, body)
}
