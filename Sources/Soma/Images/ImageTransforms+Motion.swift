import CImages
import Glibc
import SomaGraph

/// Mirrors pictures from left to right, each with a probability.
public struct RandomHorizontalFlip: ImageTransform {
    private let probability: Double

    /// Traps where the probability is not 0 … 1; 0.5 makes both sides equally frequent.
    public init(probability: Double = 0.5) {
        guard (0...1).contains(probability) else { programError("RandomHorizontalFlip", "\(probability) is no probability") }
        self.probability = probability
    }

    public func size(after size: PictureSize?) -> PictureSize? { size }

    public func apply(to image: inout ImageSample, random: inout Philox) throws {
        guard random.uniform(in: 0...1) < probability else { return }
        try image.change { $0.withMutableForeign { soma_flip(&$0) } }
    }
}

/// Turns, moves and scales pictures a little about their middle, at random; what comes in at the edge is `fill`.
public struct RandomAffine: ImageTransform {
    private let degrees: Double
    private let shift: Double
    private let scale: ClosedRange<Double>
    private let fill: UInt8

    /// Without arguments nothing changes. Traps where a number is out of range.
    /// - Parameters:
    ///   - degrees: the farthest that a picture is turned either way.
    ///   - shift: the farthest that it is moved along either axis, in pixels.
    ///   - scale: by how much it grows.
    public init(degrees: Double = 0, shift: Double = 0, scale: ClosedRange<Double> = 1...1, fill: UInt8 = 0) {
        guard (0...180).contains(degrees), shift >= 0, shift.isFinite, scale.lowerBound > 0, scale.upperBound.isFinite else {
            programError("RandomAffine", "degrees \(degrees), shift \(shift) or scale \(scale) is not possible")
        }
        (self.degrees, self.shift, self.scale, self.fill) = (degrees, shift, scale, fill)
    }

    public func size(after size: PictureSize?) -> PictureSize? { size }

    public func apply(to image: inout ImageSample, random: inout Philox) throws {
        let angle = random.uniform(in: -degrees...degrees) * .pi / 180
        let (right, down) = (random.uniform(in: -shift...shift), random.uniform(in: -shift...shift))
        let growth = random.uniform(in: scale)
        let (cosine, sine) = (cos(angle) / growth, sin(angle) / growth)
        let (u, v) = (Double(image.size.width) / 2, Double(image.size.height) / 2)
        // Where a pixel of the result comes from: moved back, then turned back about the middle.
        let (x, y) = (u + right, v + down)
        let back = [cosine, sine, u - cosine * x - sine * y, -sine, cosine, v + sine * x - cosine * y]
        try image.change { picture in
            picture = picture.withForeign { source in
                var source = source
                return Picture(picture.size, channels: picture.channels) { soma_affine(&source, back, fill, &$0) }
            }
        }
    }
}
