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
    ///   - columns: how many stand beside one another; nil: as many as make it nearly a square.
    /// - Throws: `SomaError` where the sheet would be larger than a picture may be.
    public init(count: Int, tile: PictureSize, channels: Int, columns: Int? = nil) throws {
        guard count > 0, tile.width > 0, tile.height > 0, channels == 1 || channels == 3, columns ?? 1 > 0 else {
            programError("PictureSheet", "\(count) pictures of \(tile) and \(channels) channels in \(columns ?? 1) columns")
        }
        if let columns, !Self.fits(count, tile, columns: min(columns, count)) {
            let sheet = "a sheet of \(Quantity.grouped(count)) pictures of \(tile) pixels in \(Quantity.counted(columns, "column"))"
            throw SomaError("\(sheet) would be larger than a picture may be")
        }
        guard columns != nil || Self.fits(count, tile) else {
            let most = Self.most(tile)
            let advice = most == 0 ? "one of \(tile) pixels is too large by itself" : "at most \(Quantity.grouped(most)) of \(tile) pixels fit"
            throw SomaError("a sheet of \(Quantity.grouped(count)) pictures would be larger than a picture may be: \(advice)")
        }
        self.columns = columns.map { min($0, count) } ?? Self.columns(count)
        rows = (count + self.columns - 1) / self.columns
        (width, height) = (Self.extent(self.columns, tile.width), Self.extent(rows, tile.height))
        (self.tile, self.channels) = (tile, channels)
        pixels = [UInt8](repeating: Self.ground, count: width * height * channels)
    }

    private static func columns(_ count: Int) -> Int { Int(Double(count).squareRoot().rounded(.up)) }
    private static func extent(_ count: Int, _ side: Int) -> Int { count * (side + line) - line }

    private static func fits(_ count: Int, _ tile: PictureSize, columns: Int? = nil) -> Bool {
        // So many pictures of a pixel each are too many, and their sides can be multiplied.
        guard count <= Picture.pixelLimit, tile.width <= Picture.sideLimit, tile.height <= Picture.sideLimit else { return false }
        let columns = columns ?? Self.columns(count)
        let (width, height) = (extent(columns, tile.width), extent((count + columns - 1) / columns, tile.height))
        return width <= Picture.sideLimit && height <= Picture.sideLimit && width * height <= Picture.pixelLimit
    }

    /// How many pictures of a size a sheet has room for.
    private static func most(_ tile: PictureSize) -> Int {
        var (low, high) = (0, Picture.pixelLimit + 1)
        while high - low > 1 {
            let middle = (low + high) / 2
            if fits(middle, tile) { low = middle } else { high = middle }
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

extension PictureSheet {
    /// Pictures that are in a tensor, as a network makes them.
    ///
    /// ```swift
    /// try PictureSheet(generator(noise), from: -1...1).picture.write(to: "samples.png")
    /// ```
    /// - Parameters:
    ///   - pictures: float32 [n, 1, height, width] in grey or [n, 3, height, width] in colour.
    ///   - range: what becomes black and what white; beyond it too.
    ///   - columns: how many stand beside one another; nil: as many as make it nearly a square.
    /// - Throws: `SomaError` where the sheet would be larger than a picture may be; `BackendError`.
    public init(_ pictures: Tensor, from range: ClosedRange<Float>, columns: Int? = nil, file: StaticString = #fileID, line: UInt = #line) throws {
        let extents = pictures.shape.dimensions
        guard pictures.rank == 4, pictures.count > 0, [1, 3].contains(extents[1]), pictures.dtype == .float32 else {
            programError("PictureSheet", "\(pictures.dtype) \(pictures.shape) is not float32 [n, 1 or 3, height, width]", file: file, line: line)
        }
        try self.init(count: extents[0], tile: PictureSize(height: extents[2], width: extents[3]), channels: extents[1], columns: columns)
        let (values, size) = (try pictures.scalars(as: Float.self), pictures.count / extents[0])
        for index in 0..<extents[0] { add(Array(values[index * size..<(index + 1) * size]), from: range) }
    }
}
