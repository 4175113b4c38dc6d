import Glibc
import Soma
import SomaZoo

/// The run that is to be resumed: what it was asked for, as its last checkpoint says, and where it was, as `config.json` does.
///
/// A run that was killed before its first checkpoint has a configuration only, and begins anew with that.
struct ResumeSource {
    /// The checkpoint, or the folder where there is none yet.
    let path: String
    let folder: String
    let checkpoint: Checkpoint?
    let recipe: String
    let settings: Settings
    let epochs: Int
    let seed: UInt64
    let device: String?
    let data: String?
    let tuning: TuningRecord?

    /// - Throws: `SomaError` where there is nothing to resume, or what there is cannot be read.
    init(_ words: RunPlan.Words, output: String?) throws {
        guard let start = words.path ?? output ?? words.recipe.map({ "runs/\($0)" }) else {
            throw UsageError("--resume needs a recipe, or the folder of a run behind it")
        }
        let isFile = start.hasSuffix(".safetensors")
        folder = isFile ? PathText.folder(of: start) : start
        let file = isFile ? start : "\(start)/last.safetensors"
        let place = try RunPlace(folder: folder)
        (device, data, tuning) = (place?.device, place?.data, place?.tuning)
        if isFile || access(file, F_OK) == 0 {
            let checkpoint = try Checkpoint(path: file)
            let saved = try SavedRun(checkpoint)
            (path, self.checkpoint) = (file, checkpoint)
            (recipe, settings, epochs, seed) = (saved.recipe.name, saved.settings, saved.epochs, saved.seed)
        } else if let configuration = try RunConfiguration(folder: folder) {
            (path, checkpoint) = (start, nil)
            (recipe, settings) = (configuration.recipe, configuration.settings)
            (epochs, seed) = (configuration.epochs, configuration.seed)
        } else {
            throw SomaError("there is no run to resume in \(start)", hint: "begin one without --resume")
        }
    }
}
