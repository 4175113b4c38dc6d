import Soma
import SomaGraph

#if canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#endif

extension OperationCase {
    /// Operations with a gradient or a kernel of their own. The kernel computes in single precision, in the reference too: its
    /// gradient is a case of its own and not left to differences.
    static let userDefined: [OperationCase] = [
        OperationCase("custom gradient", .sample([3]), .sample([3], seed: 1)) { x in
            withCustomGradient(of: x) { $0[0] * $0[1] * $0[1] } pullback: { g, x, _ in
                [g * x[1] * x[1], g * x[0] * x[1] * 2]
            }
        },
        OperationCase("custom gradient of the output", .sample([4])) { x in
            withCustomGradient(of: x[0]) { exp($0) } pullback: { g, _, y in g * y }
        },
        OperationCase("custom kernel", .sample([5]), differentiable: false) { swish($0[0]) },
        OperationCase("custom kernel of a view", .sample([7, 4]), differentiable: false) { x in
            swish(x[0].transposed()[.every(-2)]) * 2
        },
        OperationCase("custom kernel of nothing", .sample([0, 3]), differentiable: false) { swish($0[0]) },
        OperationCase("custom kernel's gradient", .sample([3, 5]), differentiable: false) { x in
            gradient(of: (swish(x[0]) * x[0]).sum(), withRespectTo: x[0])
        },
    ]

    /// x·σ(x), by a kernel; P. Ramachandran, B. Zoph, Q. V. Le, *Searching for Activation Functions*, 2017.
    private static func swish(_ x: Tensor) -> Tensor {
        withCustomGradient(of: x) { swishKernel($0, shape: $0.shape) } pullback: { g, x, y in
            g * (y + sigmoid(x) * (1 - y))
        }
    }

    private static let swishKernel = CustomKernel(
        name: "swish",
        source: """
            void swish(__global const float *x, __global float *y, int count) {
                int i = get_global_id(0);
                if (i < count) y[i] = x[i] / (1.0f + exp(-x[i]));
            }
            """
    ) { _, output in
        CustomKernel.Launch(global: [output.count], arguments: [Scalar(Double(output.count), .int32)])
    } compute: { inputs, _, output, shape in
        let x = inputs[0].assumingMemoryBound(to: Float.self)
        let y = output.assumingMemoryBound(to: Float.self)
        for i in 0..<shape.count { y[i] = x[i] / (1 + expf(-x[i])) }
    }
}
