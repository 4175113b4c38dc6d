import Glibc
import Soma
import SomaZoo

/// What was asked for on the command line.
struct RunRequest {
    /// The recipe, its settings, and where to go on from.
    var words: [String] = []
    var device: String?
    var data: String?
    var epochs: Int?
    var seed: UInt64?
    var output: String?
    var resumes = false
    var memory: Int?
    var reference: String?
    var profile: String?
}

/// What is going to be run: the request, completed by the recipe's defaults and by the run that is resumed.
struct RunPlan {
    let recipe: any Recipe
    private(set) var settings: Settings
    private(set) var epochs: Int
    /// Whether somebody has chosen the epochs, now or for the run that is resumed.
    private let isEpochsChosen: Bool
    private(set) var seed: UInt64
    /// Nil for the default.
    private(set) var device: String?
    private(set) var data: String?
    /// How the device of the run that is resumed was told to compute.
    let tuning: TuningRecord?
    let folder: RunFolder
    /// Where to go on from.
    private(set) var checkpoint: Checkpoint?
    let resumes: Bool
    /// The folder of the run that is resumed, where the run goes on in another.
    let origin: String?
    let memory: Int?
    let reference: String?
    /// Where the timeline of some steps goes.
    let profile: String?

    /// - Throws: `UsageError` for what there is not; `SomaError` where what is to be resumed is missing or broken.
    init(_ request: RunRequest) throws {
        let words = try Words(request)
        if let name = words.recipe { _ = try Recipes.named(name) }
        let source = try request.resumes ? ResumeSource(words, output: request.output) : nil
        guard let name = words.recipe ?? source?.recipe else {
            throw UsageError("soma train needs a recipe: \(Recipes.all.map(\.name).joined(separator: ", "))")
        }
        recipe = try Recipes.named(name)
        if let source, source.recipe != name {
            throw UsageError("\(source.path) is a run of \(source.recipe), not of \(name)")
        }
        if request.resumes && !recipe.keepsCheckpoints {
            throw UsageError("\(name) keeps no checkpoint to resume from: begin anew without --resume")
        }
        folder = RunFolder(path: request.output ?? source?.folder ?? "runs/\(name)")
        let output = RunFolder.absolute(folder.path)
        origin = source.flatMap { RunFolder.absolute($0.folder) == output ? nil : $0.folder }
        settings = source?.settings ?? Settings(recipe)
        try settings.set(words.settings, of: recipe)
        if let source { try Self.refuseChanges(from: source.settings, to: settings) }
        epochs = request.epochs ?? source?.epochs ?? recipe.defaultEpochs
        isEpochsChosen = request.epochs != nil || source != nil
        if let saved = source?.seed, let seed = request.seed, seed != saved {
            throw UsageError("the run that is resumed has the seed \(saved), not \(seed); only --epochs may change")
        }
        seed = request.seed ?? source?.seed ?? 0
        (device, tuning) = (request.device ?? source?.device, source?.tuning)
        (checkpoint, resumes) = (source?.checkpoint, request.resumes)
        (memory, reference, profile) = (request.memory, request.reference, request.profile)
        if let profile, folder.isOwn(profile) { throw UsageError("--profile would replace \(profile), a file of the run itself") }
        data = try Self.data(request.data ?? source?.data, for: recipe)
    }

    /// The plan with what follows from the size of the data, which are looked at for that.
    /// - Throws: `UsageError` or `SomaError` where they are missing or do not go with the settings.
    func fitted(on device: Device) throws -> RunPlan {
        var context = RecipeContext(recipe, device: device, seed: seed)
        (context.settings, context.data, context.checkpoint) = (settings, data, checkpoint)
        if isEpochsChosen { context.epochs = epochs }
        let fitted = try recipe.fitted(context)
        var plan = self
        (plan.settings, plan.epochs) = (fitted.settings, fitted.epochs)
        return plan
    }

    /// The folder that holds the run in the end: that which it is resumed from where there is nothing left to do, since nothing is written then.
    var home: String { completedEpochs == nil ? folder.path : origin ?? folder.path }

    /// How many epochs are done, where these are all that were asked for.
    var completedEpochs: Int? { checkpoint?.completedEpochs.flatMap { $0 >= epochs ? $0 : nil } }

    /// A run goes on as it began: with another batch size, say, its place in the epoch would be another.
    private static func refuseChanges(from old: Settings, to new: Settings) throws {
        for (before, after) in zip(old.texts, new.texts) where before.value != after.value {
            throw UsageError(
                "the run that is resumed has \(before.key)=\(before.value), not \(after.key)=\(after.value); "
                    + "only --epochs may change")
        }
    }

    private static func data(_ folder: String?, for recipe: any Recipe) throws -> String? {
        switch recipe.data {
        case .embedded(let what):
            if let folder { throw UsageError("--data \(folder): \(recipe.name) trains on \(what) and takes no --data") }
            return nil
        case .either, .file: return folder
        case .folder(let what, let usual):
            if let folder { return folder }
            if let usual, access(usual, F_OK) == 0 { return usual }
            throw UsageError("\(recipe.name) needs --data FOLDER with \(what)")
        }
    }
}

extension RunPlan {
    /// The words behind `soma train`, told apart by themselves and not by the files that happen to be there.
    struct Words {
        var recipe: String?
        var settings: [String] = []
        /// The folder or checkpoint behind `--resume`.
        var path: String?

        init(_ request: RunRequest) throws {
            for word in request.words {
                if Self.isSetting(word) {
                    settings.append(word)
                } else if request.resumes && path == nil && Self.isPath(word, recipe) {
                    path = word
                } else if recipe == nil {
                    recipe = word
                } else {
                    throw UsageError("'\(word)' is no key=value")
                }
            }
        }

        /// A key and its value. A folder whose name has such a sign is told by a slash: `./a=b`.
        private static func isSetting(_ word: String) -> Bool {
            guard let key = word.parts(atFirst: "=")?.before else { return false }
            return !key.isEmpty && !key.hasByte("/")
        }

        /// Whether a word behind `--resume` names a run, and not a recipe, misspelt perhaps.
        private static func isPath(_ word: String, _ recipe: String?) -> Bool {
            // A folder may be called as a recipe is.
            if recipe != nil { return true }
            let names = Recipes.all.map(\.name)
            if names.contains(word) { return false }
            return word.hasByte("/") || access(word, F_OK) == 0 || nearestNames(to: word, among: names).isEmpty
        }
    }
}
