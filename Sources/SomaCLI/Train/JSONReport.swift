import Soma
import SomaZoo

/// One JSON object a line; the last is the result.
final class JSONReport: RunReport {
    private var device: Device?

    func begin(_ configuration: RunConfiguration, _ plan: RunPlan, _ device: Device) throws {
        self.device = device
        try emit(
            "start",
            (configuration.json.members ?? []) + [
                .init("output", .string(plan.home)), .init("resumed", .bool(plan.resumes)),
            ])
    }

    func note(_ event: RecipeEvent) throws {
        switch event {
        case .model(let summary):
            let rows = summary.rows.map { row -> JSON in
                ["name": .string(row.name), "shape": .array(row.shape.dimensions.map { JSON($0) })]
            }
            try emit(
                "model",
                [
                    .init("title", .string(summary.title)), .init("parameters", JSON(summary.parameterCount)),
                    .init("tensors", .array(rows)),
                ])
        case .training(let event): try note(event)
        case .message(let text): try emit("message", [.init("text", .string(text))])
        case .table(let table):
            let rows = table.rows.map { JSON.array($0.map { .string($0) }) }
            try emit(
                "table",
                [
                    .init("title", .string(table.title)), .init("columns", .array(table.columns.map { .string($0) })),
                    .init("rows", .array(rows)),
                ])
        case .file(let path): try emit("file", [.init("path", .string(path))])
        case .interrupted(let place): try emit("interrupted", [.init("text", .string(place))])
        }
    }

    private func note(_ event: TrainingEvent) throws {
        switch event {
        case .phase(let name, let number, let count):
            try emit("phase", [.init("name", .string(name)), .init("number", JSON(number + 1)), .init("phases", JSON(count))])
        case .started(let progress): try emit("training", standing(progress))
        case .compiled(let programs): for program in programs { try emit("plan", Self.members(program)) }
        case .step(let progress, let losses):
            guard let losses else { return }
            try emit("step", standing(progress) + Self.members(losses))
        case .epoch(let summary):
            let measures = Self.members(summary.evaluation?.report.figures ?? [], prefix: "test_")
            try emit(
                "epoch",
                standing(summary.progress, epoch: summary.epoch) + Self.members(summary.losses)
                    + measures + [.init("test_left_out", JSON(summary.evaluation?.leftOutCount ?? 0)), .init("best", .bool(summary.isBest))])
        case .checkpoint(let path, let isBest):
            try emit("checkpoint", [.init("path", .string(path)), .init("best", .bool(isBest))])
        case .file(let path): try emit("file", [.init("path", .string(path))])
        case .stoppedEarly(let progress): try emit("stopped_early", standing(progress))
        case .remark(let text): try emit("message", [.init("text", .string(text))])
        case .interrupted(let progress): try emit("interrupted", standing(progress))
        }
    }

    private static func members(_ figures: [Figure], prefix: String = "") -> [JSON.Member] {
        figures.map { .init(prefix + $0.name, JSON($0.value)) }
    }

    private static func members(_ program: ProgramSummary) -> [JSON.Member] {
        [
            .init("arena_bytes", JSON(program.arenaByteCount)), .init("largest_live_bytes", JSON(program.largestLiveByteCount)),
            .init("result_bytes", JSON(program.outputByteCount)),
            .init("steps", .object(program.steps.map { .init($0.name, JSON($0.count)) })),
        ]
    }

    private func standing(_ progress: TrainingProgress, epoch: Int? = nil) -> [JSON.Member] {
        [
            .init("epoch", JSON((epoch ?? progress.epoch) + 1)), .init("epochs", JSON(progress.epochCount)),
            .init("step", JSON(progress.updateCount)), .init("learning_rate", JSON(progress.learningRate)),
            .init("samples_per_second", Self.number(progress.samplesPerSecond)),
            .init("data_wait", Self.number(progress.dataWait)), .init("memory_bytes", JSON(device?.memory.live ?? 0)), .init("seconds", JSON(progress.seconds)),
        ]
    }

    func profile(_ report: ProfileReport) throws { try report.objects.forEach { try Console.print($0.description) } }

    func end(_ result: RecipeResult, _ plan: RunPlan, _ device: Device) throws {
        if !result.measures.isEmpty {
            try emit("measures", result.measures.sorted { $0.key < $1.key }.map { .init($0.key, JSON($0.value)) })
        }
        if result.isInterrupted { return }
        try emit(
            "result",
            [
                .init("recipe", .string(plan.recipe.name)), .init("device", .string("\(device)")),
            ] + Self.members(result.test.figures, prefix: "test_") + [
                .init("epochs", JSON(result.epochs)), .init("seconds", JSON(result.seconds)),
                .init("samples_per_second", Self.number(result.samplesPerSecond)),
                .init("checkpoint", result.checkpoint.map { .string($0) } ?? .null),
            ])
    }

    func failed(_ error: any Error) { try? emit("error", [.init("message", .string("\(error)"))]) }

    private func emit(_ event: String, _ members: [JSON.Member]) throws {
        try Console.print(JSON.object([.init("event", .string(event))] + members).description)
    }

    private static func number(_ value: Double?) -> JSON { value.map { JSON($0) } ?? .null }
}
