import Soma
import SomaReference
import Testing

/// What layers compute.
@Suite struct LayerValueTests {
    @Test(arguments: TestDevices.all) func layerNorm(_ device: Device) throws {
        let answers = Answers.all.part("layerNorm")
        try withDevice(device) { () throws in
            let layer = LayerNorm(6)
            layer.weight?.assign(answers.part("weight").tensor([6]))
            layer.bias?.assign(answers.part("bias").tensor([6]))
            let x = answers.part("x").tensor([4, 6])
            let y = layer(x)
            let arguments = [x] + layer.parameters.map(\.tensor)
            let slopes = gradient(of: y, withRespectTo: arguments, seed: answers.part("seed").tensor([4, 6]))
            #expect(try y.difference(from: answers.part("value").doubles) == nil)
            for (name, slope) in zip(["gradient", "weightGradient", "biasGradient"], slopes) {
                #expect(try slope.difference(from: answers.part(name).doubles, terms: 4) == nil, "\(name)")
            }
        }
    }

    @Test(arguments: TestDevices.all) func linearTakesAnyRank(_ device: Device) throws {
        try withDevice(device) { () throws in
            let layer = Linear(from: 3, to: 2)
            layer.weight.assign(Tensor([1, 2, 3, -1, 0, 1] as [Float], shape: [2, 3]))
            layer.bias?.assign(Tensor([10, 20] as [Float]))
            #expect(try layer(Tensor([1, 1, 1] as [Float])).scalars(as: Float.self) == [16, 20])
            let batches = layer(Tensor((0..<12).map { Float($0) }, shape: [2, 2, 3]))
            #expect(batches.shape == [2, 2, 2])
            #expect(try batches.scalars(as: Float.self) == [18, 22, 36, 22, 54, 22, 72, 22])
        }
    }

    @Test(arguments: TestDevices.all) func dropout(_ device: Device) throws {
        try withDevice(device) { () throws in
            try withRandomSeed(4) { () throws in
                let x = Tensor([Float](repeating: 3, count: 4000))
                let layer = Dropout(rate: 0.25)
                #expect(try layer(x).scalars(as: Float.self).allSatisfy { $0 == 3 })
                let (first, second) = try withTraining {
                    (try layer(x).scalars(as: Float.self), try layer(x).scalars(as: Float.self))
                }
                #expect(Set(first) == [0, 4])
                #expect(first != second, "each pass draws its own mask")
                let kept = Double(first.filter { $0 != 0 }.count) / 4000
                #expect(abs(kept - 0.75) < 5 * (0.75 * 0.25 / 4000).squareRoot())
                let slope = try withTraining {
                    try gradient(of: layer(x).sum(), withRespectTo: x).scalars(as: Float.self)
                }
                #expect(Set(slope) == [0, Float(4) / 3])
            }
        }
    }

    /// What is dropped is 0, be it infinite.
    @Test(arguments: TestDevices.all) func dropoutOfInfinities(_ device: Device) throws {
        try withDevice(device) {
            let x = Tensor.full([16, 4, 2], .infinity).contiguous()
            for layer in [Dropout(rate: 0.5), SpatialDropout(rate: 0.5)] as [any Layer] {
                let y = withRandomSeed(1) { withTraining { layer(x) } }
                let elements = try y.scalars(as: Float.self)
                #expect(elements.allSatisfy { $0 == 0 || $0 == .infinity } && Set(elements).count == 2)
            }
        }
    }

    @Test(arguments: TestDevices.all) func spatialDropout(_ device: Device) throws {
        try withDevice(device) { () throws in
            try withRandomSeed(4) { () throws in
                let x = Tensor([Float](repeating: 3, count: 10 * 40 * 6), shape: [10, 40, 2, 3])
                let layer = SpatialDropout(rate: 0.25)
                #expect(try layer(x).scalars(as: Float.self).allSatisfy { $0 == 3 })
                let dropped = try withTraining { try layer(x).scalars(as: Float.self) }
                let channels = (0..<400).map { Set(dropped[$0 * 6..<$0 * 6 + 6]) }
                #expect(channels.allSatisfy { $0 == [0] || $0 == [4] }, "whole channels, the others scaled")
                let kept = Double(channels.filter { $0 == [4] }.count) / 400
                #expect(abs(kept - 0.75) < 5 * (0.75 * 0.25 / 400).squareRoot())
            }
        }
    }

    @Test(arguments: TestDevices.all) func imageLayers(_ device: Device) throws {
        try withDevice(device) { () throws in
            let x = Tensor((0..<8).map { Float($0) }, shape: [1, 4, 2])
            #expect(try Upsample(by: [2])(x).scalars(as: Float.self).prefix(8) == [0, 0, 1, 1, 2, 2, 3, 3])
            #expect(try Upsample(to: [3], .linear(alignsCorners: true))(x).scalars(as: Float.self).prefix(6) == [0, 0.5, 1, 2, 2.5, 3])
            #expect(try PixelShuffle(2)(x).scalars(as: Float.self) == [0, 2, 1, 3, 4, 6, 5, 7])
            #expect(try PixelUnshuffle(2)(x).squeezed().scalars(as: Float.self) == (0..<8).map { Float($0) })
            let normal = LocalResponseNorm(size: 1, alpha: 3, beta: 1, k: 1)(x)
            #expect(try normal.difference(from: (0..<8).map { Double($0) / Double(1 + 3 * $0 * $0) }) == nil)
        }
    }

    @Test func modesNest() {
        #expect(Mode.current == .inference)
        withTraining {
            #expect(Mode.current == .training)
            withInference { #expect(Mode.current == .inference) }
        }
    }

    @Test func flatten() {
        withDevice(TestDevices.interpreter) {
            #expect(Flatten()(.zeros([2, 3, 4])).shape == [2, 12])
            #expect(Flatten(fromAxis: 0)(.zeros([2, 3, 4])).shape == [24])
        }
    }
}
