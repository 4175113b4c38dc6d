import Glibc
import Soma
import SomaZoo

/// A checkpoint that was named by its file or by its run folder.
struct CheckpointSource {
    let checkpoint: Checkpoint
    private let folder: String

    /// What commands say of their argument.
    static let help = "A checkpoint of soma train, or a run folder, of which best.safetensors is taken."

    /// - Throws: `SomaError` where there is none, or a broken one.
    init(_ path: String) throws {
        var status = stat()
        if stat(path, &status) == 0, status.st_mode & S_IFMT == S_IFDIR {
            folder = path
            let names = ["best.safetensors", "last.safetensors"].map { "\(path)/\($0)" }
            guard let file = names.first(where: { access($0, F_OK) == 0 }) else {
                throw SomaError("\(path) holds no checkpoint", hint: "soma train writes best.safetensors and last.safetensors there")
            }
            checkpoint = try Checkpoint(path: file)
        } else {
            folder = PathText.folder(of: path)
            checkpoint = try Checkpoint(path: path)
        }
    }

    /// The folder of data that the run beside the checkpoint has used, else the usual one of the recipe.
    func data(of recipe: any Recipe, _ place: RunPlace?) -> String? {
        if let place, place.recipe == recipe.name, let data = place.data { return data }
        guard case .folder(_, let usual?) = recipe.data, access(usual, F_OK) == 0 else { return nil }
        return usual
    }

    /// Whether a folder of data is that which the run beside the checkpoint has used.
    func isTrainedOn(_ data: String?, _ place: RunPlace?) -> Bool {
        guard let data, let own = place?.data else { return false }
        return RunFolder.absolute(data) == RunFolder.absolute(own)
    }

    /// Where the run beside the checkpoint was; nil where that is not told. What cannot be read is told of in a line: whether a folder was trained on
    /// is not known then.
    func place() -> RunPlace? {
        do { return try RunPlace(folder: folder) } catch {
            Console.complain("\(Ending(error).complaint); so what the run was trained on is not known")
            return nil
        }
    }
}
