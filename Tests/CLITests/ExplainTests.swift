import Soma
import Testing

@testable import SomaCLI

/// The command soma explain-graph.
@Suite struct ExplainTests {
    let folder = TestFolder()

    @Test func aTrainingStep() {
        let command = Command.soma("explain-graph", "digits", "--device", "cpu", "hidden=32", in: folder)
        #expect(command.status == 0, "\(command.complaint)")
        for part in [
            "digits on cpu: ", " operations in ", "0  matmul 32×32 over 64", "a step computes one product", "its parts are put together in memory",
            "memory: an arena of ", "arena, from byte ", "output 0", "(hidden.0.weight, from element 0, transposed)", "with random words",
            "(output.bias, from element 2400, repeated along axis 0)", "scalar 0 = ", "source 3: hidden.0.weight to output.bias",
        ] {
            #expect(command.output.contains(part), "\(part)")
        }
    }

    @Test func sourceOfKernels() {
        guard Device.all().contains(where: { $0.name == "opencl:0" }) else { return print("skipped: no OpenCL device") }
        let command = Command.soma("explain-graph", "digits", "--device", "opencl:0", "--source", "hidden=32", in: folder)
        #expect(command.status == 0 && command.complaint.isEmpty && command.output.contains("| kernel "), "\(command.complaint)")
        // What all have in common is there once, and each step tells how it is computed.
        #expect(command.lines.count { $0.contains("typedef") && $0.contains("soma_index") } <= 2, "not shown once")
        #expect(command.lines.count { $0.hasSuffix(SharedText.mark) } >= 10)
        #expect(command.output.contains("    by ") && command.output.contains(", as ships for the class matmul "))
    }

    @Test func noSourceIsSaid() {
        let command = Command.soma("explain-graph", "xor", "--device", "cpu", "--source", in: folder)
        #expect(command.status == 0 && command.complaint.hasPrefix("soma: cpu has no source; ") && command.output.contains("steps, in order"))
        #expect(Command.soma("explain-graph", "xor", "--device", "cpu", in: folder).complaint.isEmpty)
    }

    @Test func whatTextsHaveInCommon() {
        let preamble = (0..<9).map { "line \($0)" }
        func text(_ first: String, _ last: String) -> String { ([first] + preamble + ["", last]).joined(separator: "\n") }
        let texts = [text("a", "x"), text("b", "y"), "// a library", text("c", "z") + "\n" + text("d", "z")]
        let shared = SharedText(texts)
        #expect(shared.lines.prefix(9).map(String.init) == preamble)
        #expect(shared.rest(of: texts[0]).map(String.init) == ["a", SharedText.mark, "x"])
        #expect(shared.rest(of: texts[2]).map(String.init) == ["// a library"])
        #expect(shared.rest(of: texts[3]).map(String.init) == ["c", SharedText.mark, "z", "d", SharedText.mark, "z"])
        #expect(SharedText([texts[0]]).lines.isEmpty && SharedText(["a\nb", "a\nc"]).lines.isEmpty)
    }

    /// The same as lines of JSON, whose numbers fit together.
    @Test func linesOfJSON() throws {
        let command = Command.soma("explain-graph", "digits", "--device", "cpu", "--json", "--all", "hidden=32", in: folder)
        #expect(command.status == 0, "\(command.complaint)")
        let all = try command.lines.map { try JSON(parsing: $0) }
        let main = try #require(all.first { $0["is_training_step"] == .bool(true) }?["program"]?.integer)
        func objects(_ kind: String) -> [JSON] { all.filter { $0["event"]?.string == kind && $0["program"]?.integer == main } }
        func numbers(_ object: JSON, _ member: String) -> [Int] { object[member]?.array?.compactMap(\.integer) ?? [] }
        let (values, steps) = (objects("value"), objects("step"))
        #expect(values.count > 50 && steps.count == objects("program").first?["steps"]?.integer)
        for step in steps {
            let number = try #require(step["number"]?.integer)
            let own = values.filter { numbers($0, "steps").contains(number) }.compactMap { $0["number"]?.integer }
            #expect(!own.isEmpty && numbers(step, "values") == own && step["name"]?.string?.hasPrefix(step["kind"]?.string ?? "?") == true)
        }
        let reads = values.flatMap { $0["reads"]?.array ?? [] }
        let weight = try #require(reads.first { $0["name"] == "hidden.0.weight" })
        #expect(numbers(weight, "strides") == [1, 64] && numbers(weight, "shape") == [64, 32] && weight["offset"] == 0)
        #expect(values.contains { $0["scalar"]?.double == 1.25 } && values.contains { $0["names"]?.array?.count == 4 })
        for boundary in objects("boundary") {
            #expect((boundary["from"]?.integer ?? 0) < (boundary["to"]?.integer ?? 0) && boundary["reason"]?.string?.isEmpty == false)
        }
        let places = Set(objects("memory").compactMap { $0["where"]?.string })
        #expect(places == ["source", "output", "arena"] && objects("memory").allSatisfy { ($0["bytes"]?.integer ?? 0) > 0 })
    }

    /// Random words are drawn within the step that needs them.
    @Test func randomWordsHaveTheirStep() throws {
        let command = Command.soma("explain-graph", "digits", "--device", "cpu", "--json", "dropout=0.5", "hidden=32", in: folder)
        let random = try command.lines.map { try JSON(parsing: $0) }.filter { $0["operation"]?.string?.hasPrefix("random words") == true }
        #expect(!random.isEmpty && random.allSatisfy { $0["steps"]?.array?.count == 1 }, "\(random)")
    }

    @Test(arguments: ["perceptron", "vanishing-gradient"]) func recipesOfOtherKinds(_ recipe: String) {
        let command = Command.soma("explain-graph", recipe, "--device", "cpu", in: folder)
        #expect(command.status == 0 && command.output.contains("steps, in order"), "\(command.complaint)")
    }

    @Test func saysWhatCannotBe() {
        Command.soma("explain-graph", "nothing", in: folder).expectComplaint(2, "nothing")
        let full = Command.run(["/bin/sh", "-c", "exec \(Command.folder)/soma explain-graph xor --device cpu >/dev/full"], in: folder)
        full.expectComplaint(1, "standard output")
    }
}
