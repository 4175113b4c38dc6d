import ArgumentParser
import Soma

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
              soma explain-graph perceptron --json
            """)

    @OptionGroup var subject: RecipeSubject

    @Flag(help: "Print the text that the device runs for each step, where there is one.")
    var source = false

    @Flag(help: "Explain every program that is compiled on the way, such as those that draw initial weights.")
    var all = false

    @Flag(help: "Print one object a line: each program, and its values, steps, boundaries and places in memory.")
    var json = false

    func run() throws {
        let plan = try subject.plan()
        let device = try DeviceChoice.device(plan.device)
        Interruption.watch()
        let programs = try explainingPrograms { try plan.trainSteps(on: device) { true } }.programs
        if Interruption.isPending { throw Interruption.exitCode }
        // A training step has more steps than what is computed around it.
        guard let main = programs.indices.max(by: { programs[$0].graph.steps.count < programs[$1].graph.steps.count }) else {
            throw SomaError("\(plan.recipe.name) compiled nothing to explain")
        }
        if !json {
            try Console.print("\(plan.recipe.name) on \(device): \(Quantity.counted(programs.count, "program")) compiled up to the first training step")
        }
        for number in all ? Array(programs.indices) : [main] {
            let program = programs[number]
            let lines = json
                ? ExplanationJSON(program, number: number, isStep: number == main, withSource: source).objects.map(\.description)
                : ExplanationText(program, withSource: source).lines
            try lines.forEach(Console.print)
        }
        if source && programs[main].sources.allSatisfy({ $0 == nil }) { Console.complain(Self.noSource(of: device)) }
    }

    private static func noSource(of device: Device) -> String {
        let other = Device.all().first { $0.name.hasPrefix("opencl:") }
        return "soma: \(device) has no source" + (other.map { "; try --device \($0.name)" } ?? "; an OpenCL device has, and there is none here")
    }
}
