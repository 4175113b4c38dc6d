import Soma
import SomaZoo
import Testing

/// Names and shapes of parameters, as torchvision's state_dicts have them; nothing is computed.
@Suite struct ImageModelTests {
    private func shapes(_ make: () -> some Layer) -> [String: Shape] {
        let model = withoutInitialization(make)
        return Dictionary(uniqueKeysWithValues: model.namedParameters.map { ($0.name, $0.parameter.shape) })
    }

    private func count(_ shapes: [String: Shape]) -> Int { shapes.values.reduce(0) { $0 + $1.count } }

    @Test func alexNet() {
        let published = shapes { AlexNet(variant: .year2014) }
        #expect(count(published) == 61_100_840)
        #expect(published["features.0.weight"] == [64, 3, 11, 11] && published["features.10.bias"] == [256])
        #expect(published["classifier.1.weight"] == [4096, 9216] && published["classifier.6.weight"] == [1000, 4096])
        #expect(Set(published.keys) == Set([0, 3, 6, 8, 10].flatMap { ["features.\($0).weight", "features.\($0).bias"] }
            + [1, 4, 6].flatMap { ["classifier.\($0).weight", "classifier.\($0).bias"] }))
        // That of the paper, whose two halves meet in the third convolution only.
        let paper = shapes { AlexNet() }
        #expect(count(paper) == 60_965_224 && paper["features.3.weight"] == [256, 48, 5, 5])
        #expect(Set(paper.keys) == Set(published.keys))
    }

    @Test func vgg() {
        let plain = shapes { VGG.vgg11(normalizes: false) }
        #expect(count(plain) == 132_863_336)
        #expect(plain["features.18.weight"] == [512, 512, 3, 3] && plain["classifier.0.weight"] == [4096, 25_088])
        let normalized = shapes { VGG.vgg11() }
        #expect(count(normalized) == 132_868_840)
        #expect(normalized["features.26.weight"] == [512] && normalized["features.25.weight"] == [512, 512, 3, 3])
    }

    @Test func resNets() {
        #expect(count(shapes { ResNet.resNet18() }) == 11_689_512)
        #expect(shapes { ResNet.resNet18() }["layer2.0.downsample.0.weight"] == [128, 64, 1, 1])
        #expect(shapes { ResNet.small() }.keys.contains("layer3.2.conv2.weight"))
    }

    /// Logits of the smallest images that each network takes, on a device that only counts.
    @Test func smallestImages() throws {
        try withDevice(interpreter()) {
            let networks: [(any Layer, Int)] = [
                (AlexNet(side: AlexNet.smallest, channels: 1, classes: 3), AlexNet.smallest),
                (ResNet.small(channels: 1, classes: 3), 8),
            ]
            for (network, side) in networks {
                let logits = withInference { network(.zeros([2, 1, side, side])) }
                #expect(logits.shape == [2, 3])
                let values = try logits.scalars(as: Float.self)
                #expect(values.count { !$0.isFinite } == 0)
            }
        }
    }
}
