import CPUBackend
import CPUKernels
import SomaBackend
import SomaGraph
import SomaReference
import Testing

extension CPUBackendTests {
    @Test(arguments: 0..<400) func randomNestsAgreeWithTheInterpreter(seed: Int) throws {
        let oldSize = soma_team_size()
        soma_level_use(Int32(seed) % soma_level_count())
        soma_team_resize([1, 2, 3, 5][seed % 4])
        defer {
            soma_level_use(0)
            soma_team_resize(oldSize)
        }
        var random = RandomNest(seed: UInt64(seed))
        let memory = random.memory()
        let scalars = [Scalar(0.375, .float32).bits, Scalar(3, .int32).bits]
        let step: Step = random.nest.inner.isEmpty ? .map(random.nest) : .row(random.nest)
        let expected = try result(of: step, on: InterpretingBackend(), memory, scalars: scalars)
        soma_team_prefer_own_threads(seed % 8 > 5)
        defer { soma_team_prefer_own_threads(false) }
        let actual = try result(of: step, on: CPUBackend(), memory, scalars: scalars)
        #expect(actual == (try result(of: step, on: CPUBackend(), memory, scalars: scalars)), "the same bits twice")
        for slot in memory.indices where !agree(actual[slot], expected[slot], random.dtypes[slot]) {
            Issue.record("seed \(seed), slot \(slot), \(random.nest.outer) × \(random.nest.inner): \(random.nest.body)")
        }
    }
}
