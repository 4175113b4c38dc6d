/// Bounds the batches that are uploaded and wait for a device: a loop that runs ahead of it would fill its memory.
struct Backlog {
    let device: Device
    private var byteCount = 0

    /// The most bytes that wait for a device.
    static let limit = 1 << 28

    init(device: Device) { self.device = device }

    /// Counts a batch that is about to be uploaded, and first waits for the device where that would be too much.
    mutating func add(_ batch: Batch) throws {
        let size = batch.fields.reduce(0) { $0 + $1.byteCount } * batch.count
        if byteCount > 0 && byteCount + size > Self.limit {
            try device.synchronize()
            byteCount = 0
        }
        byteCount += size
    }
}

extension DataSet {
    /// The bytes of one sample, at least 1.
    var sampleByteCount: Int { max(1, fields.reduce(0) { $0 + $1.byteCount }) }
}
