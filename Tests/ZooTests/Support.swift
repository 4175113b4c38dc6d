import Glibc
import Soma
import SomaReference
import SomaZoo
import Testing

/// What trains on the CPU, one test at a time: each takes all cores.
@Suite(.serialized) enum OnTheCPU {}

/// What a run of a recipe has told.
struct Record {
    var result = RecipeResult()
    var tables: [Table] = []
    var messages: [String] = []
    var files: [String] = []
    var models: [ModelSummary] = []
    var epochs: [EpochSummary] = []
    var checkpoints: [String] = []
    var interruptions: [String] = []
}

/// Runs a recipe to its end and notes what it tells.
func record(
    _ recipe: any Recipe, on device: Device, _ arguments: [String] = [], seed: UInt64 = 1, epochs: Int? = nil, data: String? = nil,
    output: String? = nil, resume: String? = nil, isInterrupted: @escaping () -> Bool = { false }
) throws -> Record {
    var context = RecipeContext(recipe, device: device, seed: seed)
    context.settings = try Settings(recipe, arguments: arguments)
    if let epochs { context.epochs = epochs }
    (context.data, context.output) = (data, output)
    context.checkpoint = try resume.map { try Checkpoint(path: $0) }
    let recorder = Recorder(isInterrupted)
    context.observer = recorder
    recorder.record.result = try recipe.run(context)
    return recorder.record
}

/// Notes what a run tells.
private final class Recorder: RunObserver {
    var record = Record()
    private let stops: () -> Bool

    init(_ stops: @escaping () -> Bool) { self.stops = stops }

    func isInterrupted() -> Bool { stops() }

    func note(_ event: RecipeEvent) {
        switch event {
        case .model(let summary): record.models.append(summary)
        case .message(let text): record.messages.append(text)
        case .table(let table): record.tables.append(table)
        case .file(let path): record.files.append(path)
        case .training(.epoch(let summary)): record.epochs.append(summary)
        case .training(.checkpoint(let path, _)): record.checkpoints.append(path)
        case .training: break
        case .interrupted(let place): record.interruptions.append(place)
        }
    }
}

/// A device for cases so small that speed does not matter.
func interpreter() -> Device { Device(running: InterpretingBackend()) }

/// A folder of its own for a test, removed with the files in it when the test ends.
final class TemporaryFolder {
    let path: String

    init() throws {
        var template = Array("/tmp/soma-zoo-XXXXXX".utf8CString)
        guard let made = mkdtemp(&template) else { throw SomaError("no folder for a test") }
        path = String(cString: made)
    }

    deinit { Self.remove(path) }

    private static func remove(_ path: String) {
        for name in names(path) where unlink("\(path)/\(name)") != 0 { remove("\(path)/\(name)") }
        rmdir(path)
    }

    /// The names of the files in the folder.
    var names: [String] { Self.names(path) }

    private static func names(_ path: String) -> [String] {
        guard let listing = opendir(path) else { return [] }
        defer { closedir(listing) }
        var names: [String] = []
        while let entry = readdir(listing) {
            names.append(withUnsafeBytes(of: &entry.pointee.d_name) { String(decoding: $0.prefix { $0 != 0 }, as: UTF8.self) })
        }
        return names.filter { $0 != "." && $0 != ".." }.sorted()
    }
}

func contents(_ path: String) throws -> [UInt8] {
    guard let file = fopen(path, "rb") else { throw SomaError("\(path) is missing") }
    defer { fclose(file) }
    var bytes: [UInt8] = []
    var piece = [UInt8](repeating: 0, count: 65_536)
    while case let count = fread(&piece, 1, piece.count, file), count > 0 { bytes += piece[..<count] }
    return bytes
}

extension Session {
    /// What the classes are called that the model tells apart.
    var classNames: [String] { if case .classes(let names) = answer { names } else { [] } }
}
