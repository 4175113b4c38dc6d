import CImages
import SomaGraph

/// Changes brightness, contrast and saturation at random, each by a factor from 1 − x to 1 + x: brightness multiplies
/// all values, contrast their distance from the picture's mean luminance, saturation that of a pixel's channels from
/// its luminance. What leaves the range of a byte is cut off once, at the end.
public struct ColourJitter: ImageTransform {
    private let brightness, contrast, saturation: Double

    /// Each number is the x of 1 − x … 1 + x, from 0 (no change) to 1; others trap.
    public init(brightness: Double = 0, contrast: Double = 0, saturation: Double = 0) {
        guard [brightness, contrast, saturation].allSatisfy({ (0...1).contains($0) }) else {
            programError("ColourJitter", "brightness \(brightness), contrast \(contrast), saturation \(saturation): each from 0 to 1")
        }
        (self.brightness, self.contrast, self.saturation) = (brightness, contrast, saturation)
    }

    public func size(after size: PictureSize?) -> PictureSize? { size }

    public func apply(to image: inout ImageSample, random: inout Philox) throws {
        func factor(_ width: Double) -> Double { random.uniform(in: 1 - width...1 + width) }
        let (b, c, s) = (factor(brightness), factor(contrast), factor(saturation))
        try image.change { picture in
            let mean = c == 1 ? 0 : picture.meanLuminance
            // All three as one: contrast about the brightened mean, and of each channel what saturation leaves of it.
            let (gain, offset) = (b * c, b * mean * (1 - c))
            picture.mix(gain: gain, saturation: s, offset: offset)
        }
    }
}

/// Standardises each channel: (value / 255 − mean) / deviation.
public struct Normalize: ImageTransform {
    private let mean, deviation: [Float]

    /// Traps where the lists differ in length or are empty, where a number is not finite, or where a deviation is not above 0.
    /// - Parameters: numbers for each channel, or one for all.
    public init(mean: [Float], deviation: [Float]) {
        guard !mean.isEmpty, mean.count == deviation.count, deviation.allSatisfy({ $0 > 0 && $0.isFinite }),
            mean.allSatisfy(\.isFinite)
        else { programError("Normalize", "mean \(mean) and deviation \(deviation) do not fit") }
        (self.mean, self.deviation) = (mean, deviation)
    }

    /// Mean and deviation of ImageNet's colours, which most published networks take.
    public static let imageNet = Normalize(mean: [0.485, 0.456, 0.406], deviation: [0.229, 0.224, 0.225])

    public func size(after size: PictureSize?) -> PictureSize? { size }

    public func apply(to image: inout ImageSample, random: inout Philox) throws {
        guard mean.count == 1 || mean.count == image.channels else {
            programError("Normalize", "\(mean.count) means for \(image.channels) channels")
        }
        image.mean = (0..<image.channels).map { mean[min($0, mean.count - 1)] }
        image.deviation = (0..<image.channels).map { deviation[min($0, mean.count - 1)] }
    }
}

extension Picture {
    fileprivate var meanLuminance: Double {
        withForeign { source in
            var source = source
            return soma_mean_luminance(&source)
        }
    }

    /// gain · (luminance + saturation · (value − luminance)) + offset for each value.
    fileprivate mutating func mix(gain: Double, saturation: Double, offset: Double) {
        if channels == 1 {
            let table = (0..<256).map { UInt8(min(max(Double($0) * gain + offset, 0), 255).rounded()) }
            pixels.withUnsafeMutableBufferPointer { pixels in
                for i in pixels.indices { pixels[i] = table[Int(pixels[i])] }
            }
            return
        }
        let luminance = [0.299, 0.587, 0.114]
        var rows: [Float] = []
        for row in 0..<3 {
            for column in 0..<3 {
                let own = row == column ? saturation : 0
                rows.append(Float(gain * ((1 - saturation) * luminance[column] + own)))
            }
            rows.append(Float(offset))
        }
        withMutableForeign { soma_mix_colours(&$0, rows) }
    }
}
