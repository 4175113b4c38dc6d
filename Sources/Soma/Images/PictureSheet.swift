import SomaGraph

/// Pictures of one size beside and below one another, as near to a square as they go, with lines between them.
public struct PictureSheet: Sendable {
    /// Rows of pictures.
    public let rows: Int
    /// Columns of pictures: ⌈√count⌉.
    public let columns: Int
    private let tile: PictureSize
    private let channels: Int
    private let width: Int
    private let height: Int
    private var pixels: [UInt8]
    private var placed = 0

    /// Pixels between two pictures, and what they are.
    private static let (line, ground) = (2, UInt8(64))

    /// Room for `count` pictures.
    /// - Parameters:
    ///   - tile: the size of each.
    ///   - channels: 1 for grey, 3 for colour.
    ///   - columns: how many beside one another; nil: as many as make it square.
    /// - Throws: `SomaError` where the sheet would be larger than a picture may be.
    public init(count: Int, tile: PictureSize, channels: Int, columns: Int? = nil) throws {
        guard count > 0, tile.width > 0, tile.height > 0, channels == 1 || channels == 3, columns ?? 1 > 0 else {
            programError("PictureSheet", "\(count) pictures of \(tile) and \(channels) channels")
        }
        guard Self.fits(count, tile, columns) else {
            let most = Self.most(tile, columns)
            let advice = most == 0 ? "one of \(tile) pixels is too large by itself" : "at most \(Quantity.grouped(most)) of \(tile) pixels fit"
            throw SomaError("a sheet of \(Quantity.grouped(count)) pictures would be larger than a picture may be: \(advice)")
        }
        let columns = columns ?? Self.columns(count)
        self.columns = columns
        rows = (count + columns - 1) / columns
        (width, height) = (Self.extent(columns, tile.width), Self.extent(rows, tile.height))
        (self.tile, self.channels) = (tile, channels)
        pixels = [UInt8](repeating: Self.ground, count: width * height * channels)
    }

    private static func columns(_ count: Int) -> Int { Int(Double(count).squareRoot().rounded(.up)) }
    private static func extent(_ count: Int, _ side: Int) -> Int { count * (side + line) - line }

    private static func fits(_ count: Int, _ tile: PictureSize, _ chosen: Int?) -> Bool {
        // So many pictures of a pixel each are too many, and their sides can be multiplied.
        guard count <= Picture.pixelLimit, tile.width <= Picture.sideLimit, tile.height <= Picture.sideLimit else { return false }
        let columns = chosen ?? columns(count)
        guard columns <= Picture.sideLimit else { return false }
        let (width, height) = (extent(columns, tile.width), extent((count + columns - 1) / columns, tile.height))
        return width <= Picture.sideLimit && height <= Picture.sideLimit && width * height <= Picture.pixelLimit
    }

    /// How many pictures of a size a sheet has room for.
    private static func most(_ tile: PictureSize, _ columns: Int?) -> Int {
        var (low, high) = (0, Picture.pixelLimit + 1)
        while high - low > 1 {
            let middle = (low + high) / 2
            if fits(middle, tile, columns) { low = middle } else { high = middle }
        }
        return low
    }

    /// Lays the next picture.
    /// - Parameters:
    ///   - values: [channels, rows, columns].
    ///   - range: the values that become black and white; those beyond become the nearer of the two.
    public mutating func add(_ values: [Float], from range: ClosedRange<Float>) {
        guard values.count == channels * tile.width * tile.height, placed < rows * columns else {
            programError("PictureSheet", "\(values.count) values for picture \(placed) of \(rows)×\(columns), each \(tile) and \(channels) channels")
        }
        let (top, left) = (placed / columns * (tile.height + Self.line), placed % columns * (tile.width + Self.line))
        let scale = 255 / max(range.upperBound - range.lowerBound, .leastNormalMagnitude)
        for (index, value) in values.enumerated() {
            let (channel, place) = (index / (tile.width * tile.height), index % (tile.width * tile.height))
            let target = (top + place / tile.width) * width + left + place % tile.width
            let level = ((value - range.lowerBound) * scale).rounded()
            // A NaN is black.
            pixels[target * channels + channel] = level > 0 ? UInt8(min(level, 255)) : 0
        }
        placed += 1
    }

    /// The sheet as it is now; places without a picture are grey.
    public var picture: Picture { Picture(width: width, height: height, channels: channels, pixels: pixels) }
}
