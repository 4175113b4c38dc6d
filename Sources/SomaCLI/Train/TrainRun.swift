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
        Interruption.watch()
        Interruption.watchOutput()
        plan = try plan.fitted(on: plainDevice)
        try plan.folder.open()
        defer { if record == nil { plan.folder.discardIfEmpty() } }
        try report.begin(configuration, plan, device)
        if let remark = arithmeticRemark { try report.note(.message(remark)) }
        if let reference { try check(against: reference) }
        defer { try? record?.draw() }
        let result = try plan.recipe.run(context)
        try writeProfile()
        try reportProfile()
        try record?.draw()
        try report.end(result, plan, device)
        if result.isInterrupted { throw Interruption.exitCode }
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
        (context.output, context.checkpoint) = (plan.folder.path, plan.checkpoint)
        context.isInterrupted = { [self] in
            profiler?.noteStep()
            return Interruption.isPending
        }
        context.report = { [self] event in
            try openRecord().note(event)
            try report.note(event)
            if profiler?.isOver == true { try writeProfile() }
        }
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
        if !plan.resumes, let other = try plan.folder.clear() {
            try report.note(.message("the earlier run is now in \(other)"))
        }
        if let remark = try configuration.write(to: plan.folder.path) { try report.note(.message(remark)) }
        let record = try RunRecord(folder: plan.folder.path, title: plan.recipe.name, device: device, resumes: plan.resumes)
        if let remark = record.remark { try report.note(.message(remark)) }
        self.record = record
        return record
    }

    /// Computes the loss and gradients of the first minibatch on both devices.
    private func check(against reference: Device) throws {
        var context = context
        context.report = { _ in }
        let tensors = try plan.recipe.probe(context)
        if let divergence = try device.firstDivergence(of: tensors, against: reference) {
            throw SomaError("\(device) differs from \(reference) at \(divergence)")
        }
        try report.note(.message("the first loss and its gradients on \(device) agree with \(reference)"))
    }
}
