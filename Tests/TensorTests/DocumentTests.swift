import Soma
import Testing

/// The programs of docs/tensors.md, line by line: they compile with no other import, and do what the page says.
@Suite struct DocumentTests {
    private let x = Tensor([Float(1), 2, 3, 4, 5, 6], shape: [2, 3])

    @Test func aTensor() throws {
        let x = Tensor([[1.0, 2.0, 3.0], [4.0, 5.0, 6.0]])      // float32 [2, 3]
        let y = (tanh(x * 2 - 1) + 0.5).sum(alongAxes: 1)       // nothing is computed
        print(try y.scalars())                                  // one launch
        print(y)                                                // the same, for people: Tensor([4.2566, 4.5000], float32 [2] on cpu)
        #expect("\(y)" == "Tensor([4.2566, 4.5000], float32 [2] on \(Device.current))")
        #expect(try y.scalars(as: Float.self).map { ($0 * 1000).rounded() } == [4257, 4500])
    }

    @Test func aGradient() throws {
        let w = Parameter(Tensor.zeros([3]))
        let loss = square(matmul(x, w.tensor) - 1).mean()
        let slope = gradient(of: loss, withRespectTo: w.tensor)
        #expect(try slope.scalars() == [-5, -7, -9] as [Float])
    }

    @Test func aGradientOfYourOwn() throws {
        let rounded = withCustomGradient(of: x) { round($0) } pullback: { gradient, input, output in gradient }
        #expect(try gradient(of: rounded.sum(), withRespectTo: x).scalars() == [Float](repeating: 1, count: 6))
    }

    @Test func aKernelOfYourOwn() throws {
        let softsign = CustomKernel(name: "softsign", source: """
            void softsign(__global const float *x, __global float *y, int count) {
                int i = get_global_id(0);
                if (i < count) y[i] = x[i] / (1.0f + fabs(x[i]));
            }
            """) { inputs, output in
            CustomKernel.Launch(global: [output.count], arguments: [Scalar(Double(output.count), .int32)])
        } compute: { inputs, _, output, shape in
            let x = inputs[0].assumingMemoryBound(to: Float.self)
            let y = output.assumingMemoryBound(to: Float.self)
            for i in 0..<shape.count { y[i] = x[i] / (1 + x[i].magnitude) }
        }
        let y = withCustomGradient(of: x) { softsign($0, shape: $0.shape) } pullback: { gradient, x, y in
            gradient * square(1 - abs(y))
        }
        let slope = gradient(of: y.sum(), withRespectTo: x)
        #expect(try y.scalars(as: Float.self)[2] == 0.75)
        #expect(try slope.scalars(as: Float.self)[0] == 0.25)
    }

    /// Every line of the page's programs stands in this file, in order.
    @Test func thePageShowsThesePrograms() throws {
        let folder = #filePath.split(separator: "/").dropLast(3).reduce("") { "\($0)/\($1)" }
        var here = try lines(of: #filePath)[...]
        var isProgram = false
        var count = 0
        for line in try lines(of: folder + "/docs/tensors.md") {
            if line.hasPrefix("```") {
                isProgram = line == "```swift"
            } else if isProgram && !line.isEmpty && line != "import Soma" {
                let place = try #require(here.firstIndex(of: line), "not in this file, or in another order: \(line)")
                here = here[(place + 1)...]
                count += 1
            }
        }
        #expect(count > 20)
    }
}
