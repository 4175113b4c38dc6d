import Glibc
import Soma
import SomaZoo

/// `config.json` of a run folder.
struct RunConfiguration {
    let recipe: String
    let settings: Settings
    let epochs: Int
    let seed: UInt64
    let device: String
    let data: String?
    /// How the device was told to compute; nil for one that leaves no choice, and in folders of before there were any.
    let tuning: TuningRecord?
    /// What decides the last bits; empty where it was read, since checkpoints tell it too.
    private var arithmetic: [String: String] = [:]

    private static let name = "config.json"
    /// Far more than any configuration has.
    private static let sizeLimit = 1 << 24

    init(_ plan: RunPlan, device: Device) {
        (recipe, settings, epochs, seed) = (plan.recipe.name, plan.settings, plan.epochs, plan.seed)
        // The run may be evaluated or resumed from elsewhere.
        data = plan.data.map(RunFolder.absolute)
        (self.device, tuning, arithmetic) = ("\(device)", device.tuning, Arithmetic(of: device).entries)
    }

    /// Nil where the folder has none.
    /// - Throws: `SomaError` where it cannot be read.
    init?(folder: String) throws {
        let path = "\(folder)/\(Self.name)"
        guard access(path, F_OK) == 0 else { return nil }
        let bytes = try SmallFile.read(path, limit: Self.sizeLimit)
        do {
            try self.init(JSON(edited: bytes))
        } catch let error as SomaError {
            if let kind = bytes.withUnsafeBytes({ FileKind($0, otherThan: FileKind.json) }) { throw kind.error(path, "is not a configuration") }
            throw SomaError("\(path) is not a configuration: \(error.message)")
        } catch let error as UsageError {
            throw SomaError("\(path) was written by another version: \(error)")
        }
    }

    private init(_ json: JSON) throws {
        func text(_ key: String) throws -> String {
            guard let text = json[key]?.string else { throw SomaError("it has no usable '\(key)'") }
            return text
        }
        guard let epochs = json["epochs"]?.integer, Recipes.epochs.contains(epochs),
            case .number(let digits)? = json["seed"], let seed = UInt64(digits)
        else { throw SomaError("it has no usable 'epochs' and 'seed'") }
        (recipe, device, self.epochs, self.seed) = (try text("recipe"), try text("device"), epochs, seed)
        settings = try Settings(try Recipes.named(recipe), arguments: Self.texts(json, "settings").map { "\($0.name)=\($0.text)" })
        data = json["data"] ?? .null == .null ? nil : try text("data")
        tuning = try Self.tuning(json["tuning"] ?? .null)
    }

    /// Nothing for a device that leaves no choice, and in folders of before there were any.
    private static func tuning(_ json: JSON) throws -> TuningRecord? {
        if json == .null { return nil }
        guard let device = json["device"]?.string else { throw SomaError("its 'tuning' names no device") }
        let choices = try texts(json, "choices").map { ($0.name, $0.text) }
        return TuningRecord(device: device, choices: Dictionary(choices, uniquingKeysWith: { first, _ in first }))
    }

    /// The texts in a member of an object: one of another kind, as the number that somebody has written without quotation marks, is not passed over.
    private static func texts(_ json: JSON, _ key: String) throws -> [(name: String, text: String)] {
        guard let members = json[key]?.members else { throw SomaError("it has no usable '\(key)'") }
        return try members.map { member in
            guard let text = member.value.string else { throw SomaError("'\(member.name)' of '\(key)' is no text in quotation marks") }
            return (member.name, text)
        }
    }

    private static func json(_ tuning: TuningRecord) -> JSON { ["device": .string(tuning.device), "choices": json(tuning.choices)] }

    private static func json(_ texts: [String: String]) -> JSON {
        .object(texts.sorted { $0.key < $1.key }.map { JSON.Member($0.key, .string($0.value)) })
    }

    var json: JSON {
        [
            "recipe": .string(recipe), "device": .string(device), "data": data.map { .string($0) } ?? .null,
            "epochs": JSON(epochs), "seed": .number(String(seed)), "precision": "float32",
            "arithmetic": Self.json(arithmetic), "tuning": tuning.map { Self.json($0) } ?? .null,
            "settings": .object(settings.texts.map { JSON.Member($0.key, .string($0.value)) }),
        ]
    }

    /// Writes the configuration to a folder.
    /// - Returns: what to tell where something else lay in its place, of which a copy was made.
    /// - Throws: `SomaError` where it cannot be written.
    func write(to folder: String) throws -> String? {
        let path = "\(folder)/\(Self.name)"
        var remark: String?
        do { _ = try RunConfiguration(folder: folder) } catch {
            let copy = try KeptCopy.make(of: SmallFile.read(path, limit: Self.sizeLimit), at: path)
            remark = "\(path) was no configuration of a run: as it was it is kept in \(copy)"
        }
        try AtomicFile.write(json.description + "\n", to: path, links: .replaced)
        return remark
    }
}
