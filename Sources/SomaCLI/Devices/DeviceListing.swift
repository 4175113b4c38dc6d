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

    static func json(_ devices: [DeviceDescription]) -> JSON {
        .array(
            devices.map { device in
                [
                    "name": .string(device.name), "model": .string(device.model), "vendor": .string(device.vendor),
                    "kind": .string(device.kind.rawValue), "memory_bytes": JSON(device.memoryBytes),
                    "compute_units": JSON(device.computeUnits), "driver": .string(device.driver),
                    "default": .bool(DeviceChoice.isDefault(device, among: devices)),
                ]
            })
    }
}
