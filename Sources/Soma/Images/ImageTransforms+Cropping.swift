import Glibc
import SomaGraph

/// Scales a picture, keeping the ratio of its sides or not; what shrinks is averaged over all its pixels.
public struct Resize: ImageTransform {
    private enum Target { case shorterSide(Int), exactly(PictureSize) }
    private let target: Target

    /// The shorter side gets this length, and the other what the ratio of the sides asks for.
    public init(shorterSide: Int) { target = .shorterSide(Self.checked(PictureSize(shorterSide)).width) }

    /// Exactly this size, whatever the picture's ratio.
    public init(_ size: PictureSize) { target = .exactly(Self.checked(size)) }

    static func checked(_ size: PictureSize) -> PictureSize {
        guard size.width > 0, size.height > 0, size.width <= Picture.sideLimit, size.height <= Picture.sideLimit else {
            programError("image transform", "a picture cannot have \(size) pixels")
        }
        return size
    }

    public func size(after size: PictureSize?) -> PictureSize? {
        switch target {
        case .exactly(let size): size
        case .shorterSide(let side): size.map { Self.scaled($0, shorterSide: side) }
        }
    }

    private static func scaled(_ size: PictureSize, shorterSide: Int) -> PictureSize {
        let (short, long) = (min(size.width, size.height), max(size.width, size.height))
        let length = min(Picture.sideLimit, Int((Double(long) * Double(shorterSide) / Double(short)).rounded()))
        return size.width < size.height
            ? PictureSize(height: length, width: shorterSide) : PictureSize(height: shorterSide, width: length)
    }

    public func apply(to image: inout ImageSample, random: inout Philox) throws {
        guard let target = size(after: image.size) else { return }
        try image.resample(PictureRegion(of: image.size), to: target)
    }
}

/// Cuts the middle out; where the picture is smaller, it is laid into the middle of black.
public struct CentreCrop: ImageTransform {
    private let size: PictureSize

    /// Traps where a side is not 1 … `Picture.sideLimit`.
    public init(_ size: PictureSize) { self.size = Resize.checked(size) }
    /// A square of so many pixels a side.
    public init(_ side: Int) { self.init(PictureSize(side)) }

    public func size(after size: PictureSize?) -> PictureSize? { self.size }

    public func apply(to image: inout ImageSample, random: inout Philox) throws {
        let (top, left) = (image.size.height - size.height, image.size.width - size.width)
        // Half a pixel more goes to the bottom and right.
        try image.change { $0 = $0.cropped(top: (top + (top < 0 ? -1 : 0)) / 2, left: (left + (left < 0 ? -1 : 0)) / 2, size) }
    }
}

/// Cuts out a part of random size, shape and place, and scales it: an area of a share of the picture's drawn from
/// `scale`, with a ratio of width to height whose logarithm is drawn from `ratio`'s.
///
/// C. Szegedy et al., *Going Deeper with Convolutions*, CVPR 2015.
public struct RandomResizedCrop: ImageTransform {
    private let size: PictureSize
    private let scale: ClosedRange<Double>
    private let ratio: ClosedRange<Double>

    /// The default ranges are those of the paper. Traps unless `scale` lies within 0 … 1 and `ratio` is positive.
    /// - Parameters:
    ///   - scale: the share of the area that is cut out.
    ///   - ratio: of width to height.
    public init(
        _ size: PictureSize, scale: ClosedRange<Double> = 0.08...1, ratio: ClosedRange<Double> = 3 / 4...4 / 3
    ) {
        guard scale.lowerBound > 0, scale.upperBound <= 1, ratio.lowerBound > 0, ratio.upperBound.isFinite else {
            programError("RandomResizedCrop", "scale \(scale) must lie within 0 to 1, and ratio \(ratio) be positive")
        }
        (self.size, self.scale, self.ratio) = (Resize.checked(size), scale, ratio)
    }

    /// A square of so many pixels a side; see `init(_:scale:ratio:)`.
    public init(_ side: Int, scale: ClosedRange<Double> = 0.08...1, ratio: ClosedRange<Double> = 3 / 4...4 / 3) {
        self.init(PictureSize(side), scale: scale, ratio: ratio)
    }

    public func size(after size: PictureSize?) -> PictureSize? { self.size }

    public func apply(to image: inout ImageSample, random: inout Philox) throws {
        try image.resample(region(of: image.size, &random), to: size)
    }

    func region(of size: PictureSize, _ random: inout Philox) -> PictureRegion {
        let (width, height) = (Double(size.width), Double(size.height))
        for _ in 0..<10 {
            let area = width * height * random.uniform(in: scale)
            let ratio = exp(random.uniform(in: log(ratio.lowerBound)...log(ratio.upperBound)))
            let (w, h) = ((area * ratio).squareRoot().rounded(), (area / ratio).squareRoot().rounded())
            guard (1...width).contains(w), (1...height).contains(h) else { continue }
            let x = random.integer(below: Int(width - w) + 1), y = random.integer(below: Int(height - h) + 1)
            return PictureRegion(x: Double(x), y: Double(y), width: w, height: h)
        }
        return middle(width, height)
    }

    /// The largest part in the middle whose shape is allowed, for pictures too narrow for any other.
    private func middle(_ width: Double, _ height: Double) -> PictureRegion {
        let ratio = min(max(width / height, ratio.lowerBound), ratio.upperBound)
        let (w, h) = (max(1, min(width, (height * ratio).rounded())), max(1, min(height, (width / ratio).rounded())))
        return PictureRegion(x: ((width - w) / 2).rounded(.down), y: ((height - h) / 2).rounded(.down), width: w, height: h)
    }
}

/// Cuts out a part of a given size at a random place of the picture with a border around it.
public struct RandomCrop: ImageTransform {
    private let size: PictureSize
    private let padding: Int
    private let fill: UInt8

    /// Traps where a side is not 1 … `Picture.sideLimit` or the padding is not 0 … `Picture.sideLimit`.
    /// - Parameters:
    ///   - padding: pixels of border on each side.
    ///   - fill: the value of the border, in each channel.
    public init(_ size: PictureSize, padding: Int = 0, fill: UInt8 = 0) {
        guard (0...Picture.sideLimit).contains(padding) else { programError("RandomCrop", "padding \(padding) is not possible") }
        (self.size, self.padding, self.fill) = (Resize.checked(size), padding, fill)
    }

    /// A square of so many pixels a side; see `init(_:padding:fill:)`.
    public init(_ side: Int, padding: Int = 0, fill: UInt8 = 0) {
        self.init(PictureSize(side), padding: padding, fill: fill)
    }

    public func size(after size: PictureSize?) -> PictureSize? { self.size }

    public func apply(to image: inout ImageSample, random: inout Philox) throws {
        func place(_ length: Int, _ target: Int) -> Int {
            let room = length + 2 * padding - target
            // A picture that is too small even with its border is laid into the middle.
            return room < 0 ? -((target - length) / 2) : random.integer(below: room + 1) - padding
        }
        let top = place(image.size.height, size.height), left = place(image.size.width, size.width)
        try image.change { $0 = $0.cropped(top: top, left: left, size, fill: fill) }
    }
}

extension Philox {
    /// A number uniform on a range, of 2³² that lie evenly in it.
    mutating func uniform(in range: ClosedRange<Double>) -> Double {
        range.lowerBound + (range.upperBound - range.lowerBound) * (Double(nextWord()) * 0x1p-32)
    }
}

extension Picture {
    /// The part of a size whose upper left corner lies at (top, left), which may be outside, where all is `fill`.
    func cropped(top: Int, left: Int, _ size: PictureSize, fill: UInt8 = 0) -> Picture {
        let columns = max(0, left)..<max(0, left, min(width, left + size.width))
        var result = [UInt8](repeating: fill, count: size.width * size.height * channels)
        for row in 0..<size.height where (0..<height).contains(top + row) && !columns.isEmpty {
            let source = ((top + row) * width + columns.lowerBound) * channels
            let target = (row * size.width + columns.lowerBound - left) * channels
            let count = columns.count * channels
            result.withUnsafeMutableBufferPointer { result in
                pixels.withUnsafeBufferPointer { pixels in
                    _ = UnsafeMutableBufferPointer(rebasing: result[target..<target + count])
                        .update(fromContentsOf: pixels[source..<source + count])
                }
            }
        }
        return Picture(width: size.width, height: size.height, channels: channels, pixels: result)
    }
}
