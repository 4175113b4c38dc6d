import Testing

@testable import Soma

@Suite struct ImageTransformTests {
    private func random(_ seed: UInt64) -> Philox { Philox(seed: seed) }

    private func apply(_ transforms: [any ImageTransform], to picture: Picture, seed: UInt64 = 1) throws -> Picture {
        var image = ImageSample(picture, channels: picture.channels)
        for (place, transform) in transforms.enumerated() {
            var random = ImageRandom.generator(seed: seed, epoch: 0, sample: 0, transform: place)
            let expected = transform.size(after: image.size)
            try transform.apply(to: &image, random: &random)
            #expect(image.size == expected)
        }
        return try image.picture()
    }

    /// Pixels that tell their place: 10 · row + column.
    private let places = Picture(width: 6, height: 4, channels: 1, pixels: (0..<24).map { UInt8($0 / 6 * 10 + $0 % 6) })

    // MARK: Scaling

    @Test func scalesAsPillowDoes() throws {
        for known in try #require(KnownPictures.all["scaled"]?.array) {
            let picture = known["mode"]?.string == "RGB" ? KnownPictures.colour : KnownPictures.grey
            let box = known["box"]!.array!.map { $0.double! }, size = known["size"]!.array!.map { Int($0.double!) }
            let region = PictureRegion(x: box[0], y: box[1], width: box[2] - box[0], height: box[3] - box[1])
            let result = try picture.resampled(region, to: PictureSize(height: size[1], width: size[0]))
            // Pillow rounds between the axes.
            #expect(distance(result.pixels, known["pixels"]!.hexadecimal) <= 1, "\(box) to \(size)")
        }
    }

    @Test func scalingNothingChangesNothing() throws {
        let picture = KnownPictures.colour
        let whole = PictureRegion(of: picture.size)
        #expect(try picture.resampled(whole, to: picture.size) == picture)
        #expect(try apply([Resize(picture.size)], to: picture) == picture)
    }

    @Test func theShorterSideIsScaled() throws {
        #expect(try apply([Resize(shorterSide: 42)], to: KnownPictures.colour).size == PictureSize(height: 42, width: 58))
        #expect(try apply([Resize(shorterSide: 8)], to: places).size == PictureSize(height: 8, width: 12))
        let tall = Picture(width: 1, height: 16_000, channels: 1, pixels: [UInt8](repeating: 9, count: 16_000))
        #expect(try apply([Resize(shorterSide: 2), CentreCrop(2)], to: tall).pixels == [9, 9, 9, 9])
    }

    // MARK: Cropping

    @Test func theMiddleIsCutOut() throws {
        #expect(try apply([CentreCrop(2)], to: places).pixels == [12, 13, 22, 23])
        #expect(try apply([CentreCrop(PictureSize(height: 1, width: 5))], to: places).pixels == [10, 11, 12, 13, 14])
        let larger = try apply([CentreCrop(PictureSize(height: 7, width: 6))], to: places)
        #expect(larger.pixels == [UInt8](repeating: 0, count: 12) + places.pixels + [UInt8](repeating: 0, count: 6))
    }

    @Test func randomCropsLieWithinTheBorder() throws {
        var corners: Set<Int> = []
        for seed in 0..<200 as Range<UInt64> {
            let result = try apply([RandomCrop(PictureSize(height: 4, width: 6), padding: 1, fill: 99)], to: places, seed: seed)
            // The second pixel of the second row is there wherever the part lies, and tells where that is.
            let place = Int(result.pixels[7])
            corners.insert(place)
            let (top, left) = (place / 10 - 1, place % 10 - 1)
            #expect((-1...1).contains(top) && (-1...1).contains(left))
            #expect(result == places.cropped(top: top, left: left, places.size, fill: 99))
        }
        #expect(corners.count == 9)
        // Too small with its border even so.
        #expect(try apply([RandomCrop(PictureSize(height: 4, width: 10))], to: places).pixels[..<10] == [0, 0, 0, 1, 2, 3, 4, 5, 0, 0])
    }

    @Test func randomResizedCropsKeepAreaAndShape() {
        let crop = RandomResizedCrop(10, scale: 0.1...0.5, ratio: 0.5...2)
        let size = PictureSize(height: 300, width: 400)
        var places: Set<PictureRegion> = []
        for seed in 0..<300 as Range<UInt64> {
            var random = random(seed)
            let region = crop.region(of: size, &random)
            let (area, ratio) = (region.width * region.height / 120_000, region.width / region.height)
            #expect((0.098...0.502).contains(area) && (0.49...2.04).contains(ratio))
            #expect(region.x >= 0 && region.x + region.width <= 400 && region.y >= 0 && region.y + region.height <= 300)
            places.insert(region)
        }
        #expect(places.count > 290)
        // No part of so long a picture has an allowed shape and area.
        var random = random(1)
        let long = RandomResizedCrop(10, scale: 0.9...1).region(of: PictureSize(height: 10, width: 1000), &random)
        #expect(long == PictureRegion(x: 493, y: 0, width: 13, height: 10))
    }

    // MARK: Flips, turns, shifts

    @Test func flipsHalfOfThePictures() throws {
        let flipped = try apply([RandomHorizontalFlip(probability: 1)], to: KnownPictures.colour)
        let source = KnownPictures.colour.pixels
        for x in 0..<29 { #expect(Array(flipped.pixels[3 * x..<3 * x + 3]) == Array(source[3 * (28 - x)..<3 * (29 - x)])) }
        #expect(try apply([RandomHorizontalFlip(probability: 1)], to: flipped) == KnownPictures.colour)
        #expect(try apply([RandomHorizontalFlip(probability: 0)], to: places) == places)
        let count = try (0..<200 as Range<UInt64>).filter { try apply([RandomHorizontalFlip()], to: places, seed: $0) != places }.count
        #expect((70...130).contains(count))
    }

    @Test func turnsAndShifts() throws {
        #expect(try apply([RandomAffine()], to: places) == places)
        let source = Picture(width: 5, height: 5, channels: 1, pixels: (0..<25).map { $0 == 12 ? 200 : UInt8(0) })
        for seed in 0..<50 as Range<UInt64> {
            // However a picture is turned about its middle, that stays where it is.
            #expect(try apply([RandomAffine(degrees: 180)], to: source, seed: seed).pixels[12] == 200)
            let shifted = try apply([RandomAffine(shift: 1)], to: source, seed: seed)
            #expect(abs(shifted.pixels.reduce(0) { $0 + Int($1) } - 200) <= 2)
        }
        #expect(try apply([RandomAffine(shift: 100, fill: 7)], to: places, seed: 2).pixels.allSatisfy { $0 == 7 })
    }

    @Test func turnsByAQuarterEitherWay() throws {
        let square = Picture(width: 3, height: 3, channels: 1, pixels: Array(1...9))
        var seen: Set<[UInt8]> = []
        for seed in 0..<500 as Range<UInt64> {
            seen.insert(try apply([RandomAffine(degrees: 91)], to: square, seed: seed).pixels)
        }
        #expect(seen.isSuperset(of: [[3, 6, 9, 2, 5, 8, 1, 4, 7], [7, 4, 1, 8, 5, 2, 9, 6, 3]]))
    }

    // MARK: Colour

    @Test func jitterChangesWhatItIsToldTo() throws {
        let picture = KnownPictures.colour
        #expect(try apply([ColourJitter()], to: picture) == picture)
        func luminance(_ p: Picture) -> Double { p.grey.pixels.reduce(0) { $0 + Double($1) } / Double(p.grey.pixels.count) }
        func spread(_ p: Picture) -> Double { p.grey.pixels.reduce(0) { $0 + abs(Double($1) - luminance(p)) } }
        var (lighter, flatter) = (0, 0)
        for seed in 0..<40 as Range<UInt64> {
            // The mean stays, where nothing is cut off; the spread does not.
            let contrast = try apply([ColourJitter(contrast: 0.3)], to: picture, seed: seed)
            #expect(abs(luminance(contrast) - luminance(picture)) < 3)
            flatter += spread(contrast) < spread(picture) ? 1 : 0
            let saturation = try apply([ColourJitter(saturation: 0.5)], to: picture, seed: seed)
            #expect(abs(luminance(saturation) - luminance(picture)) < 3)
            lighter += luminance(try apply([ColourJitter(brightness: 0.5)], to: picture, seed: seed)) > luminance(picture) ? 1 : 0
        }
        #expect((8...32).contains(lighter) && (8...32).contains(flatter))
    }

    @Test func greyIsJitteredToo() throws {
        let flat = Picture(width: 2, height: 1, channels: 1, pixels: [100, 100])
        #expect(try apply([ColourJitter(contrast: 1, saturation: 1)], to: flat).pixels == [100, 100])
        #expect(try apply([ColourJitter(brightness: 1)], to: flat) != flat)
    }

    @Test func normalisesEachChannel() throws {
        let picture = Picture(width: 2, height: 1, channels: 3, pixels: [0, 51, 255, 255, 102, 0])
        var image = ImageSample(picture, channels: 3)
        var random = random(1)
        try Normalize(mean: [0.5, 0, 1], deviation: [0.5, 0.2, 2]).apply(to: &image, random: &random)
        var output = [Float](repeating: 0, count: 6)
        try output.withUnsafeMutableBufferPointer { try image.write(to: $0) }
        for (value, expected) in zip(output, [-1, 1, 1, 2, 0, -0.5] as [Float]) { #expect(abs(value - expected) < 1e-6) }
        try Normalize(mean: [0.5], deviation: [0.25]).apply(to: &image, random: &random)
        #expect(image.mean == [0.5, 0.5, 0.5] && image.deviation == [0.25, 0.25, 0.25])
    }

    // MARK: Decoding

    /// A part of a JPEG file that is decoded at a smaller size looks as if all of it had been decoded.
    @Test func smallPartsAreDecodedSmaller() throws {
        let encoded = try EncodedPicture(KnownPictures.file("full colour"), name: "p.jpg")
        let region = PictureRegion(x: 4, y: 2, width: 20, height: 18)
        var small = ImageSample(encoded, channels: 3)
        try small.resample(region, to: PictureSize(4))
        var whole = ImageSample(try encoded.decoded(), channels: 3)
        try whole.resample(region, to: PictureSize(4))
        let (a, b) = (try small.picture().pixels, try whole.picture().pixels)
        #expect(zip(a, b).map { abs(Int($0) - Int($1)) }.reduce(0, +) < 8 * a.count)
        #expect(a != b)
    }
}
