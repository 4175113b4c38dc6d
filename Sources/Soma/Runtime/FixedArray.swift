import SomaBackend
import SomaGraph

/// Elements on a device that a captured step reads at each replay and that stay as they were when it was captured.
struct FixedArray: Sendable {
    let buffer: Buffer
    private let byteCount: Int
    private let backend: any Backend
    /// That of the elements, where the host had them when the step was captured.
    private let knownHash: Int?

    /// - Throws: `BackendError`.
    init(_ storage: Storage, byteCount: Int, on backend: any Backend) throws {
        // Before the device has them.
        knownHash = (storage as? HostArray)?.hash
        buffer = try fetchingCopies { try storage.resolved(on: backend) }
        (self.byteCount, self.backend) = (byteCount, backend)
    }

    /// Whether `storage` holds the same bytes, as many of them. Arrays that a device has are read unless they are one.
    /// - Throws: `BackendError`.
    func holdsSame(as storage: Storage) throws -> Bool {
        if let hash = (storage as? HostArray)?.hash { return try hash == knownHash ?? self.hash(buffer) }
        let other = try fetchingCopies { try storage.resolved(on: backend) }
        return try other === buffer || hash(other) == knownHash ?? hash(buffer)
    }

    private func hash(_ buffer: Buffer) throws -> Int {
        var bytes = [UInt8](repeating: 0, count: byteCount)
        try bytes.withUnsafeMutableBytes { try backend.download(BufferSlice(buffer), into: $0) }
        return bytes.withUnsafeBytes(HostArray.hash)
    }
}
