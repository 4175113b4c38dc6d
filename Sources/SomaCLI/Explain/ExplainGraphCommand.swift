import ArgumentParser
import Soma
import SomaZoo

struct ExplainGraphCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "explain-graph",
        abstract: "Shows how a recipe's training step is compiled, and why so.",
        discussion: """
            The operations of the graph once views are resolved; the steps that they are fused into; for each value that \
            one step leaves in memory for another, why the two are not one step; where values lie in memory, and when; \
            and with --source the program that an OpenCL device runs. One training step is made to have it compiled.

              soma explain-graph digits
              soma explain-graph lenet --data data/mnist --device opencl:0 --source
            """)

    @OptionGroup var subject: RecipeSubject

    @Flag(help: "Print the text that the device runs for each step, where there is one.")
    var source = false

    @Flag(help: "Explain every program that is compiled on the way, such as those that draw initial weights.")
    var all = false

    func run() throws {
        let plan = try subject.plan()
        let device = try DeviceChoice.device(plan.device)
        Interruption.watch()
        var hasStepped = false
        var context = RecipeContext(plan.recipe, device: device, seed: plan.seed)
        (context.settings, context.data) = (plan.settings, plan.data)
        context.isInterrupted = { Interruption.isPending || hasStepped }
        context.report = { if case .training(.step) = $0 { hasStepped = true } }
        let programs = try explainingPrograms { _ = try plan.recipe.run(context) }.programs
        // A training step has more steps than what is computed around it.
        guard hasStepped, let main = programs.max(by: { $0.graph.steps.count < $1.graph.steps.count }) else {
            if Interruption.isPending { throw Interruption.exitCode }
            throw SomaError("\(plan.recipe.name) made no training step to explain")
        }
        let explained = all ? programs : [main]
        try Console.print("\(plan.recipe.name) on \(device): \(Quantity.counted(programs.count, "program")) compiled up to the first training step")
        for program in explained { try ExplanationText(program, withSource: source).lines.forEach(Console.print) }
    }
}
