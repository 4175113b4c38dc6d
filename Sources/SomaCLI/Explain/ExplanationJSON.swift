import Soma
import SomaBackend
import SomaCompiler

/// What the compiler made of a graph, an object for the program and one for each value, step, boundary and place in memory.
struct ExplanationJSON {
    private let program: ProgramExplanation
    /// Which of the programs it is, in the order in which they were compiled.
    private let number: Int
    /// Whether it is the training step.
    private let isStep: Bool
    private let withSource: Bool
    private var graph: GraphExplanation { program.graph }

    init(_ program: ProgramExplanation, number: Int, isStep: Bool, withSource: Bool) {
        (self.program, self.number, self.isStep, self.withSource) = (program, number, isStep, withSource)
    }

    var objects: [JSON] {
        let whole = object("program", [
            .init("is_training_step", .bool(isStep)), .init("steps", JSON(graph.steps.count)), .init("arena_bytes", JSON(graph.arenaByteCount)),
            .init("largest_live_bytes", JSON(graph.largestLiveByteCount)),
        ])
        return [whole] + values + steps + boundaries + memory
    }

    private func object(_ event: String, _ members: [JSON.Member]) -> JSON {
        .object([.init("event", .string(event)), .init("program", JSON(number))] + members)
    }

    private var values: [JSON] {
        graph.values.map { value in
            object("value", [
                .init("number", JSON(value.number)), .init("dtype", .string("\(value.dtype)")), .init("shape", numbers(value.shape.dimensions)),
                .init("steps", numbers(value.steps)), .init("operation", .string(value.text)), .init("reads", .array(value.reads.map(json))),
            ] + (value.scalar.map { [.init("scalar", JSON($0.double))] } ?? [])
                + (value.names.isEmpty ? [] : [.init("names", .array(value.names.map(json)))]))
        }
    }

    private func json(_ read: GraphExplanation.Read) -> JSON {
        [
            "value": JSON(read.value), "shape": numbers(read.shape.dimensions), "strides": numbers(read.strides), "offset": JSON(read.offset),
            "name": read.name.map { .string($0) } ?? .null,
        ]
    }

    private func json(_ name: GraphExplanation.SourceName) -> JSON {
        ["name": .string(name.name), "offset": JSON(name.offset), "count": JSON(name.count)]
    }

    private var steps: [JSON] {
        graph.steps.enumerated().map { number, fused in
            let source: [JSON.Member] = withSource ? [.init("source", program.sources[number].map { .string($0) } ?? .null)] : []
            let choice = program.choices[number]
            return object("step", [
                .init("number", JSON(number)), .init("kind", .string(fused.step.name)), .init("name", .string(fused.step.label)),
                .init("values", numbers(fused.values)), .init("class", choice.map { .string($0.stepClass) } ?? .null),
                .init("choice", choice.map { .string($0.choice) } ?? .null), .init("is_tuned", choice.map { .bool($0.isTuned) } ?? .null),
            ] + source)
        }
    }

    private var boundaries: [JSON] {
        graph.boundaries.map { boundary in
            object("boundary", [
                .init("from", JSON(boundary.from)), .init("to", JSON(boundary.to)), .init("values", numbers(boundary.values)),
                .init("bytes", JSON(boundary.byteCount)), .init("reason", .string(boundary.reason)),
            ])
        }
    }

    private var memory: [JSON] {
        graph.memory.map { memory in
            object("memory", [.init("value", JSON(memory.value)), .init("bytes", JSON(memory.byteCount))] + place(memory.slot) + [
                .init("first_step", JSON(memory.life.lowerBound)), .init("last_step", JSON(memory.life.upperBound)),
            ])
        }
    }

    /// In the arena an offset in bytes, else which of the program's inputs or results it is.
    private func place(_ slot: Plan.Slot) -> [JSON.Member] {
        switch slot {
        case .source(let number): [.init("where", "source"), .init("place", JSON(number))]
        case .output(let number): [.init("where", "output"), .init("place", JSON(number))]
        case .temporary(let offset, _): [.init("where", "arena"), .init("place", JSON(offset))]
        }
    }

    private func numbers(_ numbers: [Int]) -> JSON { .array(numbers.map { JSON($0) }) }
}
