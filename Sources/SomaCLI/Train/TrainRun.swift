import ArgumentParser
import Soma
import SomaZoo

/// One run of a recipe, from the configuration to the result.
struct TrainRun {
    private let plan: RunPlan
    private let report: any RunReport

    init(_ plan: RunPlan, _ report: any RunReport) { (self.plan, self.report) = (plan, report) }

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
        if let memory = plan.memory { Device.limitMemory(to: memory) }
        let device = try DeviceChoice.device(plan.device)
        let reference = try plan.reference.map { try DeviceChoice.device($0) }
        let earlier = try plan.folder.open(resumes: plan.resumes)
        let configuration = RunConfiguration(plan, device: device)
        try configuration.write(to: plan.folder.path)
        try report.begin(configuration, plan, device, movedAside: earlier)
        if let reference { try check(device, reference) }
        let record = try RunRecord(folder: plan.folder.path, title: plan.recipe.name, device: device, resumes: plan.resumes)
        Interruption.watch()
        defer { try? record.draw() }
        let result = try plan.recipe.run(context(device, record))
        try record.draw()
        try report.end(result, plan, device)
        if result.isInterrupted { throw Interruption.exitCode }
    }

    private func context(_ device: Device, _ record: RunRecord?) -> RecipeContext {
        var context = RecipeContext(plan.recipe, device: device, seed: plan.seed)
        (context.epochs, context.settings, context.data) = (plan.epochs, plan.settings, plan.data)
        (context.output, context.checkpoint) = (plan.folder.path, plan.checkpoint)
        context.isInterrupted = { Interruption.isPending }
        context.report = { [report] event in
            try record?.note(event)
            try report.note(event)
        }
        return context
    }

    /// Computes the loss and gradients of the first minibatch on both devices.
    private func check(_ device: Device, _ reference: Device) throws {
        var context = context(device, nil)
        context.report = { _ in }
        let tensors = try plan.recipe.probe(context)
        if let divergence = try device.firstDivergence(of: tensors, against: reference) {
            throw SomaError("\(device) differs from \(reference) at \(divergence)")
        }
        if let broken = try device.firstNonFinite(of: tensors) {
            throw SomaError("on \(device) the first value that is not finite is \(broken.value), element \(broken.element) of \(broken.node)")
        }
        try report.note(.message("the first loss and its gradients on \(device) agree with \(reference)"))
    }
}
