import ArgumentParser
import Soma
import SomaZoo

/// One run of a recipe, from the configuration to the result.
final class TrainRun {
    private var plan: RunPlan
    private let report: any RunReport
    private let device: Device
    /// The same, which nobody watches.
    private let plainDevice: Device
    /// What the first loss and gradients are compared with.
    private let reference: Device?
    private let profiler: StepProfiler?
    private var isProfileWritten = false
    /// Nil until something happens: a run that fails before leaves the folder as it was.
    private var record: RunRecord?

    /// - Throws: `UsageError` or `SomaError` where there is no such device; `BackendError`.
    init(_ plan: RunPlan, _ report: any RunReport) throws {
        (self.plan, self.report) = (plan, report)
        if let memory = plan.memory { Device.limitMemory(to: memory) }
        // A run goes on as it began, whatever was measured since.
        Device.useTuning(plan.tuning)
        plainDevice = try DeviceChoice.device(plan.device)
        profiler = try plan.profile == nil ? nil : StepProfiler(plainDevice, keepsEarlySteps: true)
        device = profiler?.device ?? plainDevice
        reference = try plan.reference.map { try DeviceChoice.device($0) }
    }

    /// - Throws: `ExitCode` 130 where the run was interrupted; `SomaError`; `BackendError`; `UsageError`.
    func run() throws {
        do {
            try train()
        } catch let status as ExitCode {
            throw status
        } catch {
            report.failed(error)
            throw error
        }
    }

    private func train() throws {
        if let path = plan.profile { try OutputFile.check(path) }
        Interruption.watch(saying: acknowledgement, orLast: "soma: interrupted before there was anything new to keep")
        Interruption.watchOutput()
        // Before the first update a signal need not wait for whatever a driver compiles.
        Interruption.hasNothingToLose = true
        plan = try plan.fitted(on: plainDevice)
        // Where there is nothing to do nothing is written.
        if !hasNothingToDo { try plan.folder.open() }
        defer { if record == nil { plan.folder.discardIfEmpty() } }
        try report.begin(configuration, plan, device)
        if let remark = arithmeticRemark { try report.note(.message(remark)) }
        if let problem = plan.folder.problem { try report.note(.message(problem)) }
        if let done = plan.completedEpochs { try report.note(.message(Self.nothingToDo(done, asked: plan.epochs))) }
        if let reference { try check(against: reference) }
        defer { try? record?.draw() }
        let result = try plan.recipe.run(context)
        try writeProfile()
        try reportProfile()
        try record?.draw()
        try report.end(result, plan, device)
        guard result.isInterrupted else {
            if let failure = Console.outputFailure { throw failure }
            return
        }
        if let failure = Console.outputFailure { Console.complain("soma: \(failure); \(resumption(result))") }
        throw Interruption.exitCode
    }

    /// Whether all epochs that were asked for are done.
    private lazy var hasNothingToDo = plan.completedEpochs != nil

    private static func nothingToDo(_ done: Int, asked: Int) -> String {
        let more = "--epochs \(done + 1) or more goes on"
        return done == asked ? "nothing to do: all \(Quantity.counted(done, "epoch")) are done; \(more)"
            : "nothing to do: \(Quantity.counted(done, "epoch")) are done already, and \(asked) are asked for; \(more)"
    }

    private var acknowledgement: String {
        "soma: interrupted: \(plan.recipe.keepsCheckpoints ? "what was trained is kept first" : "the run ends soon")"
    }

    private func resumption(_ result: RecipeResult) -> String {
        result.checkpoint == nil ? "\(plan.recipe.name) keeps no checkpoint and begins anew" : "go on by: soma train \(plan.recipe.name) --resume \(plan.folder.path)"
    }

    /// What a run that goes on computes with otherwise than so far, in a line.
    private var arithmeticRemark: String? {
        var differences = plan.checkpoint?.arithmetic.map(Arithmetic(of: device).differences) ?? []
        if differences.isEmpty, let tuning = plan.tuning, tuning != device.tuning { differences = ["the ways to compute of \(tuning.device) are not known here"] }
        return differences.isEmpty ? nil : "the run goes on otherwise than it began, so its last digits may differ: \(differences.joined(separator: "; "))"
    }

    private var configuration: RunConfiguration { RunConfiguration(plan, device: device) }

    private var context: RecipeContext {
        var context = RecipeContext(plan.recipe, device: device, seed: plan.seed)
        (context.epochs, context.settings, context.data) = (plan.epochs, plan.settings, plan.data)
        (context.output, context.checkpoint) = (hasNothingToDo ? nil : plan.folder.path, plan.checkpoint)
        context.observer = self
        return context
    }

    /// Writes the timeline, once, with the steps that were watched.
    private func writeProfile() throws {
        guard let profiler, let path = plan.profile, !isProfileWritten else { return }
        isProfileWritten = true
        guard let profile = try profiler.finish() else {
            return try report.note(.message("\(path) is not written: the run ended before the steps to watch"))
        }
        try AtomicFile.write(ChromeTrace(profile.timeline, device: "\(device)").text, to: path)
        try report.note(.message("wrote \(path)"))
    }

    /// Tells of the steps that were watched. What the device is capable of is measured now, when there is no training to disturb.
    private func reportProfile() throws {
        guard let profiler, let profile = profiler.profile else { return }
        let limits = plainDevice.measured(ProfileReport.limits)
        try report.profile(
            ProfileReport(profile: profile, recipe: plan.recipe.name, device: "\(device)", limits: limits, isEarly: profiler.isEarly))
    }

    /// Begins to write to the folder. An earlier run is moved aside, not replaced.
    private func openRecord() throws -> RunRecord {
        if let record { return record }
        if !plan.resumes || plan.origin != nil, let other = try plan.folder.clear() {
            try report.note(.message("the earlier run is now in \(other)"))
        }
        if let origin = plan.origin, let checkpoint = plan.checkpoint { try report.note(.message(try plan.folder.takeOver(checkpoint, from: origin))) }
        if let remark = try configuration.write(to: plan.folder.path) { try report.note(.message(remark)) }
        let record = try RunRecord(folder: plan.folder.path, title: plan.recipe.name, device: device, resumes: plan.resumes)
        if let remark = record.remark { try report.note(.message(remark)) }
        self.record = record
        return record
    }

    /// Computes the loss and gradients of the first minibatch on both devices.
    private func check(against reference: Device) throws {
        var context = context
        context.observer = nil
        let tensors = try plan.recipe.probe(context)
        if let divergence = try device.firstDivergence(of: tensors, against: reference) {
            throw SomaError("\(device) differs from \(reference) at \(divergence)")
        }
        try report.note(.message("the first loss and its gradients on \(device) agree with \(reference)"))
    }
}

extension TrainRun: RunObserver {
    func note(_ event: RecipeEvent) throws {
        // Where there is nothing to do nothing is changed.
        if !hasNothingToDo { try note(event, in: openRecord()) }
        try report.note(event)
        if profiler?.isOver == true { try writeProfile() }
    }

    private func note(_ event: RecipeEvent, in record: RunRecord) throws {
        switch event {
        case .model(let summary): try record.begin(summary.title)
        case .training(let event): try record.note(event)
        case .message, .table, .file, .interrupted: break
        }
    }

    func isInterrupted() -> Bool {
        profiler?.noteStep()
        Interruption.hasNothingToLose = false
        return Interruption.isPending
    }
}
