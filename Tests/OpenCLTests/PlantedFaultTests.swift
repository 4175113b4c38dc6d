import Foundation
import Soma
import Testing

/// Kernels that are wrong on purpose: `scripts/oclgrind-check` runs them to see that its checker looks. They run nowhere else.
@Suite(.enabled(if: plantedFault != nil, "planted faults are run by scripts/oclgrind-check"))
struct PlantedFaultTests {
    @Test func runsTheFault() throws {
        let kernel = CustomKernel(name: "fault", source: try #require(plantedFault)) { inputs, _ in
            CustomKernel.Launch(global: [inputs[0].count])
        } compute: { _, _, _, _ in
        }
        let x = Tensor([1, 2, 3, 4] as [Float], device: try sharedDevice(.gpu))
        let result: [Float] = try kernel(x, shape: x.shape, dtype: .float32).scalars()
        #expect(result.count == 4)
    }
}

private let plantedFault: String? = {
    switch ProcessInfo.processInfo.environment["SOMA_PLANTED_FAULT"] {
    case "overrun":
        "void fault(__global const float *x, __global float *y) { int i = get_global_id(0); y[i] = x[i]; y[i + 1] = 0.0f; }"
    case "race": "void fault(__global const float *x, __global float *y) { y[0] = x[get_global_id(0)]; }"
    default: nil
    }
}()
