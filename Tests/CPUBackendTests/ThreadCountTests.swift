import CLibraries
import CPUBackend
import CPUKernels
import SomaBackend
import SomaGraph
import SomaReference
import Testing

extension CPUBackendTests {
    /// Sums are cut by their shape, so the number of threads decides no bit. Sizes fill no vector, block, piece or tile.
    @Suite struct ThreadCountTests {
        typealias Sample = CPUBackendTests.KernelTests.ConvolutionKernelTests.Sample

        /// Runs `body` with so many threads, those of oneDNN among them.
        private func withThreads<Result>(_ count: Int32, _ body: () throws -> Result) rethrows -> Result {
            let (old, openMP) = (soma_team_size(), libraries_openmp_table().pointee)
            soma_team_resize(count)
            openMP.set_most_threads?(count)
            defer {
                soma_team_resize(old)
                openMP.set_most_threads?(old)
            }
            return try body()
        }

        /// Expects `run` to write the same bits on any number of threads.
        private func expectSameBits(_ count: Int, _ what: String, _ run: (UnsafeMutablePointer<Float>) -> Bool) {
            func result(_ threads: Int32) -> [UInt32] {
                withThreads(threads) {
                    var result = [Float](repeating: .nan, count: count)
                    #expect(run(&result), "\(what)")
                    return result.map(\.bitPattern)
                }
            }
            let one = result(1)
            #expect(!one.contains(Float.nan.bitPattern), "\(what): not all is written")
            for threads: Int32 in [2, 3, 4, 7, 16] { #expect(result(threads) == one, "\(what) on \(threads) threads") }
        }

        // MARK: Reductions

        private func expectSameBits(_ step: Step, _ memory: [[UInt8]]) throws {
            func run(_ threads: Int32) throws -> [[UInt8]] { try withThreads(threads) { try result(of: step, on: CPUBackend(), memory, scalars: []) } }
            let one = try run(1)
            for threads: Int32 in [2, 3, 4, 7, 16] { #expect(try run(threads) == one, "\(threads) threads") }
        }

        /// `outer` × `inner` numbers to one for each outer place, by every function.
        private func reductions(_ outer: Int, _ inner: Int, byColumns: Bool) -> Step {
            let source = Operand(slot: 0, dtype: .float32, access: Access(strides: byColumns ? [1, outer] : [inner, 1]))
            var body = Body(loads: [source], instructions: [Instruction(.load(operand: 0), .float32)])
            for (place, function) in [ReduceOperation.sum, .product, .max, .min, .argmax, .argmin].enumerated() {
                let dtype: DType = function.givesIndex ? .int32 : .float32
                body.instructions.append(Instruction(.reduce(function, 0), dtype))
                body.stores.append(Store(value: place + 1, target: Operand(slot: place + 1, dtype: dtype, access: Access(strides: [1, 0]))))
            }
            return .reduce(LoopNest(outer: [outer], inner: [inner], body: body))
        }

        /// Stretches of huge, large and small numbers of which all but the small cancel: what is left of the small depends on the order of the sum, even
        /// where it is kept in double precision.
        private func cancelling(_ count: Int) -> [UInt8] {
            var random = Random(state: 7)
            let half = (0..<(count + 1) / 2).map { place in
                switch place / 1500 % 3 {
                case 0: Float(Int.random(in: -8...8, using: &random)) * 0x1p58
                case 1: Float(Int.random(in: -8...8, using: &random)) * 0x1p29
                default: Float.random(in: -1...1, using: &random)
                }
            }
            return (half + half.reversed().map { abs($0) > 1 ? -$0 : $0 }).prefix(count).withUnsafeBytes { Array($0) }
        }

        @Test(arguments: [(1, 300_001), (3, 170_003), (70, 40_001), (1, 4097)]) func rows(_ outer: Int, _ inner: Int) throws {
            let results = (0..<6).map { _ in [UInt8](repeating: 0, count: outer * 4) }
            try expectSameBits(reductions(outer, inner, byColumns: false), [cancelling(outer * inner)] + results)
        }

        @Test(arguments: [(16, 30_000), (37, 9001), (300, 3001), (1500, 700), (4, 200_003)]) func columns(_ outer: Int, _ inner: Int) throws {
            let results = (0..<6).map { _ in [UInt8](repeating: 0, count: outer * 4) }
            try expectSameBits(reductions(outer, inner, byColumns: true), [cancelling(outer * inner)] + results)
        }

        // MARK: Products

        @Test(arguments: [(128, 512, 784), (37, 129, 5001), (8, 8, 70_001), (1, 901, 333), (901, 1, 333), (200, 10, 700), (10, 200, 700), (64, 33, 2100)])
        func products(_ m: Int, _ n: Int, _ k: Int) {
            for flags in 0..<4 {
                let product = Product(m: m, n: n, k: k, transposesA: flags & 1 != 0, transposesB: flags & 2 != 0)
                var random = Random(state: 3)
                let (a, b) = (random.floats(product.a.count), random.floats(product.b.count))
                var descriptor = product.descriptor
                expectSameBits(product.c.count, "\(product)") { soma_matmul_run(&descriptor, a, b, $0) }
            }
        }

        /// Small products are shared out among the threads, large ones cut among them where their number does not come out even.
        @Test(arguments: [(7, 33, 17, 40), (12, 128, 128, 64), (3, 200, 150, 333), (5, 1, 70, 90), (64, 5, 3, 2)])
        func batchesOfProducts(_ batch: Int, _ m: Int, _ n: Int, _ k: Int) {
            for flags in 0..<4 {
                let product = Product(m: m, n: n, k: k, transposesA: flags & 1 != 0, transposesB: flags & 2 != 0, batch: batch)
                var random = Random(state: 3)
                let (a, b) = (random.floats(product.a.count * batch), random.floats(product.b.count * batch))
                var descriptor = product.descriptor
                expectSameBits(product.c.count * batch, "\(product)") { soma_matmul_run(&descriptor, a, b, $0) }
            }
        }

        /// What cuts its sums as there are threads serves only where it is asked for.
        @Test(arguments: [(128, 512, 784), (64, 64, 4096), (512, 784, 128)]) func theOwnKernelServes(_ m: Int, _ n: Int, _ k: Int) throws {
            let log = LaunchLog()
            func operand(_ slot: Int, _ strides: [Int]) -> Operand { Operand(slot: slot, dtype: .float32, access: Access(strides: strides)) }
            let epilogue = Body(instructions: [Instruction(.accumulator, .float32)], stores: [Store(value: 0, target: operand(2, [0, n, 1]))])
            let step = MatmulStep(batch: 1, m: m, n: n, k: k, a: operand(0, [0, k, 1]), b: operand(1, [0, 1, k]), epilogue: epilogue)
            let backend = CPUBackend()
            let buffers = try [m * k, k * n, m * n].map { BufferSlice(try backend.allocate(byteCount: $0 * 4)) }
            try backend.enqueue([backend.prepare(.matmul(step))], Bindings(buffers: buffers), noting: log)
            try backend.synchronize()
            #expect(log.launches.map(\.name) == ["matmul, own kernel"])
        }

        // MARK: Images

        private static let filters: [Sample] = [
            .init(channels: (1, 6, 1), input: (28, 28), size: (5, 5), before: (2, 2), after: (2, 2), batch: 33),
            .init(channels: (3, 17, 1), input: (31, 33), size: (3, 3), before: (1, 1), after: (1, 1), batch: 13),
            .init(channels: (31, 33, 1), input: (17, 19), size: (3, 3), before: (1, 1), after: (1, 1), batch: 21),
            .init(channels: (40, 100, 1), input: (9, 11), size: (3, 3), stride: (2, 1), batch: 7),
            .init(channels: (130, 150, 1), input: (7, 5), size: (3, 3), before: (1, 1), after: (1, 1), batch: 3),
            .init(channels: (64, 48, 1), input: (13, 13), size: (1, 1), stride: (2, 2), batch: 37),
            .init(channels: (12, 18, 3), input: (15, 16), size: (3, 3), dilation: (1, 2), batch: 37),
            .init(channels: (33, 33, 33), input: (19, 17), size: (3, 3), before: (1, 1), after: (1, 1), batch: 37),
            .init(channels: (3, 64, 1), input: (50, 50), size: (7, 7), stride: (2, 2), before: (3, 3), after: (3, 3), batch: 1),
        ]

        @Test(arguments: filters, [false, true]) func filterGradients(_ sample: Sample, _ usesOneDNN: Bool) throws {
            var shape = sample.shape(2)
            let counts = sample.counts
            var random = Random(state: 5)
            let (x, g) = (random.floats(counts.x), random.floats(counts.y))
            let gradient = try #require(soma_filter_gradient_create(&shape, usesOneDNN))
            defer { soma_filter_gradient_destroy(gradient) }
            expectSameBits(counts.w, "\(sample)") { soma_filter_gradient_run(gradient, x, g, $0) }
            // A kernel that is prepared where there are other threads is the same.
            expectSameBits(counts.w, "\(sample), prepared anew") { result in
                guard let other = soma_filter_gradient_create(&shape, usesOneDNN) else { return false }
                defer { soma_filter_gradient_destroy(other) }
                return soma_filter_gradient_run(other, x, g, result)
            }
        }

        @Test(arguments: filters, [0, 1]) func forwardAndInputGradients(_ sample: Sample, _ pass: Int) {
            var shape = sample.shape(pass)
            let counts = sample.counts
            var random = Random(state: 6)
            let (image, w) = (random.floats(pass == 0 ? counts.x : counts.y), random.floats(counts.w))
            let result = pass == 0 ? counts.y : counts.x
            expectSameBits(result, "windows, \(sample)") { soma_convolution_run(&shape, image, w, $0) }
            if soma_convolution_suits_winograd(&shape) {
                expectSameBits(result, "Winograd, \(sample)") { soma_convolution_run_winograd(&shape, image, w, $0) }
            }
            guard libraries_onednn_table().pointee.search.found else { return }
            expectSameBits(result, "oneDNN, \(sample)") { result in
                guard let prepared = libraries_onednn_convolution_create(&shape) else { return soma_convolution_run(&shape, image, w, result) }
                defer { libraries_onednn_convolution_destroy(prepared) }
                return libraries_onednn_convolution_run(prepared, image, w, result)
            }
        }

        @Test func oneDNNMakesNoFilterGradientOnSeveralThreads() {
            for sample in Self.filters {
                var shape = sample.shape(2)
                #expect(libraries_onednn_convolution_create(&shape) == nil)
            }
        }

        @Test(arguments: [false, true]) func poolings(_ isMax: Bool) {
            var pooling = soma_pooling(
                is_max: isMax, batch: 3, channels: 70, input: (13, 11), output: (6, 5), size: (3, 3), stride: (2, 2), dilation: (1, 1), before: (0, 0))
            var random = Random(state: 8)
            let (x, g) = (random.floats(3 * 70 * 13 * 11), random.floats(3 * 70 * 6 * 5))
            expectSameBits(g.count, "pooling") { soma_pooling_run(&pooling, x, $0); return true }
            expectSameBits(x.count, "its gradient") { soma_pooling_run_gradient(&pooling, x, g, $0); return true }
        }

        /// Many updates of few rows.
        @Test func scatteredSums() throws {
            func operand(_ slot: Int, _ dtype: DType, _ strides: [Int]) -> Operand { Operand(slot: slot, dtype: dtype, access: Access(strides: strides)) }
            let (count, inner, extent) = (5003, 150, 7)
            var random = Random(state: 9)
            let indices = (0..<count).map { Int32($0 * 5 % extent) }.withUnsafeBytes { Array($0) }
            let updates = random.floats(2 * count * inner).withUnsafeBytes { Array($0) }
            let step = ScatterAddStep(
                outer: 2, extent: extent, inner: inner, count: count, indices: operand(0, .int32, [1]), updates: operand(1, .float32, [count * inner, inner, 1]),
                target: operand(2, .float32, [extent * inner, inner, 1]))
            try expectSameBits(.scatterAdd(step), [indices, updates, [UInt8](repeating: 0, count: 2 * extent * inner * 4)])
        }
    }
}
