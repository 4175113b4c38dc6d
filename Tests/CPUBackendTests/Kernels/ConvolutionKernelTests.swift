import CLibraries
import CPUKernels
import Testing

extension CPUBackendTests.KernelTests {
    /// The project's own convolutions and oneDNN's against the definition, at sizes that fill no vector, block or tile.
    @Suite struct ConvolutionKernelTests {
        struct Sample: Sendable, CustomTestStringConvertible {
            var channels: (input: Int, output: Int, groups: Int)
            var input, size: (Int, Int)
            var stride = (1, 1), dilation = (1, 1), before = (0, 0), after = (0, 0)
            var batch = 2

            var testDescription: String { "\(channels) of \(input) by \(size), stride \(stride), dilation \(dilation), padding \(before) \(after)" }

            /// Elements of each.
            var counts: (x: Int, w: Int, y: Int) {
                let c = shape(0)
                return (
                    Int(c.batch * c.input.0 * c.input.1 * c.input_channels), Int(c.output_channels * (c.input_channels / c.groups) * c.size.0 * c.size.1),
                    Int(c.batch * c.output.0 * c.output.1 * c.output_channels)
                )
            }

            func shape(_ pass: Int) -> libraries_convolution {
                func extent(_ n: Int, _ r: Int, _ s: Int, _ d: Int, _ padding: Int) -> Int { (n + padding - (r - 1) * d - 1) / s + 1 }
                func pair(_ p: (Int, Int)) -> (Int64, Int64) { (Int64(p.0), Int64(p.1)) }
                let output = (
                    extent(input.0, size.0, stride.0, dilation.0, before.0 + after.0),
                    extent(input.1, size.1, stride.1, dilation.1, before.1 + after.1)
                )
                return libraries_convolution(
                    pass: Int32(pass), batch: Int64(batch), groups: Int64(channels.groups), input_channels: Int64(channels.input),
                    output_channels: Int64(channels.output), input: pair(input), output: pair(output), size: pair(size), stride: pair(stride),
                    dilation: pair(dilation), before: pair(before))
            }
        }

        static let samples = [
            Sample(channels: (1, 6, 1), input: (28, 28), size: (5, 5), before: (2, 2), after: (2, 2)),
            Sample(channels: (6, 16, 1), input: (14, 14), size: (5, 5)),
            Sample(channels: (31, 33, 1), input: (7, 9), size: (3, 3), before: (1, 1), after: (1, 1)),
            Sample(channels: (65, 17, 1), input: (6, 5), size: (2, 4), stride: (1, 2), before: (0, 1), after: (1, 2), batch: 1),
            Sample(channels: (3, 8, 1), input: (11, 10), size: (3, 2), stride: (3, 3), dilation: (2, 1)),
            Sample(channels: (16, 32, 1), input: (8, 8), size: (1, 1), stride: (2, 2)),
            Sample(channels: (12, 18, 3), input: (5, 6), size: (3, 3), dilation: (1, 2), before: (1, 2), after: (1, 2)),
            Sample(channels: (33, 33, 33), input: (9, 7), size: (3, 3), before: (1, 1), after: (1, 1)),
            Sample(channels: (8, 16, 8), input: (6, 6), size: (3, 3), stride: (2, 2), before: (1, 1), after: (0, 0), batch: 1),
            // One line of windows is more than a block: blocks end within lines, and one window alone is more than a block.
            Sample(channels: (1, 2, 1), input: (1, 30_000), size: (1, 9), before: (0, 4), after: (0, 4), batch: 1),
            Sample(channels: (2, 2, 1), input: (1, 70_001), size: (1, 70_000), batch: 1),
        ]

        @Test(arguments: samples, [0, 1, 2]) func ownKernels(_ sample: Sample, _ pass: Int) {
            var shape = sample.shape(pass)
            expectAgreement(sample, pass) { soma_convolution_run(&shape, $0, $1, $2) }
        }

        @Test(
            .enabled(if: libraries_onednn_table().pointee.search.found, "oneDNN is not installed"), arguments: samples, [0, 1, 2])
        func oneDNN(_ sample: Sample, _ pass: Int) {
            var shape = sample.shape(pass)
            for create in [libraries_onednn_convolution_create, libraries_onednn_convolution_create_serial] {
                // What it leaves to its reference code is computed by the kernels above.
                guard let prepared = create(&shape) else { continue }
                defer { libraries_onednn_convolution_destroy(prepared) }
                expectAgreement(sample, pass) { libraries_onednn_convolution_run(prepared, $0, $1, $2) }
            }
        }

        /// Sums over many images and channels, cut into parts, the last of which are smaller.
        static let large = [
            Sample(channels: (3, 17, 1), input: (15, 17), size: (3, 3), before: (1, 1), after: (1, 1), batch: 13),
            Sample(channels: (40, 50, 1), input: (9, 11), size: (3, 3), stride: (2, 1), batch: 7),
            Sample(channels: (150, 70, 1), input: (5, 3), size: (3, 3), before: (1, 1), after: (1, 1), batch: 3),
            Sample(channels: (64, 48, 4), input: (9, 9), size: (3, 3), batch: 21),
            Sample(channels: (33, 33, 33), input: (9, 7), size: (3, 3), before: (1, 1), after: (1, 1), batch: 29),
        ]

        @Test(arguments: samples + large, [false, true]) func filterGradients(_ sample: Sample, _ wantsOneDNN: Bool) throws {
            var shape = sample.shape(2)
            let gradient = try #require(soma_filter_gradient_create(&shape, wantsOneDNN))
            defer { soma_filter_gradient_destroy(gradient) }
            expectAgreement(sample, 2) { soma_filter_gradient_run(gradient, $0, $1, $2) }
        }

        /// What is cut, and into how much: by turns of images, and by channels where these are few.
        @Test func partsOfFilterGradients() throws {
            func parts(_ sample: Sample) throws -> Int {
                var shape = sample.shape(2)
                let gradient = try #require(soma_filter_gradient_create(&shape, false))
                defer { soma_filter_gradient_destroy(gradient) }
                return soma_filter_gradient_parts(gradient)
            }
            func sample(_ input: Int, _ output: Int, _ side: Int, _ batch: Int) -> Sample {
                Sample(channels: (input, output, 1), input: (side, side), size: (3, 3), before: (1, 1), after: (1, 1), batch: batch)
            }
            #expect(try parts(sample(16, 16, 32, 128)) == 16)
            #expect(try parts(sample(512, 512, 7, 8)) == 16)
            #expect(try parts(sample(256, 256, 13, 1)) == 16)
            #expect(try parts(sample(3, 16, 8, 4)) == 1)
        }

        /// No pixel gives no gradient: zeros, and not what was there.
        @Test(arguments: [false, true]) func filterGradientsOfNothing(_ wantsOneDNN: Bool) throws {
            var shape = Sample(channels: (16, 16, 1), input: (8, 8), size: (3, 3), batch: 0).shape(2)
            let gradient = try #require(soma_filter_gradient_create(&shape, wantsOneDNN))
            defer { soma_filter_gradient_destroy(gradient) }
            var result = [Float](repeating: 5, count: 16 * 16 * 9)
            #expect(soma_filter_gradient_run(gradient, [], [], &result) && result.allSatisfy { $0 == 0 })
        }

        /// What oneDNN would prepare for lines without end is left to kernels that work in blocks.
        @Test(.enabled(if: libraries_onednn_table().pointee.search.found, "oneDNN is not installed"), arguments: [0, 1, 2])
        func oneDNNTakesNoEndlessLines(_ pass: Int) {
            for width in [1000, 300_000, 100_000_000] {
                var shape = Sample(channels: (16, 16, 1), input: (1, width), size: (1, 9), before: (0, 4), after: (0, 4), batch: 1).shape(pass)
                let prepared = libraries_onednn_convolution_create_serial(&shape)
                #expect((prepared == nil) == (width > 1 << 18), "\(width)")
                if let prepared { libraries_onednn_convolution_destroy(prepared) }
            }
        }

        static let depthwise = [
            Sample(channels: (5, 5, 5), input: (9, 7), size: (3, 3), before: (1, 1), after: (1, 1)),
            Sample(channels: (2, 2, 2), input: (6, 37), size: (3, 3), before: (1, 1), after: (1, 1)),
            Sample(channels: (3, 3, 3), input: (6, 40), size: (2, 5), dilation: (2, 1), before: (0, 3), after: (1, 0), batch: 3),
            Sample(channels: (2, 2, 2), input: (4, 4), size: (4, 1), before: (2, 0), after: (3, 0), batch: 1),
            Sample(channels: (1, 1, 1), input: (1, 33), size: (1, 3), before: (0, 5), after: (0, 4)),
        ]

        @Test(arguments: depthwise, [0, 1, 2]) func depthwisePlanes(_ sample: Sample, _ pass: Int) {
            var shape = sample.shape(pass)
            expectAgreement(sample, pass, isPlanar: true) { soma_convolution_run_depthwise(&shape, $0, $1, $2) }
        }

        static let fewChannels = [
            Sample(channels: (1, 6, 1), input: (9, 8), size: (5, 5), before: (2, 2), after: (2, 2)),
            Sample(channels: (3, 31, 1), input: (11, 37), size: (3, 3), stride: (2, 2), before: (1, 1), after: (1, 1)),
            Sample(channels: (2, 15, 1), input: (7, 9), size: (3, 4), stride: (1, 3), dilation: (2, 2), before: (3, 0), after: (2, 5)),
            Sample(channels: (4, 5, 1), input: (3, 2), size: (1, 2), stride: (3, 3), before: (4, 3), after: (4, 6), batch: 1),
            Sample(channels: (8, 17, 1), input: (40, 3), size: (7, 2)),
            // Rows of x that a dilation leaves out, and lines longer than a block.
            Sample(channels: (2, 3, 1), input: (9, 5), size: (3, 2), stride: (2, 1), dilation: (3, 2), before: (2, 1), after: (3, 1)),
            Sample(channels: (4, 2, 1), input: (1, 20_000), size: (1, 5), stride: (1, 2), dilation: (1, 3), before: (0, 7), after: (0, 9), batch: 1),
        ]

        /// From images with channels last and first into results of both orders.
        @Test(arguments: fewChannels, [false, true]) func direct(_ sample: Sample, _ readsPlanes: Bool) {
            var shape = sample.shape(0)
            let (channels, area) = (shape.input_channels, shape.input.0 * shape.input.1)
            #expect(soma_convolution_suits_direct(&shape))
            let last = [area * channels, 1, shape.input.1 * channels, channels], first = [area * channels, area, shape.input.1, 1]
            expectAgreement(sample, 0, isPlanar: readsPlanes) {
                soma_convolution_run_direct(&shape, readsPlanes ? first : last, !readsPlanes, $0, $1, $2)
            }
        }

        static let winograd = [
            Sample(channels: (16, 16, 1), input: (8, 8), size: (3, 3), before: (1, 1), after: (1, 1), batch: 4),
            Sample(channels: (17, 33, 1), input: (9, 10), size: (3, 3), before: (1, 1), after: (1, 1), batch: 2),
            Sample(channels: (16, 65, 1), input: (10, 9), size: (3, 3), batch: 4),
            Sample(channels: (31, 20, 1), input: (9, 13), size: (3, 3), before: (0, 2), after: (2, 1)),
            Sample(channels: (16, 16, 1), input: (4, 4), size: (3, 3), before: (3, 3), after: (2, 3), batch: 16),
        ]

        /// Its rounding errors are a plain sum's, about doubled: they are held to 8 units in the last place of the sum of all magnitudes.
        @Test(arguments: winograd, [0, 1]) func winogradTiles(_ sample: Sample, _ pass: Int) {
            var shape = sample.shape(pass)
            #expect(soma_convolution_suits_winograd(&shape))
            expectAgreement(sample, pass, within: 0x1p-21) { soma_convolution_run_winograd(&shape, $0, $1, $2) }
        }

        /// An infinity or a NaN is in the results that see it and in no others.
        @Test(arguments: winograd, [0, 1]) func winogradKeepsInfinitiesWhereTheyBelong(_ sample: Sample, _ pass: Int) {
            var shape = sample.shape(pass)
            let spoil: (inout [Float]) -> Void = {
                ($0[$0.count / 3], $0[$0.count / 2], $0[$0.count - 1]) = (.infinity, .nan, -.infinity)
            }
            expectAgreement(sample, pass, within: 0x1p-21, altering: spoil) { soma_convolution_run_winograd(&shape, $0, $1, $2) }
        }

        /// Beside filters of zeros too, where ∞ · 0 is NaN: some of them, a channel of all, or all.
        @Test(arguments: winograd, [0, 1]) func winogradMultipliesInfinitiesByZero(_ sample: Sample, _ pass: Int) {
            var shape = sample.shape(pass)
            let inputs = sample.channels.input
            let zeros: [(Int) -> Bool] = [{ $0 / 9 % 3 == 0 }, { $0 / 9 / inputs % 2 == 0 }, { $0 / 9 % inputs < 2 }, { _ in true }]
            for isZero in zeros {
                expectAgreement(
                    sample, pass, within: 0x1p-21, alteringFilter: { w in w = w.indices.map { isZero($0) ? 0 : w[$0] } },
                    altering: { ($0[$0.count / 3], $0[$0.count / 2]) = (.infinity, -.infinity) }
                ) { soma_convolution_run_winograd(&shape, $0, $1, $2) }
            }
        }

        /// One of a filter is in all results of that filter, by the sign of the pixel under it.
        @Test func winogradTakesInfiniteFilters() {
            let sample = Self.winograd[2]
            var shape = sample.shape(0)
            expectAgreement(sample, 0, within: 0x1p-21, alteringFilter: { $0[$0.count / 2] = .infinity }) {
                soma_convolution_run_winograd(&shape, $0, $1, $2)
            }
        }

        /// Beside a great number small ones keep their digits, and zeros stay zeros.
        @Test(arguments: winograd, [0, 1]) func winogradKeepsDigitsBesideGreatNumbers(_ sample: Sample, _ pass: Int) {
            var shape = sample.shape(pass)
            let fill: (inout [Float]) -> Void = { $0 = $0.map { abs($0) < 0.5 ? 0.5 : $0 } }
            for great: Float in [0x1p13, 1e8, 1e30, 0x1p124, -.greatestFiniteMagnitude] {
                expectAgreement(
                    sample, pass, within: 0x1p-12, ofEachResult: true, alteringFilter: fill,
                    altering: { ($0[0], $0[$0.count / 2]) = (great, -great) }
                ) { soma_convolution_run_winograd(&shape, $0, $1, $2) }
            }
            for alone: Float in [1e-20, 1e8] {
                expectAgreement(
                    sample, pass, within: 0x1p-12, ofEachResult: true, alteringFilter: fill,
                    altering: { places in places = places.indices.map { $0 == places.count / 2 ? alone : 0 } }
                ) { soma_convolution_run_winograd(&shape, $0, $1, $2) }
            }
        }

        /// Filters of one tap each copy the image, and a great number reaches nothing but its own place.
        @Test func winogradCopiesGreatNumbers() {
            let sample = Self.winograd[0]
            var shape = sample.shape(0)
            let copy: (inout [Float]) -> Void = { places in
                places = places.indices.map { $0 / 9 % 17 == 0 && $0 % 9 == 4 ? 1 : 0 }
            }
            expectAgreement(
                sample, 0, within: 0x1p-18, ofEachResult: true, alteringFilter: copy,
                altering: { places in
                    places = places.map { abs($0) < 0.5 ? 0.5 : $0 }
                    places[(1 * 64 + 4 * 8 + 4) * 16 + 5] = 1e8
                }
            ) { soma_convolution_run_winograd(&shape, $0, $1, $2) }
        }

        /// What overflows on the way, and is a number by the definition, is that number.
        @Test(arguments: [0, 1]) func winogradDoesNotOverflowByItself(_ pass: Int) {
            let sample = Self.winograd[1]
            var shape = sample.shape(pass)
            expectAgreement(
                sample, pass, within: 0x1p-20, ofEachResult: true, alteringFilter: { $0 = $0.map { $0 * 0x1p60 } },
                altering: { $0 = $0.map { $0 * 0x1p56 } }
            ) { soma_convolution_run_winograd(&shape, $0, $1, $2) }
        }

        @Test func winogradIsLeftWhereItDoesNotFit() {
            var narrow = Sample(channels: (8, 16, 1), input: (32, 32), size: (3, 3)).shape(0)
            var strided = Sample(channels: (16, 16, 1), input: (32, 32), size: (3, 3), stride: (2, 2)).shape(0)
            var flat = Sample(channels: (16, 16, 1), input: (3, 64), size: (3, 3), batch: 8).shape(0)
            var filter = Sample(channels: (16, 16, 1), input: (32, 32), size: (3, 3)).shape(2)
            #expect(!soma_convolution_suits_winograd(&narrow))
            #expect(!soma_convolution_suits_winograd(&strided))
            #expect(!soma_convolution_suits_winograd(&flat))
            #expect(!soma_convolution_suits_winograd(&filter))
        }

        /// Sums are compared with the definition in double precision.
        /// - Parameters:
        ///   - tolerance: of the sum of all magnitudes, the largest of all results', or of each one's own.
        ///   - alter: what is done to the images and to the filters before.
        private func expectAgreement(
            _ sample: Sample, _ pass: Int, isPlanar: Bool = false, within tolerance: Double = 0, ofEachResult: Bool = false,
            alteringFilter alterFilter: (inout [Float]) -> Void = { _ in }, altering alter: (inout [Float]) -> Void = { _ in },
            _ run: ([Float], [Float], UnsafeMutablePointer<Float>) -> Bool
        ) {
            let shape = sample.shape(pass)
            let counts = [sample.counts.x, sample.counts.w, sample.counts.y]
            // In each pass, which of x, w and y are the operands and the result.
            let roles = [[0, 1, 2], [2, 1, 0], [0, 2, 1]][pass]
            var operands = roles[..<2].map { role in (0..<counts[role]).map { Float(($0 * 37 + role * 11) % 29 - 14) / 8 } }
            alter(&operands[0])
            alterFilter(&operands[1])
            var expected = [Double](repeating: 0, count: counts[roles[2]]), magnitudes = expected
            forEachLink(shape, isPlanar) { x, w, y in
                let places = [x, w, y]
                let product = Double(operands[0][places[roles[0]]]) * Double(operands[1][places[roles[1]]])
                expected[places[roles[2]]] += product
                magnitudes[places[roles[2]]] += abs(product)
            }
            let most = (magnitudes.filter(\.isFinite).max() ?? 0) * tolerance
            atEveryLevel { level in
                var result = [Float](repeating: .nan, count: counts[roles[2]])
                #expect(run(operands[0], operands[1], &result))
                // Every product and plain sum of the numbers as they are is exact.
                let wrong = expected.indices.filter { i in
                    let value = Double(result[i])
                    // A sum that may overflow in single precision may come to anything.
                    if expected[i].isFinite && magnitudes[i] > Double(Float.greatestFiniteMagnitude) { return false }
                    if !expected[i].isFinite { return expected[i].isNaN ? !value.isNaN : value != expected[i] }
                    return !(abs(value - expected[i]) <= (ofEachResult ? magnitudes[i] * tolerance : most))
                }
                #expect(wrong.isEmpty, "\(level): \(wrong.count) wrong, \(wrong.prefix(3).map { "\(result[$0]) for \(expected[$0])" })")
            }
        }

        /// The elements of x [N, rows, columns, C] (or [N, C, rows, columns]), w [K, C / groups, rows, columns] and y, which lies as x, that meet.
        private func forEachLink(_ c: libraries_convolution, _ isPlanar: Bool, _ body: (_ x: Int, _ w: Int, _ y: Int) -> Void) {
            let (inputs, outputs) = (Int(c.input_channels / c.groups), Int(c.output_channels / c.groups))
            let (height, width) = (Int(c.input.0), Int(c.input.1))
            for n in 0..<Int(c.batch) {
                for oy in 0..<Int(c.output.0) {
                    for ox in 0..<Int(c.output.1) {
                        for r in 0..<Int(c.size.0) {
                            for s in 0..<Int(c.size.1) {
                                let iy = oy * Int(c.stride.0) + r * Int(c.dilation.0) - Int(c.before.0)
                                let ix = ox * Int(c.stride.1) + s * Int(c.dilation.1) - Int(c.before.1)
                                guard iy >= 0, iy < height, ix >= 0, ix < width else { continue }
                                for k in 0..<Int(c.output_channels) {
                                    for i in 0..<inputs {
                                        let channel = k / outputs * inputs + i
                                        let w = ((k * inputs + i) * Int(c.size.0) + r) * Int(c.size.1) + s
                                        if isPlanar {
                                            let x = ((n * Int(c.input_channels) + channel) * height + iy) * width + ix
                                            body(x, w, ((n * Int(c.output_channels) + k) * Int(c.output.0) + oy) * Int(c.output.1) + ox)
                                        } else {
                                            let x = ((n * height + iy) * width + ix) * Int(c.input_channels) + channel
                                            body(x, w, ((n * Int(c.output.0) + oy) * Int(c.output.1) + ox) * Int(c.output_channels) + k)
                                        }
                                    }
                                }
                            }
                        }
                    }
                }
            }
        }
    }
}
