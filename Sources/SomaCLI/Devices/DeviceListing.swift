import Soma

/// The devices of a machine, for people and for programs.
enum DeviceListing {
    static func table(_ devices: [DeviceDescription]) -> TextTable {
        var table = TextTable(
            ["", "device", "kind", "model", "memory", "units", "driver"], [.left, .left, .left, .left, .right, .right, .left])
        for device in devices {
            table.add([
                DeviceChoice.isDefault(device, among: devices) ? "*" : "", device.name, device.kind.rawValue, device.model,
                Quantity.bytes(device.memoryBytes), String(device.computeUnits), device.driver,
            ])
        }
        return table
    }

    /// A line for each device with a tuning file.
    static func tuningLines(_ devices: [DeviceDescription]) -> [String] {
        devices.compactMap { device in
            switch Device.tuningState(of: device.name) {
            case .used(let path, let count): "\(device.name) computes \(Quantity.counted(count, "class", "classes")) of steps as soma tune found best: \(path)"
            case .ignored(let path, let reason): "\(device.name) passes over its tuning file: \(path): \(reason)"
            case nil: nil
            }
        }
    }

    private static func json(_ tuning: TuningState) -> JSON {
        switch tuning {
        case .used(let path, let count): ["file": .string(path), "classes": JSON(count), "ignored": .null]
        case .ignored(let path, let reason): ["file": .string(path), "classes": 0, "ignored": .string(reason)]
        }
    }

    static func json(_ devices: [DeviceDescription]) -> JSON {
        .array(
            devices.map { device in
                [
                    "name": .string(device.name), "model": .string(device.model), "vendor": .string(device.vendor),
                    "kind": .string(device.kind.rawValue), "memory_bytes": JSON(device.memoryBytes),
                    "compute_units": JSON(device.computeUnits), "driver": .string(device.driver),
                    "default": .bool(DeviceChoice.isDefault(device, among: devices)),
                    "tuning": Device.tuningState(of: device.name).map(json) ?? .null,
                ]
            })
    }
}
