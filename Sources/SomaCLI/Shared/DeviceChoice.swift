import Soma
import SomaZoo

/// Devices by the names that `--device` takes.
enum DeviceChoice {
    /// The device called `name`; without one that of `SOMA_DEVICE`, else the best there is.
    /// - Throws: `UsageError` where there is no such name, `SomaError` where the device cannot be used.
    static func device(_ name: String?) throws -> Device {
        if let name { return try named(name) }
        let variable = Environment.text(variable)
        return variable.isEmpty ? Device.default : try named(variable)
    }

    /// `all` or different names with commas between them.
    /// - Throws: `UsageError` where a name is empty, unknown or there twice, `SomaError` where a device cannot be used.
    static func devices(_ list: String?) throws -> [Device] {
        guard let list else { return [try device(nil)] }
        if list == "all" { return try all() }
        let devices = try list.split(separator: ",", omittingEmptySubsequences: false).map { name in
            if name.isEmpty { throw UsageError("--device takes `all` or names of devices with commas between them, and one is empty here") }
            return try named(String(name))
        }
        var seen: Set<String> = []
        for device in devices where !seen.insert("\(device)").inserted { throw UsageError("--device names \(device) twice") }
        return devices
    }

    /// Those that start; each that does not is told in a line.
    private static func all() throws -> [Device] {
        let devices = Device.all().compactMap { description in
            do { return try Device.named(description.name) } catch {
                Console.complain("soma: \(description.name) is left out: \(error)")
                return nil
            }
        }
        if devices.isEmpty { throw SomaError("no device can be started") }
        return devices
    }

    /// What `devices` marks: what is used where none is named.
    static func isDefault(_ description: DeviceDescription, among all: [DeviceDescription]) -> Bool {
        all.first { isWanted($0.name) }?.name == description.name
    }

    /// What is wrong with `SOMA_DEVICE`, in a line.
    static func complaint(among all: [DeviceDescription]) -> String? {
        if all.contains(where: { isWanted($0.name) }) { return nil }
        return "soma: \(variable)=\(Environment.text(variable)) is none of these devices, so none is the default"
    }

    private static let variable = "SOMA_DEVICE"

    private static func isWanted(_ name: String) -> Bool {
        let wanted = Environment.text(variable)
        return wanted.isEmpty || name == wanted || name.hasPrefix(wanted + ":")
    }

    private static func named(_ name: String) throws -> Device {
        do {
            return try Device.named(name)
        } catch {
            let names = Device.all().map(\.name)
            let kind = String(name.prefix { $0 != ":" })
            // A kind of device of which this machine has none is no misspelling: the reason is worth more than a list
            // of names.
            let isMissing = Device.kinds.contains(kind) && !names.contains { $0 == kind || $0.hasPrefix(kind + ":") }
            if names.contains(name) || isMissing { throw error }
            throw UsageError(unknown: "device", name, among: names)
        }
    }
}
