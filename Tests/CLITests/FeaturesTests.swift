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
        #expect(evaluation["samples"] == 3 && evaluation["top5_accuracy"] == nil)
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
        try sheet.addFilters(Tensor([0, 5, 2, 2] as [Float], shape: [2, 1, 1, 2], device: device), caption: "two")
        let picture = try sheet.picture()
        func pixel(_ x: Int, _ y: Int) -> UInt8 { picture.pixels[(y * picture.width + x) * 3] }
        // Below the caption of 22 rows and the numbers of 10.
        #expect(pixel(0, 0) == 255 && pixel(5, 37) == 0 && pixel(58, 37) == 255 && pixel(66, 37) == 128 && pixel(118, 62) == 128)
        #expect(pixel(66, 35) == 190 && pixel(66, 64) == 190 && pixel(66, 34) == 255 && pixel(66, 65) == 255, "a frame of one pixel")
    }

    /// A picture says what it shows: a caption for each band, and a number above each tile.
    @Test func sheetsHaveCaptionsNumbersAndTheirPicture() throws {
        let device = try Device.named("cpu")
        var sheet = FeatureSheet()
        sheet.addPicture([0, 1, 1, 0], channels: 1, rows: 2, columns: 2, caption: "seen")
        try sheet.addFilters(Tensor([0, 5, 2, 2] as [Float], shape: [2, 1, 1, 2], device: device), caption: "two filters")
        let picture = try sheet.picture()
        func isWritten(_ text: String, x: Int, y: Int, size: Int, grey: UInt8) -> Bool {
            var canvas = PixelCanvas(width: picture.width, height: picture.height)
            canvas.write(text, x: x, y: y, size: size, grey: grey)
            let (expected, area) = (canvas.picture.pixels, PixelFont.width(text) * size)
            return (y..<y + 7 * size).allSatisfy { row in
                let line = (row * picture.width + x) * 3..<(row * picture.width + x + area) * 3
                return picture.pixels[line].elementsEqual(expected[line])
            }
        }
        #expect(isWritten("seen", x: 4, y: 4, size: 2, grey: 36))
        // 22 rows of caption, a tile of 56 between gaps of 4, and a wider gap.
        let second = 22 + 64 + 8
        #expect(isWritten("two filters, from 0 to 5.00", x: 4, y: second + 4, size: 2, grey: 36))
        #expect(isWritten("0", x: 4, y: second + 22 + 5, size: 1, grey: 107) && isWritten("1", x: 64, y: second + 22 + 5, size: 1, grey: 107))
        #expect(isWritten("Each tile from its own least value (black) to its greatest (white).", x: 4, y: picture.height - 18, size: 2, grey: 36))
        let black = (22 + 4 + 1) * picture.width + 5
        #expect(picture.pixels[black * 3] == 0 && picture.pixels[(black + 40) * 3] == 255, "the picture's own pixels")
    }

    @Test func lettersAreTold() {
        let shapes = Set((33...126).map { code in
            (0..<35).map { PixelFont.isInk(Character(Unicode.Scalar(UInt8(code))), row: $0 / 5, column: $0 % 5) }
        })
        #expect(shapes.count == 94 && !shapes.contains { !$0.contains(true) }, "no two letters look the same")
        #expect(PixelFont.width("ab") == 11 && !PixelFont.isInk(" ", row: 3, column: 2))
        #expect(PixelFont.isInk("語", row: 0, column: 1) == PixelFont.isInk("?", row: 0, column: 1))
    }
}
