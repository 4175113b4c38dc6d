import Soma

/// Times a product of two matrices of 1,024×1,024, as anybody would time a step of their own: GFLOP/s by the median and the best of 25 runs.
@main struct TimedProduct {
    static func main() throws {
        let size = 1024
        let (a, b) = (try Tensor.randomNormal([size, size]).realize(), try Tensor.randomNormal([size, size]).realize())
        let product = compiled { matmul($0, $1) }
        func run() throws {
            _ = try product(a, b)
            // A device goes on while the program does: without this the time would be that of asking for the product.
            try Device.current.synchronize()
        }
        // The first run compiles, the second finds its memory.
        for _ in 0..<2 { try run() }
        let seconds = try (0..<25).map { _ in try ContinuousClock().measure { try run() } / .seconds(1) }.sorted()
        let operations = 2e-9 * Double(size * size * size)
        print("median \(operations / seconds[12]) best \(operations / seconds[0]) GFLOP/s on \(Device.current)")
    }
}
