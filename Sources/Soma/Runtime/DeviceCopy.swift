import SomaBackend
import SomaGraph
import Synchronization

extension Tensor {
    /// The same numbers on `device`, to compute with what lives there; this tensor itself where it already does.
    ///
    /// They travel through the host when they are first needed on `device`, once. A gradient comes back to this tensor's device.
    public func to(_ device: Device, file: StaticString = #fileID, line: UInt = #line) -> Tensor {
        if device == self.device { return self }
        if Capture.current != nil {
            programError(
                "to", "a captured step runs on one device; copy before it, and hand the copy to the step", file: file, line: line)
        }
        let copy = DeviceCopy(of: self, to: device)
        let result = Node.deviceCopy(node, to: device.tag, holding: copy)
        copy.remember(result)
        return Tensor(node: result)
    }
}

/// Elements that come from another device when they are first needed.
///
/// Fetching them runs a program on the other device. So it never happens while a device's turn is held, where two devices could wait
/// for each other: who needs them there leaves with `UnfetchedCopy`, fetches, and comes again (`fetchingCopies`).
final class DeviceCopy: Storage, @unchecked Sendable {
    private enum Place {
        case elsewhere(Tensor)
        case here(Buffer)
    }

    private struct Contents {
        var place: Place
        weak var node: Node?
    }

    private let device: Device
    private let contents: Mutex<Contents>

    init(of source: Tensor, to device: Device) {
        self.device = device
        contents = Mutex(Contents(place: .elsewhere(source)))
        super.init()
    }

    /// The node whose elements these are.
    func remember(_ node: Node) { contents.withLock { $0.node = node } }

    /// The elements, without waiting for anything.
    /// - Throws: `UnfetchedCopy` where they are not here yet.
    func buffer() throws -> Buffer {
        let here: Buffer?? = contents.withLockIfAvailable { if case .here(let buffer) = $0.place { buffer } else { nil } }
        guard case let buffer?? = here else { throw UnfetchedCopy(copy: self) }
        return buffer
    }

    func fetch() throws {
        let released: NodeInputs? = try contents.withLock { contents in
            guard case .elsewhere(let source) = contents.place else { return nil }
            contents.place = .here(try moved(source))
            // As with every computed value: the graph behind it stays where a parameter lies upstream.
            guard let node = contents.node, !node.isTracked else { return nil }
            return Node.lock.withLock { _ in node.cut(Origins(of: [source.node])) }
        }
        withExtendedLifetime(released) {}
    }

    private func moved(_ source: Tensor) throws -> Buffer {
        let byteCount = source.count * source.dtype.byteCount
        let bytes = try [UInt8](unsafeUninitializedCapacity: byteCount) { target, filled in
            try source.copyBytes(to: UnsafeMutableRawBufferPointer(target))
            filled = byteCount
        }
        let backend = device.executor.backend
        let buffer = try backend.allocate(byteCount: max(byteCount, 1))
        try bytes.withUnsafeBytes { try backend.upload($0, to: BufferSlice(buffer)) }
        return buffer
    }
}

/// Elements that must be fetched from another device before what needs them can go on.
struct UnfetchedCopy: Error { var copy: DeviceCopy }

/// Runs `body`, which may begin anew after each copy that it turns out to need.
func fetchingCopies<Result>(_ body: () throws -> Result) throws -> Result {
    while true {
        do { return try body() } catch let missing as UnfetchedCopy { try missing.copy.fetch() }
    }
}
