/// Bounds what waits for a device: a loop that runs ahead of it would fill its memory with batches, and would be told late that it is to stop.
struct Backlog {
    let device: Device
    private var byteCount = 0
    /// Steps that the device was given since it was last waited for, and when the first of them was.
    private(set) var stepCount = 0
    private var start = ContinuousClock.now
    /// The most steps that may wait. It grows with each waiting as far as the time that steps take allows.
    private var mostSteps = 1

    /// The most bytes that wait for a device.
    static let limit = 1 << 28
    /// Seconds of work that wait for a device, about. Waiting each time costs what it takes to give the device one step.
    private static let seconds = 0.5

    init(device: Device) { self.device = device }

    /// Counts a batch that is about to be uploaded, and first waits for the device where that would be too much.
    mutating func add(_ batch: Batch) throws {
        let size = batch.fields.reduce(0) { $0 + $1.byteCount } * batch.count
        if byteCount > 0 && byteCount + size > Self.limit { try wait() }
        if stepCount == 0 { start = .now }
        byteCount += size
    }

    /// Counts the step that the batch was for, and waits for the device where no more may wait.
    mutating func addStep() throws {
        stepCount += 1
        if stepCount >= mostSteps { try wait() }
    }

    private mutating func wait() throws {
        try device.synchronize()
        settle()
    }

    /// Notes that the device has done everything, as a value that was read tells.
    mutating func settle() {
        if stepCount > 0 {
            let seconds = (.now - start) / .seconds(1) / Double(stepCount)
            mostSteps = max(1, Int(min(Double(2 * mostSteps), Self.seconds / max(seconds, 1e-9))))
        }
        (byteCount, stepCount) = (0, 0)
    }
}

extension DataSet {
    /// The bytes of one sample, at least 1.
    var sampleByteCount: Int { max(1, fields.reduce(0) { $0 + $1.byteCount }) }
}
