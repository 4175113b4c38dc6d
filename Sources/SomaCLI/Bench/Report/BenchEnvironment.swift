import Glibc
import Soma

/// Under what circumstances a report was made.
struct BenchEnvironment: Hashable, Sendable {
    /// What was measured: other engines may be told of in the same form, to be compared with.
    var engine = Self.ownEngine
    var version = Version.text
    var isDebugBuild = Version.isDebugBuild
    /// UTC, as ISO 8601 has it.
    var date = ""
    var host = ""
    var system = ""
    var threads = 0
    /// When the run began.
    var load = 0.0
    var precision = "float32"
    /// The same seed gives the same bits: no sum depends on the timing of threads.
    var isDeterministic = true

    static let ownEngine = "soma"

    /// Of now, on this machine.
    static var current: BenchEnvironment {
        var environment = BenchEnvironment()
        var names = utsname()
        if uname(&names) == 0 {
            environment.host = text(&names.nodename)
            environment.system = "\(text(&names.sysname)) \(text(&names.release)) \(text(&names.machine))"
        }
        environment.date = now
        environment.load = HostLoad.average
        // Asked of the processor alone: a list of all devices would load libraries that nobody may need.
        environment.threads = (try? Device.named("cpu"))?.deviceDescription.computeUnits ?? 0
        return environment
    }

    private static var now: String {
        var (seconds, parts) = (time(nil), tm())
        gmtime_r(&seconds, &parts)
        var text = [CChar](repeating: 0, count: 32)
        strftime(&text, text.count, "%Y-%m-%dT%H:%M:%SZ", &parts)
        return String(decoding: text.prefix { $0 != 0 }.map(UInt8.init(bitPattern:)), as: UTF8.self)
    }

    private static func text<Field>(_ field: inout Field) -> String {
        withUnsafeBytes(of: &field) { String(decoding: $0.prefix { $0 != 0 }, as: UTF8.self) }
    }

    /// For people.
    var line: String {
        let build = isDebugBuild ? "DEBUG build, whose figures say nothing" : "release build"
        let numbers = "\(precision), \(isDeterministic ? "deterministic" : "not deterministic")"
        return "\(engine) \(version), \(build); \(numbers); \(Quantity.counted(threads, "thread")); load \(Quantity.fixed(load, 2)); \(date)"
    }

    /// The machine, for people.
    var machine: String { host.isEmpty ? "unknown" : "\(host) (\(system))" }

    /// What is wrong with the circumstances.
    var warning: String? {
        guard threads > 0, load > 0.5 * Double(threads) else { return nil }
        return "soma: the machine was busy with other things (load \(Quantity.fixed(load, 1)) on \(Quantity.counted(threads, "thread"))): figures may be low"
    }
}

extension BenchEnvironment {
    var json: JSON {
        [
            "engine": .string(engine), "version": .string(version), "debug_build": .bool(isDebugBuild), "date": .string(date), "host": .string(host),
            "system": .string(system), "threads": JSON(threads), "load": JSON(load), "precision": .string(precision),
            "deterministic": .bool(isDeterministic),
        ]
    }

    /// - Throws: `SomaError` that says what is missing.
    init(_ json: JSON) throws {
        engine = json["engine"]?.string ?? Self.ownEngine
        version = try json.text("version")
        isDebugBuild = json["debug_build"] == true
        (date, host, system) = (try json.text("date"), try json.text("host"), try json.text("system"))
        (threads, load, precision) = (Int(try json.count("threads")), try json.count("load"), try json.text("precision"))
        isDeterministic = json["deterministic"] == true
    }
}

extension JSON {
    /// The text of a member that there must be.
    func text(_ name: String) throws -> String {
        guard let text = self[name]?.string else { throw SomaError("it has no usable '\(name)'") }
        return text
    }

    /// What a time, a rate or an amount can be.
    static let measurable = 1e-15...1e30

    /// A number of that kind.
    func positive(_ name: String) throws -> Double {
        guard let number = self[name]?.double, Self.measurable.contains(number) else { throw SomaError("it has no usable '\(name)'") }
        return number
    }

    /// A number that counts something, or a time that may be none.
    func count(_ name: String) throws -> Double {
        let number = try number(name)
        guard number >= 0 else { throw SomaError("it has no usable '\(name)'") }
        return number
    }

    /// A number within what an integer can count too.
    func number(_ name: String) throws -> Double {
        guard let number = self[name]?.double, number.magnitude < 1e18 else { throw SomaError("it has no usable '\(name)'") }
        return number
    }
}
