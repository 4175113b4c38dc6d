import SomaBackend
import SomaGraph
import Synchronization

/// Elements that the host holds until a device first needs them.
final class HostArray: Storage, @unchecked Sendable {
    private enum Place {
        case host([UInt8])
        case device(Buffer)
    }

    private let place: Mutex<Place>

    init(_ bytes: [UInt8]) {
        place = Mutex(.host(bytes))
        super.init()
    }

    /// The bytes, as long as no device has them.
    var bytes: [UInt8]? { place.withLock { if case .host(let bytes) = $0 { bytes } else { nil } } }

    /// A hash of the bytes, as long as no device has them.
    var hash: Int? { bytes?.withUnsafeBytes(Self.hash) }

    /// The same for the same bytes, in one process.
    static func hash(_ bytes: UnsafeRawBufferPointer) -> Int {
        var hasher = Hasher()
        hasher.combine(bytes: bytes)
        return hasher.finalize()
    }

    /// The elements on the device, uploaded the first time.
    func buffer(on backend: any Backend) throws -> Buffer {
        try place.withLock { place in
            switch place {
            case .device(let buffer): return buffer
            case .host(let bytes):
                let buffer = try backend.allocate(byteCount: max(bytes.count, 1))
                try bytes.withUnsafeBytes { try backend.upload($0, to: BufferSlice(buffer)) }
                place = .device(buffer)
                return buffer
            }
        }
    }
}

extension Storage {
    /// The memory on the device that holds these elements.
    /// - Throws: `BackendError`; `UnfetchedCopy` where they are still on another device.
    func resolved(on backend: any Backend) throws -> Buffer {
        if let buffer = self as? Buffer { return buffer }
        if let array = self as? HostArray { return try array.buffer(on: backend) }
        if let copy = self as? DeviceCopy { return try copy.buffer() }
        if self is ScanPlaceholder {
            throw SomaError(
                "a value inside of a scan was read or assigned to a State: it has none before the scan runs",
                hint: "let the body give it as an output or as a state")
        }
        programError("realize", "storage of an unknown kind")
    }
}

extension HostArray {
    convenience init<Element: BitwiseCopyable>(bytes elements: [Element]) {
        self.init(elements.withUnsafeBytes(Array.init))
    }
}
