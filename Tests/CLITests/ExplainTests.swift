import Soma
import Testing

/// The command soma explain-graph.
@Suite struct ExplainTests {
    let folder = TestFolder()

    @Test func aTrainingStep() {
        let command = Command.soma("explain-graph", "digits", "--device", "cpu", "hidden=32", in: folder)
        #expect(command.status == 0, "\(command.complaint)")
        for part in [
            "digits on cpu: ", " operations in ", "0  matmul 32×32 over 64", "a step computes one product", "its parts are put together in memory",
            "memory: an arena of ", "arena, from byte ", "output 0",
        ] {
            #expect(command.output.contains(part), "\(part)")
        }
    }

    @Test func sourceOfKernels() {
        guard Device.all().contains(where: { $0.name == "opencl:0" }) else { return print("skipped: no OpenCL device") }
        let command = Command.soma("explain-graph", "digits", "--device", "opencl:0", "--source", "hidden=32", in: folder)
        #expect(command.status == 0 && command.output.contains("| kernel "), "\(command.complaint)")
    }

    @Test func saysWhatCannotBe() {
        Command.soma("explain-graph", "nothing", in: folder).expectComplaint(2, "nothing")
        Command.soma("explain-graph", "perceptron", "--device", "cpu", in: folder).expectComplaint(1, "perceptron", "no training step")
    }
}
