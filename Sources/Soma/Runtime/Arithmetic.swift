import SomaBackend

/// What decides the last bits of a run's results apart from its seed, settings and data: the device, its instructions, the libraries in use and their
/// versions, and this one's. Every checkpoint of a `Trainer` and the folder of a run hold it.
public struct Arithmetic: Hashable, Sendable {
    /// By name, in words.
    public let entries: [String: String]

    private static let prefix = "arithmetic."
    private static let device = "device"

    /// The version of this library.
    package static let version = "0.1.0"

    /// What `device` computes with now.
    public init(of device: Device) {
        let own = [Self.device: "\(device)", "Soma": Self.version]
        entries = device.executor.backend.arithmetic.merging(own) { _, own in own }
    }

    /// What the metadata of a checkpoint tell; nil where they are from before there was a record.
    public init?(metadata: [String: String]) {
        let own = metadata.filter { $0.key.hasPrefix(Self.prefix) }
        if own.isEmpty { return nil }
        entries = Dictionary(uniqueKeysWithValues: own.map { (String($0.key.dropFirst(Self.prefix.count)), $0.value) })
    }

    /// The same as metadata of a checkpoint.
    public var metadata: [String: String] { Dictionary(uniqueKeysWithValues: entries.map { (Self.prefix + $0.key, $0.value) }) }

    /// What is otherwise than `earlier`, in words, one for each name; empty where the bits must be the same. On another device nothing else is
    /// comparable.
    public func differences(from earlier: Arithmetic) -> [String] {
        let names = entries[Self.device] == earlier.entries[Self.device] ? Set(entries.keys).union(earlier.entries.keys).sorted() : [Self.device]
        return names.filter { entries[$0] != earlier.entries[$0] }.map { name in
            "\(name) \(Self.shortened(entries[name])), was \(Self.shortened(earlier.entries[name]))"
        }
    }

    /// Choices of many kernels would fill the screen.
    private static func shortened(_ text: String?) -> String {
        guard let text else { return "none" }
        return text.count > 80 ? text.prefix(79) + "…" : text
    }
}
