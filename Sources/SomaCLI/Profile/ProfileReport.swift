import Soma
import SomaBackend

/// A profile as text or JSON.
struct ProfileReport {
    let profile: StepProfile
    /// What was profiled, and on which device.
    let recipe, device: String
    let limits: DevicePeaks?

    private var count: Double { Double(profile.stepCount) }

    // MARK: Text

    var lines: [String] { summary + [""] + table(profile.rows(limits: limits)) + [""] + kernels + [""] + host }

    /// Two lines: what a step takes, and of what that is made up.
    var summary: [String] {
        let rest = max(0, profile.wall - profile.busy - profile.idle)
        return [
            "\(recipe) on \(device): \(Quantity.counted(profile.stepCount, "training step")), \(milliseconds(profile.wall / count)) each",
            "launches \(part(profile.busy)), nothing on the device between two of them \(part(profile.idle)), before the first and after the last \(part(rest))",
        ]
    }

    private func table(_ rows: [StepProfile.Row]) -> [String] {
        var table = TextTable(
            ["step", "launches", "ms a step", "share", "GB/s", "GFLOP/s", "of limit"], [.left, .right, .right, .right, .right, .right, .right])
        for row in rows {
            table.add([
                row.name, perStep(row.launchCount), Quantity.significant(row.seconds / count * 1e3, 3), percent(row.seconds / profile.wall),
                rate(row.bytes, row.seconds), rate(row.work.operations, row.seconds), row.shareOfLimit.map(percent) ?? "—",
            ])
        }
        return table.lines
    }

    private var kernels: [String] {
        var table = TextTable(["kernel", "launches", "ms a step", "share", "MB a step", "MFLOP a step"], [.left, .right, .right, .right, .right, .right])
        for row in profile.kernelRows() {
            table.add([
                row.name, perStep(row.launchCount), Quantity.significant(row.seconds / count * 1e3, 3), percent(row.seconds / profile.wall),
                millions(row.bytes), millions(row.work.operations),
            ])
        }
        return table.lines
    }

    private var host: [String] {
        var table = TextTable(["the host's calls", "times", "ms a step"], [.left, .right, .right])
        for call in profile.hostCalls { table.add([call.name, perStep(call.count), Quantity.significant(call.seconds / count * 1e3, 3)]) }
        return table.lines
    }

    private func perStep(_ number: Int) -> String {
        number % profile.stepCount == 0 ? "\(number / profile.stepCount)" : Quantity.fixed(Double(number) / count, 1)
    }
    private func milliseconds(_ seconds: Double) -> String { "\(Quantity.significant(seconds * 1e3, 4)) ms" }
    private func part(_ seconds: Double) -> String { "\(milliseconds(seconds / count)) (\(percent(seconds / profile.wall)))" }
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
            "wall_seconds": JSON(profile.wall), "launch_seconds": JSON(profile.busy), "idle_seconds": JSON(profile.idle),
        ]
        return [whole] + profile.rows(limits: limits).map { object("step", $0) } + profile.kernelRows().map { object("kernel", $0) }
            + profile.hostCalls.map { ["event": "host", "name": .string($0.name), "count": JSON($0.count), "seconds": JSON($0.seconds)] }
    }

    private func object(_ kind: String, _ row: StepProfile.Row) -> JSON {
        var members: [JSON.Member] = [
            .init("event", .string(kind)), .init("name", .string(row.name)), .init("kernels", .array(row.kernels.map { .string($0) })),
            .init("launches", JSON(row.launchCount)), .init("seconds", JSON(row.seconds)), .init("share", JSON(row.seconds / profile.wall)),
            .init("bytes_read", JSON(row.work.bytesRead)), .init("bytes_written", JSON(row.work.bytesWritten)),
            .init("operations", JSON(row.work.operations)),
        ]
        if kind == "step" { members.append(.init("share_of_limit", row.shareOfLimit.map { JSON($0) } ?? .null)) }
        return .object(members)
    }
}
