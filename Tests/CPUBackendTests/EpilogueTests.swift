import CPUBackend
import Soma
import Testing

/// What becomes of a product is computed by rows as they are done where these are whole, and else behind the product: the numbers are the same.
@Suite struct EpilogueTests {
    @Test(arguments: [(300, 192, 100), (130, 64, 2100), (65, 1000, 33), (500, 2048, 70), (1, 128, 50), (40, 1, 64), (77, 320, 5)])
    func isWhatItIsBehindTheProduct(_ m: Int, _ n: Int, _ k: Int) throws {
        try withDevice(Device(running: CPUBackend())) { () throws in
            func values(_ shape: Shape, _ factor: Int) -> Tensor {
                Tensor((0..<shape.count).map { Float(($0 * factor) % 101 - 50) / 64 }, shape: shape)
            }
            let (x, w, b, r) = (values([m, k], 7), values([k, n], 13), values([n], 5), values([m, n], 3))
            func results(_ product: Tensor) -> [Tensor] {
                let y = tanh(product + b)
                return [y * y + r, y, .select(r .> 0, y, product)]
            }
            let fused = results(matmul(x, w))
            try realizeAll(fused)
            let product = try matmul(x, w).realize()
            for (a, b) in zip(fused, results(product)) {
                #expect(try a.scalars(as: Float.self).map(\.bitPattern) == b.realize().scalars(as: Float.self).map(\.bitPattern))
            }
        }
    }
}
