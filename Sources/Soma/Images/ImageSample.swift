import CImages
import SomaGraph

/// A picture on its way through transforms.
///
/// It is decoded when a transform first asks for its pixels: one that scales it down or cuts a part out says what it
/// needs, and a JPEG file is then decoded at a smaller size.
public struct ImageSample {
    private enum Content {
        case encoded(EncodedPicture)
        case decoded(Picture)
    }

    /// 1: grey, 3: red, green, blue.
    public let channels: Int
    /// What is subtracted from value / 255 of each channel when the picture is written to a batch.
    public var mean: [Float]
    /// What the difference is divided by, for each channel.
    public var deviation: [Float]
    private var content: Content

    init(_ picture: EncodedPicture, channels: Int) {
        (content, self.channels) = (.encoded(picture), channels)
        (mean, deviation) = (Array(repeating: 0, count: channels), Array(repeating: 1, count: channels))
    }

    /// A picture that is decoded already, in grey or in colour as `channels` says.
    public init(_ picture: Picture, channels: Int) {
        guard channels == 1 || channels == 3 else { programError("image", "\(channels) channels are neither 1 nor 3") }
        (content, self.channels) = (.decoded(channels == 1 ? picture.grey : picture.colour), channels)
        (mean, deviation) = (Array(repeating: 0, count: channels), Array(repeating: 1, count: channels))
    }

    /// Rows and columns as they are now, without decoding the picture.
    public var size: PictureSize {
        switch content {
        case .encoded(let picture): picture.size
        case .decoded(let picture): picture.size
        }
    }

    /// The picture's pixels.
    /// - Throws: `SomaError` where it cannot be decoded.
    public func picture() throws -> Picture {
        switch content {
        case .encoded(let picture): try picture.decoded(channels: channels)
        case .decoded(let picture): picture
        }
    }

    /// Replaces the picture by what `change` makes of it.
    public mutating func change(_ change: (inout Picture) throws -> Void) throws {
        var picture = try picture()
        // The only reference, so that pixels are changed in place.
        content = .decoded(Picture(width: 1, height: 1, channels: 1, pixels: [0]))
        try change(&picture)
        content = .decoded(picture)
    }

    /// Cuts out a region and scales it to a size.
    public mutating func resample(_ region: PictureRegion, to target: PictureSize) throws {
        let whole = PictureRegion(of: size)
        switch content {
        case .decoded(let picture):
            if region != whole || target != size { content = .decoded(try picture.resampled(region, to: target)) }
        case .encoded(let file):
            let eighths = file.eighths(for: region, target: target)
            let picture = try file.decoded(channels: channels, eighths: eighths)
            // Not by the ratio of the sizes: the last pixels of the smaller picture may lie half outside of the larger.
            let region = region.scaled(by: Double(eighths) / 8)
            let isDone = region == PictureRegion(of: picture.size) && target == picture.size
            content = .decoded(isDone ? picture : try picture.resampled(region, to: target))
        }
    }

    /// Writes the picture as [channels, height, width] values, with mean and deviation.
    func write(to output: UnsafeMutableBufferPointer<Float>) throws {
        let picture = try picture()
        guard picture.pixels.count == output.count else {
            programError("image", "\(picture.size) pixels of \(channels) channels do not fill \(output.count) values")
        }
        let scale = deviation.map { 1 / (255 * $0) }
        let offset = zip(mean, deviation).map { -$0 / $1 }
        picture.withForeign { foreign in
            var foreign = foreign
            soma_planes(&foreign, scale, offset, output.baseAddress)
        }
    }
}

/// A rectangle of a picture, in pixels from its upper left corner.
public struct PictureRegion: Hashable, Sendable {
    /// The distances of the left and upper edge from the picture's, and the extents, in pixels; fractions are allowed.
    public var x, y, width, height: Double

    /// What lies outside of the picture is cut off when the region is used.
    public init(x: Double, y: Double, width: Double, height: Double) {
        (self.x, self.y, self.width, self.height) = (x, y, width, height)
    }

    /// All of a picture.
    public init(of size: PictureSize) {
        self.init(x: 0, y: 0, width: Double(size.width), height: Double(size.height))
    }

    func scaled(by factor: Double) -> PictureRegion {
        PictureRegion(x: x * factor, y: y * factor, width: width * factor, height: height * factor)
    }

    /// The same as far as it lies within a picture; rounding may have led it out.
    fileprivate func clipped(to size: PictureSize) -> PictureRegion {
        let (left, top) = (max(0, x), max(0, y))
        let (right, bottom) = (min(x + width, Double(size.width)), min(y + height, Double(size.height)))
        guard right > left, bottom > top else {
            programError("image", "no part of \(self) lies within a picture of \(size)")
        }
        return PictureRegion(x: left, y: top, width: right - left, height: bottom - top)
    }
}

extension Picture {
    /// A region scaled to a size: linear interpolation where it grows, and where it shrinks a mean over all that falls
    /// into a pixel, with weights that fall linearly from its middle.
    /// - Throws: `SomaError` where there is no memory.
    public func resampled(_ region: PictureRegion, to target: PictureSize) throws -> Picture {
        let part = region.clipped(to: size)
        let rectangle = soma_region(x: part.x, y: part.y, width: part.width, height: part.height)
        return try withForeign { source in
            var source = source
            return try Picture(target, channels: channels) { result in
                guard soma_resample(&source, rectangle, &result) == 0 else {
                    throw SomaError("no memory to scale a picture of \(size) pixels")
                }
            }
        }
    }
}
