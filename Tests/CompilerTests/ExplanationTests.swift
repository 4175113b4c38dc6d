import Soma
import SomaBackend
import SomaCompiler
import SomaGraph
import Testing

/// What the compiler says of its own decisions.
@Suite struct ExplanationTests {
    private func explain(_ shapes: [Shape], _ capabilities: Capabilities = Capabilities(), _ results: ([Tensor]) -> [Tensor]) throws -> GraphExplanation {
        try withDevice(Device(running: RecordingBackend(capabilities: capabilities))) {
            let inputs = shapes.map { Tensor.zeros($0) }
            try realizeAll(inputs)
            let programs = try explainingPrograms { try realizeAll(results(inputs)) }.programs
            return try #require(programs.first).graph
        }
    }

    private func reasons(_ graph: GraphExplanation) -> [String] { graph.boundaries.map(\.reason) }

    @Test func operationsOfOneStep() throws {
        let graph = try explain([[4, 8]]) { [exp($0[0]) * 2 + $0[0]] }
        #expect(graph.steps.count == 1 && graph.boundaries.isEmpty && graph.arenaByteCount == 0)
        #expect(graph.values.filter { $0.steps == [0] }.map { $0.text.prefix { $0 != " " } } == ["exp", "multiply", "add"])
        #expect(graph.steps[0].values == graph.values.filter { $0.steps == [0] }.map(\.number))
        #expect(graph.memory.map(\.slot) == [.source(0), .output(0)] && graph.memory.allSatisfy { $0.byteCount == 128 && $0.life == 0...0 })
    }

    /// What is read otherwise than as it lies tells how: from where, in which order, and along which axes the same.
    @Test func viewsAreTold() throws {
        func texts(_ shapes: [Shape], _ results: ([Tensor]) -> [Tensor]) throws -> [String] { try explain(shapes, Capabilities(), results).values.map(\.text) }
        #expect(try texts([[4, 8]]) { [exp($0[0].transposed())] }.last == "exp of %0 as [8, 4] (transposed)")
        #expect(try texts([[4, 8]]) { [exp($0[0][1..<3])] }.last == "exp of %0 as [2, 8] (from element 8)")
        #expect(try texts([[4, 8]]) { [exp($0[0][0..., 2..<5])] }.last == "exp of %0 as [4, 3] (from element 2, strides [8, 1])")
        #expect(try texts([[4, 8], [8]]) { [$0[0] + $0[1]] }.last == "add of %0, %1 as [4, 8] (repeated along axis 0)")
        #expect(try texts([[2, 3, 4]]) { [exp($0[0].transposed(0, 2))] }.last == "exp of %0 as [4, 3, 2] (its axes in the order [2, 1, 0])")
        #expect(try texts([[4, 8]]) { [exp($0[0].reshaped(to: [32]))] }.last == "exp of %0 as [32]")
        let scaled = try explain([[4, 8]]) { [$0[0] * 2.5] }
        #expect(scaled.values.map(\.text).suffix(2) == ["scalar 0 = 2.5", "multiply of %0, %1 everywhere"])
        #expect(scaled.values.compactMap { $0.scalar?.double } == [2.5])
        let read = try #require(try explain([[4, 8]]) { [exp($0[0][1..<3])] }.values.last?.reads.first)
        #expect((read.value, read.shape, read.offset, read.name) == (0, [2, 8], 8, nil) && read.strides == [8, 1])
    }

    /// Parameters lie together in one source, and have their names where the model was asked for these.
    @Test func parametersHaveTheirNames() throws {
        try withDevice(Device(running: RecordingBackend())) {
            let model = Linear(from: 32, to: 4)
            let optimizer = try Optimizer(SGD(), for: model, learningRate: 0.1)
            let x = try Tensor.zeros([2, 32]).realize()
            let programs = try explainingPrograms {
                _ = model.namedParameters
                try optimizer.update(minimizing: model(x).sum())
            }.programs
            let values = try #require(programs.last).graph.values
            #expect(values.flatMap(\.names).map(\.name) == ["weight", "bias"] && values.flatMap(\.names).map(\.offset) == [0, 128])
            let names = values.flatMap(\.reads).compactMap(\.name)
            #expect(names.contains("weight") && names.contains("bias"))
        }
    }

    /// Two products, and what the first leaves for the second.
    @Test func boundaryOfTwoProducts() throws {
        let graph = try explain([[8, 4], [4, 16], [16, 2]]) { [matmul(relu(matmul($0[0], $0[1])), $0[2])] }
        #expect(graph.steps.map(\.step.name) == ["matmul", "matmul"] && graph.boundaries.count == 1)
        let boundary = try #require(graph.boundaries.first)
        #expect((boundary.from, boundary.to, boundary.byteCount) == (0, 1, 4 * 8 * 16))
        #expect(boundary.reason == Refusal.twoProducts.description)
        let between = try #require(graph.memory.first { $0.value == boundary.values[0] })
        #expect(between.slot == .temporary(byteOffset: 0, byteCount: 512) && between.life == 0...1)
        #expect(graph.arenaByteCount == 512)
    }

    @Test func everyReasonIsTheCompilersOwn() throws {
        let reductionOfProduct = try explain([[8, 4], [4, 8]]) { [matmul($0[0], $0[1]).sum(alongAxes: 0)] }
        #expect(reasons(reductionOfProduct) == [Refusal.reductionOfProduct.description])
        let operandOfProduct = try explain([[8, 4], [4, 8]]) { [matmul(exp($0[0]), $0[1])] }
        #expect(reasons(operandOfProduct) == [Refusal.operandOfProduct.description])
        let otherElements = try explain([[8, 8]]) { x in
            let y = exp(x[0])
            return [y, y.transposed() + y]
        }
        #expect(reasons(otherElements) == [Refusal.otherElements.description])
        let differentDomains = try explain([[8, 6]]) { x in [x[0].sum(alongAxes: 0).sum(alongAxes: 0)] }
        #expect(reasons(differentDomains) == [Refusal.differentDomains.description])
        let rowTooLong = try explain([[4, 100]], Capabilities(maximumRowCount: 64)) { [$0[0].softmax()] }
        #expect(reasons(rowTooLong).contains(Refusal.rowTooLong(100, limit: 64).description))
        let runsAlone = try explain([[8, 4]]) { [exp($0[0].gathered(atIndices: Tensor([Int32(0), 3])))] }
        #expect(reasons(runsAlone) == [Refusal.runsAlone.description])
        let tooManyOperands = try explain(Array(repeating: [8], count: 12), Capabilities(maximumOperands: 12)) { x in
            [x.dropFirst().reduce(x[0], +)]
        }
        #expect(reasons(tooManyOperands).contains { $0.contains("more than the 8 of a step") })
    }

    @Test func partsOfAConcatenation() throws {
        let graph = try explain([[4, 4], [4, 4]]) { x in
            let whole = Tensor(concatenating: [matmul(x[0], x[1]), exp(x[1])])
            return [matmul(whole, x[0])]
        }
        let parts = graph.boundaries.filter { $0.to == graph.steps.count - 1 }
        #expect(parts.count == 2 && parts.allSatisfy { $0.reason == "its parts are put together in memory" && $0.byteCount == 64 })
    }

    /// A program that is known is not compiled again, and nobody listens outside.
    @Test func onlyWhatIsCompiledIsExplained() throws {
        try withDevice(Device(running: RecordingBackend())) {
            let counts = try (0..<2).map { _ in try explainingPrograms { try (Tensor.zeros([4]).sum() + 1).realize() }.programs.count }
            #expect(counts == [1, 0])
        }
    }
}
