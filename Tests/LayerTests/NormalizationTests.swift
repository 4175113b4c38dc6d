import Foundation
import Soma
import SomaReference
import Testing

/// Normalising layers in training and in inference against PyTorch's, kept in fixtures/normalizations.json with the script that made
/// them.
@Suite struct NormalizationTests {
    struct Answer: Decodable, Sendable, CustomTestStringConvertible {
        struct Pass: Decodable, Sendable {
            var shape: [Int]
            var x, y, seed: [Double]
            /// Of x and of each parameter.
            var gradients: [[Double]]
        }
        /// The arguments of PyTorch's layer.
        struct Settings: Decodable, Sendable {
            var channels: Int
            var groups: Int?
            var eps, momentum: Double?
            var affine, trackRunningStats, elementwiseAffine: Bool?
            /// Whether the momentum is said to be none.
            var isCumulative: Bool
            enum CodingKeys: String, CodingKey {
                case channels, groups, eps, momentum, affine, trackRunningStats = "track_running_stats", elementwiseAffine = "elementwise_affine"
            }

            init(from decoder: any Decoder) throws {
                let values = try decoder.container(keyedBy: CodingKeys.self)
                channels = try values.decode(Int.self, forKey: .channels)
                groups = try values.decodeIfPresent(Int.self, forKey: .groups)
                (eps, momentum) = (try values.decodeIfPresent(Double.self, forKey: .eps), try values.decodeIfPresent(Double.self, forKey: .momentum))
                affine = try values.decodeIfPresent(Bool.self, forKey: .affine)
                trackRunningStats = try values.decodeIfPresent(Bool.self, forKey: .trackRunningStats)
                elementwiseAffine = try values.decodeIfPresent(Bool.self, forKey: .elementwiseAffine)
                isCumulative = values.contains(.momentum) && momentum == nil
            }
        }
        var kind: String
        var settings: Settings
        var parameters, states: [String: [Double]]
        var training, inference: [Pass]

        var testDescription: String { "\(kind) normalisation of \(training[0].shape)" }

        func layer() -> (any Layer)? {
            switch kind {
            case "batch":
                BatchNorm(
                    settings.channels, epsilon: settings.eps ?? 1e-5, momentum: settings.isCumulative ? nil : settings.momentum ?? 0.1,
                    isAffine: settings.affine ?? true, tracksStatistics: settings.trackRunningStats ?? true)
            case "instance":
                InstanceNorm(
                    settings.channels, epsilon: settings.eps ?? 1e-5, momentum: settings.momentum ?? 0.1,
                    isAffine: settings.affine ?? false, tracksStatistics: settings.trackRunningStats ?? false)
            case "group":
                GroupNorm(
                    groups: settings.groups ?? 0, channels: settings.channels, epsilon: settings.eps ?? 1e-5, isAffine: settings.affine ?? true)
            case "rms":
                RMSNorm(settings.channels, epsilon: settings.eps ?? 0x1p-23, isAffine: settings.elementwiseAffine ?? true)
            default: nil
            }
        }
    }

    static let answers: [Answer] = {
        let file = URL(filePath: #filePath).deletingLastPathComponent().appending(path: "fixtures/normalizations.json")
        do { return try JSONDecoder().decode([Answer].self, from: Data(contentsOf: file)) } catch { fatalError("\(error)") }
    }()

    private func check(_ pass: Answer.Pass, _ layer: any Layer, _ what: String) throws {
        func tensor(_ elements: [Double]) -> Tensor { Tensor(elements.map { Float($0) }, shape: Shape(pass.shape)) }
        let x = tensor(pass.x)
        let y = layer(x)
        let slopes = gradient(of: y, withRespectTo: [x] + layer.parameters.map(\.tensor), seed: tensor(pass.seed))
        let terms = pass.x.count
        #expect(try y.difference(from: pass.y, terms: terms) == nil, "\(what)")
        for (slope, wanted) in zip(slopes, pass.gradients) {
            #expect(try slope.difference(from: wanted, terms: terms) == nil, "\(what), gradient")
        }
    }

    @Test(arguments: TestDevices.all, answers) func agreesWithPyTorch(_ device: Device, _ answer: Answer) throws {
        try withDevice(device) {
            let layer = try #require(answer.layer())
            #expect(Set(layer.namedParameters.map(\.name)) == Set(answer.parameters.keys))
            #expect(Set(layer.namedStates.map(\.name)) == Set(answer.states.keys))
            for named in layer.namedParameters {
                named.parameter.assign(Tensor(try #require(answer.parameters[named.name]).map { Float($0) }, shape: named.parameter.shape))
            }
            for (number, pass) in answer.training.enumerated() {
                try withTraining { try check(pass, layer, "batch \(number)") }
                try device.update()
            }
            for named in layer.namedStates {
                let wanted = try #require(answer.states[named.name])
                #expect(try named.state.tensor.difference(from: wanted, terms: 16) == nil, "\(named.name)")
            }
            for pass in answer.inference { try check(pass, layer, "inference") }
        }
    }

    /// Sums of squares would lose a variance of 1 beside a mean of 10⁴.
    @Test(arguments: TestDevices.all) func aLargeMeanDoesNotCancel(_ device: Device) throws {
        try withDevice(device) {
            let numbers = (0..<512).map { 10_000 + Float(($0 * 37) % 128) / 32 }
            let layer = BatchNorm(1)
            let y = try withTraining { try layer(Tensor(numbers, shape: [8, 1, 8, 8])).scalars(as: Float.self) }
            let mean = numbers.reduce(0) { $0 + Double($1) } / 512
            let variance = numbers.reduce(0) { $0 + (Double($1) - mean) * (Double($1) - mean) } / 512
            for (number, normal) in zip(numbers, y) {
                #expect(abs(Double(normal) - (Double(number) - mean) / (variance + 1e-5).squareRoot()) < 1e-3)
            }
            let running = try #require(layer.statistics)
            #expect(abs(try running.variance.tensor.scalars(as: Float.self)[0] - Float(0.9 + 0.1 * variance * 512 / 511)) < 1e-5)
        }
    }

    /// Elements far from the mean wherever they are, the first of all above all; 1,000,000 of them in 10 pictures.
    private static let farElements: [(name: String, element: @Sendable (Int) -> Float)] = [
        ("the first far below", { $0 == 0 ? 0 : 1000 + Float($0 % 2 * 2 - 1) }),
        ("the first far above", { $0 == 0 ? 1e6 : Float($0 % 2 * 2 - 1) }),
        ("the last far below", { $0 == 999_999 ? 0 : 1000 + Float($0 % 2 * 2 - 1) }),
        ("the first picture blank", { $0 < 100_000 ? 0 : 1000 + Float($0 % 2 * 2 - 1) }),
        ("a few at the start", { $0 < 40 ? -500 : 1000 + Float($0 % 2 * 2 - 1) }),
        ("one in every row", { $0 % 1000 == 0 ? 0 : 1000 + Float($0 % 2 * 2 - 1) }),
        ("all far", { 100_000 + Float($0 % 2 * 2 - 1) }),
        ("all equal", { _ in 12345.678 }),
    ]

    /// Mean and variance of a batch are right to some units in the last place, whatever its first elements are.
    @Test(arguments: farElements.indices) func momentsOfMany(_ number: Int) throws {
        let elements = (0..<1_000_000).map(Self.farElements[number].element)
        let mean = elements.reduce(0) { $0 + Double($1) } / 1e6
        let variance = elements.reduce(0) { $0 + (Double($1) - mean) * (Double($1) - mean) } / (1e6 - 1)
        for device in TestDevices.all.dropFirst() {
            for shape in [[10, 1, 100, 1000], [1_000_000, 1]] as [Shape] {
                let name = "\(Self.farElements[number].name), \(shape) on \(device)"
                try withDevice(device) {
                    let layer = BatchNorm(1, momentum: 1)
                    let x = Tensor(elements, shape: shape)
                    let y = withTraining { layer(x) }
                    try device.update([y])
                    let running = try #require(layer.statistics)
                    let (gotMean, gotVariance) = (try running.mean.tensor.scalars(as: Float.self)[0], try running.variance.tensor.scalars(as: Float.self)[0])
                    #expect(abs(Double(gotMean) - mean) <= 2e-7 * abs(mean) + 1e-6, "\(name), mean")
                    #expect(abs(Double(gotVariance) - variance) <= 2e-5 * variance + 1e-7, "\(name), variance")
                    let answers: [Float] = try y.scalars()
                    let scale = 1 / (variance * (1 - 1e-6) + 1e-5).squareRoot()
                    for place in [0, 1, 2, 99_999, 500_000, 999_999] {
                        let wanted = (Double(elements[place]) - mean) * scale
                        #expect(abs(Double(answers[place]) - wanted) < 1e-4 * max(1, abs(wanted)) + 1e-7 * abs(mean) * scale, "\(name)")
                    }
                }
            }
        }
    }

    /// Where squares are beyond all numbers the variance is infinite, and everything lies at the mean beside it.
    @Test(arguments: TestDevices.all) func squaresBeyondAllNumbers(_ device: Device) throws {
        try withDevice(device) {
            for numbers in [[0, 1e25, 1e25, 1e25], [-1e25, 2e25, 1e25, -3e25], [1e25, 1e25, 1e25, 1e25]] as [[Float]] {
                let x = Tensor((0..<64).map { numbers[$0 % 4] }, shape: [4, 1, 16])
                let batch = withTraining { BatchNorm(1)(x) }
                for y in [batch, x.instanceNormalized(), x.groupNormalized(groups: 1)] {
                    let answers: [Float] = try y.scalars()
                    #expect(answers.allSatisfy { $0 == 0 }, "\(numbers)")
                }
            }
        }
    }

    /// A batch of numbers whose squares overflow, or of none, is seen in the running statistics until the next and is forgotten then.
    @Test(arguments: TestDevices.all) func aBrokenBatchDoesNotStay(_ device: Device) throws {
        try withDevice(device) {
            let good = (0..<16).map { Float($0 % 4) }
            for broken in [1e25, .infinity, .nan] as [Float] {
                for momentum in [0.25, 1, nil, 0] as [Double?] {
                    let layer = BatchNorm(2, momentum: momentum)
                    let statistics = try #require(layer.statistics)
                    func train(_ numbers: [Float]) throws -> (mean: [Float], variance: [Float]) {
                        _ = withTraining { layer(Tensor(numbers, shape: [8, 2])) }
                        try device.update()
                        return (try statistics.mean.tensor.scalars(), try statistics.variance.tensor.scalars())
                    }
                    // The first channel is as it is, the second broken.
                    let outlier = try train(good.enumerated().map { $0.offset == 9 ? broken : $0.element })
                    let what = "\(broken), momentum \(momentum.map { "\($0)" } ?? "none")"
                    #expect(outlier.variance[0].isFinite)
                    if momentum == 0 {
                        #expect(outlier == ([0, 0], [1, 1]), "\(what)")
                    } else {
                        #expect(!outlier.variance[1].isFinite && (broken != 1e25 || outlier.variance[1] == .infinity), "\(what)")
                    }
                    let after = try train(good)
                    if momentum == 0 {
                        #expect(after == ([0, 0], [1, 1]), "\(what)")
                    } else {
                        // Of 1 and 3 the mean is 2 and the unbiased variance 8/7.
                        #expect(after.mean[1] == 2 && abs(after.variance[1] - 8 / 7) < 1e-6, "\(what): \(after)")
                        #expect(after.mean[0].isFinite && after.variance[0].isFinite, "\(what)")
                    }
                }
            }
        }
    }

    /// The variance of the largest numbers there are is ∞, or what it is where they lie close together.
    @Test(arguments: TestDevices.all) func variancesOfTheLargestNumbers(_ device: Device) throws {
        let largest = Float.greatestFiniteMagnitude
        for count in [2, 100, 10_000] {
            func variances(_ element: (Int) -> Float) throws -> [Float] {
                let x = Tensor((0..<2 * count).map { element($0 % count) }, shape: [2, count], device: device)
                return try x.variance(alongAxes: 1).scalars() + x.transposed().contiguous().variance(alongAxes: 0).scalars() + [x.variance().scalars()[0]]
            }
            #expect(try variances { _ in largest } == [0, 0, 0, 0, 0])
            #expect(try variances { _ in -1e38 } == [0, 0, 0, 0, 0])
            for far in [{ $0 % 2 == 0 ? largest : -largest }, { $0 == 0 ? 0 : $0 % 2 == 0 ? largest : -largest }, { Float($0 + 1) * 1e34 }] as [(Int) -> Float] {
                #expect(try variances(far) == [Float](repeating: .infinity, count: 5), "\(count)")
            }
            #expect(try variances { $0 == 0 ? .infinity : 1 }.allSatisfy { $0.isNaN })
        }
    }

    @Test(arguments: TestDevices.all) func variancesFarFromZero(_ device: Device) throws {
        let elements = (0..<600).map { 4_000_000 + Float(($0 * 7) % 5) / 4 }
        let rows = (0..<3).map { row in
            let part = elements[row * 200..<row * 200 + 200].map(Double.init)
            let mean = part.reduce(0, +) / 200
            return part.reduce(0) { $0 + ($1 - mean) * ($1 - mean) } / 200
        }
        let x = Tensor(elements, shape: [3, 200], device: device)
        #expect(try x.variance(alongAxes: 1).difference(from: rows, terms: 200) == nil)
        #expect(try x.transposed().contiguous().variance(alongAxes: 0).difference(from: rows, terms: 200) == nil)
        #expect(try x.standardDeviation(alongAxes: 1).difference(from: rows.map { $0.squareRoot() }, terms: 200) == nil)
        let equal = Tensor.full([5, 7], 0.1, device: device).contiguous()
        let deviations: [Float] = try equal.standardDeviation(alongAxes: 1).scalars()
        #expect(deviations.allSatisfy { $0 < 1e-8 })
    }

    /// Numbers whose squares are beyond float32, or below it.
    @Test(arguments: TestDevices.all) func deviationsOfVastAndTinyNumbers(_ device: Device) throws {
        for scale in [1e25, 1e-30] as [Float] {
            let x = Tensor([scale, 3 * scale, 2 * scale, 2 * scale], device: device)
            let deviation = x.standardDeviation()
            let slope = gradient(of: deviation, withRespectTo: x)
            #expect(abs(try deviation.scalars(as: Float.self)[0] / scale - 0.70710678) < 1e-6)
            #expect(zip(try slope.scalars(as: Float.self), [-0.35355339, 0.35355339, 0, 0]).allSatisfy { abs($0 - $1) < 1e-6 })
        }
        let x = Tensor([1e25, 3e25] as [Float], device: device)
        let slope = gradient(of: x.variance(), withRespectTo: x)
        #expect(try x.variance().scalars(as: Float.self) == [Float.infinity])
        #expect(zip(try slope.scalars(as: Float.self), [-1, 1]).allSatisfy { abs($0 / 1e25 - $1) < 1e-6 })
    }

    @Test(arguments: TestDevices.all) func ofNothing(_ device: Device) throws {
        let nothing = Tensor.zeros([2, 0], device: device)
        #expect(try nothing.norm(order: .infinity, alongAxes: 1).scalars(as: Float.self) == [0, 0])
        #expect(try nothing.norm(order: .infinity).scalars(as: Float.self) == [0])
        #expect(nothing.localResponseNormalized(size: 3).shape == [2, 0])
        #expect(Tensor.zeros([0, 3, 2, 2], device: device).localResponseNormalized(size: 3).shape == [0, 3, 2, 2])
        #expect(try nothing.standardDeviation(alongAxes: 1).scalars(as: Float.self).allSatisfy(\.isNaN))
    }

    /// A captured step follows the statistics at each replay.
    @Test(arguments: TestDevices.all) func replaysFollow(_ device: Device) throws {
        try withDevice(device) {
            let layer = BatchNorm(2, momentum: nil)
            let step = compiled { (x: Tensor) in withTraining { layer(x) } }
            for batch in 1...3 {
                _ = try step(Tensor((0..<8).map { Float($0 * batch) }, shape: [4, 2]))
                let statistics = try #require(layer.statistics)
                #expect(try statistics.batchCount.tensor.scalars(as: Int64.self) == [Int64(batch)])
                let factor = Float((1...batch).reduce(0, +)) / Float(batch)
                #expect(try statistics.mean.tensor.scalars(as: Float.self).map { ($0 * 1000).rounded() } == [3, 4].map { ($0 * factor * 1000).rounded() })
            }
        }
    }

    /// One value for each channel has no variance: training then takes the running statistics, and leaves them as they are.
    @Test func aLonePixelIsNormalisedByTheRunningStatistics() throws {
        try withDevice(TestDevices.interpreter) {
            let layer = BatchNorm(3)
            let x = Tensor([1, -2, 0.5] as [Float], shape: [1, 3, 1, 1])
            let (training, inference) = (withTraining { layer(x) }, withInference { layer(x) })
            let (a, b) = (try training.scalars(as: Float.self), try inference.scalars(as: Float.self))
            #expect(a == b)
            let count = try #require(layer.statistics).batchCount.tensor
            let batches = try count.scalars(as: Int64.self)
            #expect(batches == [0])
        }
    }

    /// As in PyTorch an empty batch is normalised to itself; here the running statistics do not even count it.
    @Test(arguments: TestDevices.all, [[0, 4, 2, 2], [0, 4, 3], [2, 4, 0]]) func anEmptyBatchIsNormalisedToItself(_ device: Device, _ shape: [Int]) throws {
        try withDevice(device) {
            let batch = BatchNorm(4), x = Tensor.zeros(Shape(shape)).contiguous()
            for layer in [batch, GroupNorm(groups: 2, channels: 4), InstanceNorm(4, isAffine: true, tracksStatistics: true)] as [any Layer] {
                for mode in [withTraining, withInference] as [(() throws -> Tensor) throws -> Tensor] {
                    let y = try mode { layer(x) }
                    let slopes = gradient(of: y.sum(), withRespectTo: [x] + layer.parameters.map(\.tensor))
                    #expect(y.shape == x.shape && slopes.map(\.shape) == [x.shape, [4], [4]])
                    #expect(try y.doubles() == [] && slopes[1].doubles() == [0, 0, 0, 0] && slopes[2].doubles() == [0, 0, 0, 0])
                }
            }
            let statistics = try #require(batch.statistics)
            #expect(try statistics.mean.tensor.doubles() == [0, 0, 0, 0] && statistics.variance.tensor.doubles() == [1, 1, 1, 1])
            #expect(try statistics.batchCount.tensor.doubles() == [0])
        }
    }

    @Test(arguments: TestDevices.all) func aFoldedConvolutionAgrees(_ device: Device) throws {
        try withDevice(device) {
            try withRandomSeed(2) {
                let (layer, norm) = (Convolution(from: 2, to: 4, size: [2, 3], stride: [2], padding: .all(1), groups: 2), BatchNorm(4, epsilon: 0.1))
                let x = Tensor.randomNormal([2, 2, 5, 4], mean: 1).contiguous()
                norm.weight?.assign(.randomNormal([4]))
                norm.bias?.assign(.randomNormal([4]))
                withTraining { _ = norm(layer(x)) }
                try device.update()
                let bare = Convolution(from: 2, to: 4, size: [1, 1], groups: 2, hasBias: false)
                for layer in [layer, bare] {
                    let separate = norm(layer(x)).contiguous()
                    #expect(try layer.folding(norm)(x).difference(from: separate.doubles(), terms: 24) == nil)
                    #expect(try separate.doubles() != layer(x).doubles())
                }
            }
        }
    }
}
