import Soma

/// What a workload's value is: how much of something a second, or how long something takes.
struct Metric: Hashable, Sendable {
    /// As programs read it, among them those that measure other engines.
    let name: String
    /// As people read it.
    let unit: String
    /// What a call does, where the value is a rate; what its seconds are divided by, where it is a time.
    let amount: Double
    /// Whether more is better.
    let isRate: Bool

    static func rate(_ amount: Double, _ name: String) -> Metric { Metric(name: name, unit: name, amount: amount, isRate: true) }

    static func time(per amount: Double, _ name: String, unit: String) -> Metric {
        Metric(name: name, unit: unit, amount: amount, isRate: false)
    }

    /// The value of a call that took so long.
    func value(_ seconds: Double) -> Double { isRate ? amount / seconds : seconds / amount }
}

/// Something to measure a device by.
struct Workload: Sendable {
    let name: String
    /// Samples that it takes at once.
    var batch: Int?
    /// Whether `--batch` chooses these.
    var takesBatches = false
    let metric: Metric
    let summary: String
    /// What a call cannot do without; nil where neither arithmetic nor memory bounds it, or where the prepared work tells.
    var work: Work?
    /// Whether it takes so long on a processor that only who names it gets it.
    var isLarge = false
    /// Data are made on the device; what is returned is timed.
    let prepare: @Sendable (Device) throws -> PreparedWork

    init(
        _ name: String, _ metric: Metric, _ summary: String, work: Work? = nil, isLarge: Bool = false,
        prepare: @escaping @Sendable (Device) throws -> PreparedWork
    ) {
        (self.name, self.metric, self.summary, self.work, self.isLarge, self.prepare) = (name, metric, summary, work, isLarge, prepare)
    }
}

extension PreparedWork {
    /// Work of which each call waits until the device is done.
    static func waiting(for device: Device, _ call: @escaping () throws -> Void) -> PreparedWork {
        PreparedWork(call: {
            try call()
            try device.synchronize()
        })
    }
}
