import Glibc
import Soma
import SomaZoo

/// `config.json` of a run folder: what a run was asked for, for people to read.
///
/// It is derived. Recipe, settings, epochs and seed are read from checkpoints, and from here only where a run was stopped before its first one;
/// what checkpoints do not say is `RunPlace`.
struct RunConfiguration {
    let recipe: String
    let settings: Settings
    let epochs: Int
    let seed: UInt64
    let place: RunPlace
    /// What decides the last bits; empty where it was read, since checkpoints tell it too.
    private var arithmetic: [String: String] = [:]

    init(_ plan: RunPlan, device: Device) {
        (recipe, settings, epochs, seed) = (plan.recipe.name, plan.settings, plan.epochs, plan.seed)
        (place, arithmetic) = (RunPlace(plan, device: device), Arithmetic(of: device).entries)
    }

    /// Nil where the folder has none.
    /// - Throws: `SomaError` where it cannot be read.
    init?(folder: String) throws {
        guard let file = try ConfigurationFile(folder: folder) else { return nil }
        self = try file.read { try RunConfiguration($0) }
    }

    private init(_ json: JSON) throws {
        guard let epochs = json["epochs"]?.integer, Recipes.epochs.contains(epochs),
            case .number(let digits)? = json["seed"], let seed = UInt64(digits)
        else { throw SomaError("it has no usable 'epochs' and 'seed'") }
        (place, self.epochs, self.seed) = (try RunPlace(json), epochs, seed)
        recipe = place.recipe
        settings = try Settings(try Recipes.named(recipe), arguments: json.texts("settings").map { "\($0.name)=\($0.text)" })
    }

    var json: JSON {
        [
            "recipe": .string(recipe), "device": .string(place.device), "data": place.data.map { .string($0) } ?? .null,
            "epochs": JSON(epochs), "seed": .number(String(seed)), "precision": "float32",
            "arithmetic": JSON(arithmetic), "tuning": place.tuning.map { JSON($0) } ?? .null,
            "settings": .object(settings.texts.map { JSON.Member($0.key, .string($0.value)) }),
        ]
    }

    /// Writes the configuration to a folder.
    /// - Returns: what to tell where something else lay in its place, of which a copy was made.
    /// - Throws: `SomaError` where it cannot be written.
    func write(to folder: String) throws -> String? {
        let path = "\(folder)/\(ConfigurationFile.name)"
        var remark: String?
        do { _ = try RunConfiguration(folder: folder) } catch {
            let copy = try KeptCopy.make(of: SmallFile.read(path, limit: ConfigurationFile.sizeLimit), at: path)
            remark = "\(path) was no configuration of a run: as it was it is kept in \(copy)"
        }
        try AtomicFile.write(json.description + "\n", to: path, links: .replaced)
        return remark
    }
}

/// What belongs to the machine that a run was on, which no checkpoint says: where its data are, and what it computed on.
struct RunPlace {
    /// Whose run it was, by the name of the recipe.
    let recipe: String
    let device: String
    let data: String?
    /// How the device was told to compute; nil for one that leaves no choice, and in folders of before there were any.
    let tuning: TuningRecord?

    fileprivate init(_ plan: RunPlan, device: Device) {
        // The run may be evaluated or resumed from elsewhere.
        (recipe, data) = (plan.recipe.name, plan.data.map(RunFolder.absolute))
        (self.device, tuning) = ("\(device)", device.tuning)
    }

    /// Nil where the folder has no `config.json`.
    /// - Throws: `SomaError` where it cannot be read.
    init?(folder: String) throws {
        guard let file = try ConfigurationFile(folder: folder) else { return nil }
        self = try file.read { try RunPlace($0) }
    }

    fileprivate init(_ json: JSON) throws {
        func text(_ key: String) throws -> String {
            guard let text = json[key]?.string else { throw SomaError("it has no usable '\(key)'") }
            return text
        }
        (recipe, device) = (try text("recipe"), try text("device"))
        data = json["data"] ?? .null == .null ? nil : try text("data")
        tuning = try TuningRecord(ofRun: json["tuning"] ?? .null)
    }
}

/// The bytes of `config.json`.
private struct ConfigurationFile {
    static let name = "config.json"
    /// Far more than any configuration has.
    static let sizeLimit = 1 << 24
    private let path: String
    private let bytes: [UInt8]

    /// Nil where the folder has none.
    /// - Throws: `SomaError` where it cannot be read.
    init?(folder: String) throws {
        path = "\(folder)/\(Self.name)"
        guard access(path, F_OK) == 0 else { return nil }
        bytes = try SmallFile.read(path, limit: Self.sizeLimit)
    }

    /// - Throws: `SomaError` naming the file where it is no configuration.
    func read<Value>(_ body: (JSON) throws -> Value) throws -> Value {
        do {
            return try body(JSON(edited: bytes))
        } catch let error as SomaError {
            if let kind = bytes.withUnsafeBytes({ FileKind($0, otherThan: FileKind.json) }) { throw kind.error(path, "is not a configuration") }
            throw SomaError("\(path) is not a configuration: \(error.message)")
        } catch let error as UsageError {
            throw SomaError("\(path) was written by another version: \(error)")
        }
    }
}

extension TuningRecord {
    /// Nil for a device that leaves no choice, and in folders of before there were any.
    fileprivate init?(ofRun json: JSON) throws {
        if json == .null { return nil }
        guard let device = json["device"]?.string else { throw SomaError("its 'tuning' names no device") }
        let choices = try json.texts("choices").map { ($0.name, $0.text) }
        self.init(device: device, choices: Dictionary(choices, uniquingKeysWith: { first, _ in first }))
    }
}

extension JSON {
    /// The texts in a member of an object: one of another kind, as the number that somebody has written without quotation marks, is not passed over.
    fileprivate func texts(_ key: String) throws -> [(name: String, text: String)] {
        guard let members = self[key]?.members else { throw SomaError("it has no usable '\(key)'") }
        return try members.map { member in
            guard let text = member.value.string else { throw SomaError("'\(member.name)' of '\(key)' is no text in quotation marks") }
            return (member.name, text)
        }
    }

    fileprivate init(_ tuning: TuningRecord) { self = ["device": .string(tuning.device), "choices": JSON(tuning.choices)] }

    fileprivate init(_ texts: [String: String]) { self = .object(texts.sorted { $0.key < $1.key }.map { JSON.Member($0.key, .string($0.value)) }) }
}
