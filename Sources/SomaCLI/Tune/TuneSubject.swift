import Soma
import SomaZoo

/// Work whose steps are tuned: a workload of `soma bench`, or a training step of a recipe.
struct TuneSubject {
    let name: String
    /// Makes data ready; what it returns does the work once.
    let prepare: (Device) throws -> () throws -> Void

    static let workloads = WorkloadList.all().compactMap { TuneSubject($0) }.map(\.name).reduce(into: [String]()) { if !$0.contains($1) { $0.append($1) } }
    static let recipes = Recipes.all.map(\.name)

    /// The subjects of a list with commas; `gemm_*` stands for all that begin so, `all` for the workloads but the largest.
    /// - Parameter data: the folder with the data, for recipes that need one.
    /// - Throws: `UsageError` for a name that there is not, and for a recipe whose data are missing.
    static func named(_ list: String, data: String?) throws -> [TuneSubject] {
        let (names, patterns) = (workloads + recipes, list.split(separator: ",").map(String.init))
        for pattern in patterns where pattern != "all" && !names.contains(where: { WorkloadList.matches($0, pattern) }) {
            throw UsageError(unknown: "workload or recipe", pattern, among: names)
        }
        if patterns.isEmpty { throw UsageError("--workload names none; there are \(names.joined(separator: ", "))") }
        let chosen = WorkloadList.all().filter { workload in
            patterns.contains { $0 == "all" ? !workload.isLarge && workload.batch ?? 1 <= 32 : WorkloadList.matches(workload.name, $0) }
        }
        let recipes = Recipes.all.filter { recipe in patterns.contains { WorkloadList.matches(recipe.name, $0) } }
        if let data, recipes.isEmpty { throw UsageError("--data \(data): --workload names no recipe, and nothing else takes data") }
        return chosen.compactMap { TuneSubject($0) } + (try recipes.map { try TuneSubject($0, data: data) })
    }

    /// `nil` for `startup`, which measures a process of its own.
    private init?(_ workload: Workload) {
        if workload.name == "startup" { return nil }
        let prepare = workload.prepare
        name = workload.name
        self.prepare = { device in
            let work = try prepare(device)
            return {
                try work.call()
                try work.finish()
            }
        }
    }

    /// Up to the first step of a training run.
    private init(_ recipe: any Recipe, data: String?) throws {
        let takesData = if case .embedded = recipe.data { false } else { true }
        let plan = try RunPlan(RunRequest(words: [recipe.name], data: takesData ? data : nil))
        name = recipe.name
        prepare = { device in
            {
                var context = RecipeContext(recipe, device: device, seed: plan.seed)
                (context.settings, context.data) = (plan.settings, plan.data)
                context.observer = FirstStep()
                _ = try recipe.run(context)
            }
        }
    }
}

/// Stops a run behind its first training step.
private final class FirstStep: RunObserver {
    private var isDone = false

    func note(_ event: RecipeEvent) {
        if case .training(.step) = event { isDone = true }
    }

    func isInterrupted() -> Bool { isDone }
}
