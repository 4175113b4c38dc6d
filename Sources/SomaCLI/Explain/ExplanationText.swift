import Soma
import SomaBackend
import SomaCompiler

/// What the compiler made of a graph, as text.
struct ExplanationText {
    private let program: ProgramExplanation
    private let withSource: Bool
    private let shared: SharedText
    private var graph: GraphExplanation { program.graph }

    init(_ program: ProgramExplanation, withSource: Bool) {
        (self.program, self.withSource) = (program, withSource)
        shared = SharedText(withSource ? program.sources.compactMap { $0 } : [])
    }

    var lines: [String] { operations + preamble + steps + boundaries + memory }

    private var operations: [String] {
        var table = TextTable(["value", "shape", "step", "operation"], [.right, .left, .right, .left])
        for value in graph.values {
            table.add(["%\(value.number)", "\(value.dtype) \(value.shape)", value.steps.map { "\($0)" }.joined(separator: ","), value.text])
        }
        let computed = graph.values.count { !$0.steps.isEmpty }
        return ["", "\(Quantity.counted(computed, "operation")) in \(Quantity.counted(graph.steps.count, "step"))", ""] + table.lines
    }

    private var preamble: [String] {
        if shared.lines.isEmpty { return [] }
        return ["", "what the programs of the steps have in common, below “\(SharedText.mark)”", ""] + shared.lines.filter { !$0.isEmpty }.map { "    | \($0)" }
    }

    private var steps: [String] {
        ["", "steps, in order, and what each computes", ""]
            + graph.steps.enumerated().flatMap { number, fused -> [String] in
                let values = fused.values.map { "%\($0)" }.joined(separator: " ")
                var lines = ["\(number)  \(fused.step.label)", Prose.wrapped(values, indents: (4, 4))]
                if let choice = program.choices[number] {
                    lines.append("    by \(choice.choice), \(choice.isTuned ? "tuned" : "as ships") for the class \(choice.stepClass)")
                }
                if withSource, let source = program.sources[number] { lines += shared.rest(of: source).map { "    | \($0)" } }
                return lines
            }
    }

    private var boundaries: [String] {
        ["", "what one step leaves in memory for another, and why the two are not one", ""]
            + graph.boundaries.flatMap { boundary -> [String] in
                let values = boundary.values.map { "%\($0)" }.joined(separator: " ")
                return ["\(boundary.from) to \(boundary.to)  \(Quantity.bytes(boundary.byteCount)): \(values)", Prose.wrapped(boundary.reason, indents: (4, 4))]
            }
    }

    private var memory: [String] {
        var table = TextTable(["value", "bytes", "where", "steps"], [.right, .right, .left, .left])
        for memory in graph.memory {
            table.add([
                "%\(memory.value)", Quantity.bytes(memory.byteCount), place(memory.slot), "\(memory.life.lowerBound) to \(memory.life.upperBound)",
            ])
        }
        let arena = "an arena of \(Quantity.bytes(graph.arenaByteCount)); at most \(Quantity.bytes(graph.largestLiveByteCount)) of it are alive at once"
        return ["", "memory: \(arena)", ""] + table.lines
    }

    private func place(_ slot: Plan.Slot) -> String {
        switch slot {
        case .source(let number): "source \(number)"
        case .output(let number): "output \(number)"
        case .temporary(let offset, _): "arena, from byte \(offset)"
        }
    }
}
