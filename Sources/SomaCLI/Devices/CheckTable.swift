import Soma

/// What checking the kernels of devices has found.
struct CheckedDevice {
    var description: DeviceDescription
    var checks: [KernelCheck]

    var isRight: Bool { checks.allSatisfy(\.faults.isEmpty) }

    var lines: [String] {
        var table = TextTable(["kernels", "cases", "faults", "used instead"], [.left, .right, .right, .left])
        for check in checks {
            table.add([check.kernels, String(check.caseCount), String(check.faults.count), check.faults.isEmpty ? "" : check.remedy ?? "nothing: the device is refused"])
        }
        let faults = checks.flatMap { check in check.faults.map { "\(description.name): \(check.kernels): \($0)" } }
        return ["\(description.name): \(description.model), \(description.driver)", ""] + table.lines + (faults.isEmpty ? [] : [""] + faults)
    }

    var json: JSON {
        [
            "name": .string(description.name), "model": .string(description.model), "driver": .string(description.driver),
            "checks": .array(checks.map { check in
                [
                    "kernels": .string(check.kernels), "cases": JSON(check.caseCount), "faults": .array(check.faults.map(JSON.string)),
                    "remedy": check.remedy.map(JSON.string) ?? .null,
                ]
            }),
        ]
    }
}
