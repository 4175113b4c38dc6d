import Soma
import Testing

@testable import SomaCLI

/// What soma features draws, and soma train tells of pictures in folders.
@Suite struct FeaturesTests {
    let folder = TestFolder()

    private func writePictures() throws {
        for digit in 0..<3 {
            try folder.write("pictures/readme", [])
            try folder.write("pictures/\(digit)/readme", [])
            for number in 0..<4 {
                let pixels = (0..<64).map { UInt8(($0 / 8 + number) % (digit + 2) == 0 ? 255 : 0) }
                let picture = Picture(width: 8, height: 8, channels: 1, pixels: pixels)
                try folder.write("pictures/\(digit)/\(number).png", try picture.encoded())
            }
        }
    }

    @Test func trainsAndDraws() throws {
        try writePictures()
        let words = ["train", "resnet20", "--data", "pictures", "--image-size", "8", "held-out=0.25", "batch=3", "accumulate=2"]
        let train = Command.run(
            ["\(Command.folder)/soma"] + words + ["--device", "cpu", "--epochs", "1", "--verbose", "--strict"], in: folder)
        #expect(train.status == 0, "\(train.complaint)")
        for word in ["9 pictures of 3 classes to train on, 3 to test on; files passed over: 3", "plan      arena", "alive at once", "convolution"] {
            #expect(train.output.contains(word), "\(word): \(train.output)")
        }
        let settings = try JSON(parsing: folder.text("runs/resnet20/config.json"))["settings"]
        #expect(settings?["image-size"] == "8" && settings?["strict"] == "yes")
        let list = Command.soma("features", "runs/resnet20", "--list", in: folder)
        #expect(list.lines.contains { $0.hasPrefix("layer3.2.conv2") && $0.hasSuffix("[64, 2, 2]") }, "\(list.complaint)")
        let draw = Command.soma(
            "features", "runs/resnet20", "--image", "pictures/0/0.png", "--layer", "layer1.0.conv1", "--output", "maps.png", in: folder)
        #expect(draw.lines == ["wrote maps.png: the 16 filters of conv1, and below 16 maps of layer1.0.conv1"], "\(draw.complaint)")
        let sheet = try Picture(path: "\(folder.path)/maps.png")
        #expect(sheet.width <= 960 && sheet.height > 100 && Set(sheet.pixels).count > 20)
        Command.soma("features", "runs/resnet20", "--image", "pictures/0/0.png", "--layer", "conv7", in: folder).expectComplaint(2, "'conv7'", "conv1")
        Command.soma("features", "runs/resnet20", "--image", "none.png", in: folder).expectComplaint(1, "none.png")
        #expect(Command.soma("features", "runs/resnet20", "--output", "maps.svg", in: folder).status == 2)
        // The same checkpoint serves to evaluate and to predict.
        let evaluation = try JSON(parsing: Command.soma("evaluate", "runs/resnet20", "--json", in: folder).output)
        #expect(evaluation["samples"] == 3 && evaluation["top5_accuracy"] == .null)
        #expect(Command.soma("predict", "runs/resnet20/best.safetensors", "pictures/1/0.png", in: folder).status == 0)
    }

    @Test func networksWithoutConvolutions() throws {
        #expect(Command.soma("train", "digits", "--device", "cpu", "--epochs", "1", "hidden=8", in: folder).status == 0)
        Command.soma("features", "runs/digits", in: folder).expectComplaint(1, "without convolutions")
        #expect(Command.soma("features", "runs/digits", "--layer", "conv1", in: folder).status == 2)
        Command.soma("train", "alexnet", in: folder).expectComplaint(2, "--data")
        Command.soma("train", "digits", "--image-size", "8", in: folder).expectComplaint(2, "image-size")
        Command.soma("train", "vgg11", "--data", "x", "--image-size", "8", in: folder).expectComplaint(2, "from 32 to 1024")
        Command.soma("train", "alexnet", "--data", "nowhere", in: folder).expectComplaint(1, "nowhere")
    }

    /// Each tile from black to white, whatever its range; one of a single value is grey.
    @Test func tilesAreScaled() throws {
        let device = try Device.named("cpu")
        var sheet = FeatureSheet()
        try sheet.addFilters(Tensor([0, 5, 2, 2] as [Float], shape: [2, 1, 1, 2], device: device))
        let picture = try sheet.picture()
        func pixel(_ x: Int, _ y: Int) -> UInt8 { picture.pixels[(y * picture.width + x) * 3] }
        #expect(picture.width == 4 + 2 * (56 + 4) && picture.height == 28 + 8)
        #expect(pixel(0, 0) == 255 && pixel(5, 5) == 0 && pixel(58, 5) == 255 && pixel(66, 5) == 128 && pixel(118, 30) == 128)
    }
}
