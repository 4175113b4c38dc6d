import Soma
import SomaBackend

/// A profile as text or JSON.
struct ProfileReport {
    let profile: StepProfile
    /// What was profiled, and on which device.
    let recipe, device: String
    let limits: DevicePeaks?
    /// What watching costs, of how many rounds; `nil` where the same steps were not made unwatched.
    var cost: WatchingCost?
    /// Whether the run was too short to be warm.
    var isEarly = false

    private var count: Double { Double(profile.stepCount) }

    /// What a device is measured by.
    static let limits: [Peak] = [.float32, .memoryRead, .memoryWrite, .memoryCopy]

    func texts(asJSON: Bool) -> [String] { asJSON ? objects.map(\.description) : lines }

    // MARK: Text

    var lines: [String] { summary + [""] + spending + [""] + table + [""] + kernels + [""] + host }

    /// What a step takes, and what watching costs.
    var summary: [String] {
        let steps = Quantity.counted(profile.stepCount, "training step")
        let whole = "\(recipe) on \(device): \(steps) in \(milliseconds(profile.wall)), \(milliseconds(profile.stepSeconds / count)) each"
        guard let cost else { return [whole + (isEarly ? ", of a run that was too short to be warm" : "")] }
        let rounds = cost.watched.samples.count
        let both = [("a step on the clock", cost.watched), ("unwatched", cost.unwatched)].map { "\(quartiles($1)) \($0)" }
        return [whole + (rounds > 1 ? ", the median of \(rounds) rounds" : ", one round"), both.joined(separator: ", "), cost.verdict]
    }

    private func quartiles(_ measurement: Measurement) -> String {
        let (lower, upper) = (Quantity.significant(measurement.lowerQuartile * 1e3, 4), Quantity.significant(measurement.upperQuartile * 1e3, 4))
        return "\(milliseconds(measurement.median))" + (measurement.samples.count > 1 ? " (quartiles \(lower) and \(upper))" : "")
    }

    private var spending: [String] {
        var table = TextTable(["where the time went", "ms a step", "share"], [.left, .right, .right])
        for part in profile.spending { table.add([part.name, perStep(part.seconds), percent(part.seconds / profile.wall)]) }
        table.add(["all", perStep(profile.wall), percent(1)])
        return table.lines
    }

    private var table: [String] {
        let rows = profile.rows(limits: limits)
        let hasChoices = rows.contains { !$0.choices.isEmpty }
        var table = TextTable(
            ["step", "launches", "ms a step", "share", "GB/s", "GFLOP/s", "of limit", ""] + (hasChoices ? ["computed by"] : []),
            [.left] + Array(repeating: .right, count: 6) + [.left] + (hasChoices ? [.left] : []))
        for row in rows {
            let choices = row.choices.map { $0.choice + ($0.isTuned ? " (tuned)" : "") }.joined(separator: ", ")
            table.add(
                columns(row) + [rate(row.bytes, row.seconds), rate(row.work.operations, row.seconds)] + limit(row) + (hasChoices ? [choices] : []))
        }
        return table.lines
    }

    private var kernels: [String] {
        var table = TextTable(
            ["kernel", "launches", "ms a step", "share", "MB a step", "MFLOP a step", "of limit", ""], [.left] + Array(repeating: .right, count: 6) + [.left])
        for row in profile.kernelRows(limits: limits) {
            table.add(columns(row) + [millions(row.bytes), millions(row.work.operations)] + limit(row))
        }
        return table.lines
    }

    private func columns(_ row: StepProfile.Row) -> [String] {
        [row.name, perStep(row.launchCount), perStep(row.seconds), percent(row.seconds / profile.wall)]
    }

    /// The limit of bandwidth is that of memory: who goes beyond it has read and written caches.
    private func limit(_ row: StepProfile.Row) -> [String] {
        guard let limit = row.limit else { return ["—", ""] }
        return [limit.resource == .bandwidth && limit.share > 1 ? "in cache" : percent(limit.share), limit.resource.rawValue]
    }

    private var host: [String] {
        var table = TextTable(["the host's calls", "times", "ms a step"], [.left, .right, .right])
        for call in profile.hostCalls { table.add([call.name, perStep(call.count), perStep(call.seconds)]) }
        return table.lines
    }

    private func perStep(_ number: Int) -> String {
        number % profile.stepCount == 0 ? "\(number / profile.stepCount)" : Quantity.significant(Double(number) / count, 2)
    }
    /// Milliseconds; what is below ten nanoseconds is noise of the clock.
    private func perStep(_ seconds: Double) -> String { seconds / count < 1e-8 ? "0" : Quantity.significant(seconds / count * 1e3, 3) }
    private func milliseconds(_ seconds: Double) -> String { "\(Quantity.significant(seconds * 1e3, 4)) ms" }
    private func percent(_ share: Double) -> String { "\(Quantity.fixed(share * 100, share < 0.0995 ? 1 : 0)) %" }
    private func millions(_ amount: Double) -> String { amount > 0 ? Quantity.significant(amount / count / 1e6, 3) : "—" }
    private func rate(_ amount: Double, _ seconds: Double) -> String {
        amount > 0 && seconds > 0 ? Quantity.significant(amount / seconds / 1e9, 3) : "—"
    }

    // MARK: JSON

    /// An object for the whole, and one for each row.
    var objects: [JSON] {
        let whole: JSON = [
            "event": "profile", "recipe": .string(recipe), "device": .string(device), "steps": JSON(profile.stepCount),
            "wall_seconds": JSON(profile.wall), "step_seconds": JSON(profile.stepSeconds),
            "is_warm": .bool(!isEarly), "rounds": JSON(cost?.watched.samples.count ?? 1), "watching": cost?.json ?? .null,
        ]
        return [whole] + profile.spending.map { ["event": "part", "name": .string($0.name), "seconds": JSON($0.seconds)] }
            + profile.rows(limits: limits).map { object("device_step", $0) } + profile.kernelRows(limits: limits).map { object("kernel", $0) }
            + profile.hostCalls.map { ["event": "host", "name": .string($0.name), "count": JSON($0.count), "seconds": JSON($0.seconds)] }
    }

    private func object(_ kind: String, _ row: StepProfile.Row) -> JSON {
        [
            "event": .string(kind), "name": .string(row.name), "kernels": .array(row.kernels.map { .string($0) }),
            "choices": .array(
                row.choices.map { ["class": .string($0.stepClass), "choice": .string($0.choice), "is_tuned": .bool($0.isTuned)] }),
            "launches": JSON(row.launchCount), "seconds": JSON(row.seconds), "share": JSON(row.seconds / profile.wall),
            "bytes_read": JSON(row.work.bytesRead), "bytes_written": JSON(row.work.bytesWritten), "operations": JSON(row.work.operations),
            "share_of_limit": row.limit.map { JSON($0.share) } ?? .null, "limit": row.limit.map { .string($0.resource.rawValue) } ?? .null,
        ]
    }
}
