import Soma

/// A picture of tiles in rows: what a network was shown, its filters, and what these found, each below a caption.
struct FeatureSheet {
    private struct Tile {
        let rows, columns: Int
        /// [rows · columns · 3] from 0 to 255.
        let pixels: [UInt8]
    }

    private struct Band {
        let caption: String
        let tiles: [Tile]
        /// Whether tiles have their numbers above them.
        let isNumbered: Bool
    }

    private var bands: [Band] = []
    /// Tiles of a few pixels are enlarged to about this side.
    private static let side = 56
    private static let gap = 4
    private static let width = 960
    /// Tiles of more pixels a side are reduced, and those of a band that would be higher than this, further.
    private static let largestSide = 240
    private static let largestHeight = 8000
    /// The size of a letter's pixels in captions.
    private static let captionSize = 2
    private static let captionHeight = PixelFont.rows * captionSize + 2 * gap
    private static let numberHeight = PixelFont.rows + 3
    private static let explanation = "Each tile from its own least value (black) to its greatest (white)."

    /// The picture that the network was shown: values [channels, rows, columns] in colour where there are 3 channels, else in grey.
    mutating func addPicture(_ values: [Float], channels: Int, rows: Int, columns: Int, caption: String) {
        let size = rows * columns
        let planes = (0..<channels).map { Array(values[$0 * size..<($0 + 1) * size]) }
        add([FeaturePlane(rows: rows, columns: columns, channels: channels == 3 ? planes : [planes[0]])], caption, isNumbered: false)
    }

    /// A tile for each filter [K, C, rows, columns]: colours where C is 3, else the mean over the channels in grey.
    mutating func addFilters(_ filters: Tensor, caption: String) throws {
        guard filters.rank == 4 else { throw SomaError("filters of \(filters.shape) are no pictures") }
        let (count, channels, rows, columns) = (filters.shape[0], filters.shape[1], filters.shape[2], filters.shape[3])
        let values = try filters.scalars(as: Float.self)
        let size = rows * columns
        let planes = (0..<count).map { number in
            let planes = (0..<channels).map { Array(values[(number * channels + $0) * size..<(number * channels + $0 + 1) * size]) }
            let mean = (0..<size).map { place in planes.reduce(0) { $0 + $1[place] } / Float(channels) }
            return FeaturePlane(rows: rows, columns: columns, channels: channels == 3 ? planes : [mean])
        }
        add(planes, caption + Self.range(values), isNumbered: true)
    }

    /// A tile for each map of the first picture of [N, K, rows, columns].
    mutating func addMaps(_ maps: Tensor, caption: String) throws {
        guard maps.rank == 4 else { throw SomaError("maps of \(maps.shape) are no pictures") }
        let (rows, columns) = (maps.shape[2], maps.shape[3])
        let values = try maps.scalars(as: Float.self)
        let planes = (0..<maps.shape[1]).map { number in
            FeaturePlane(rows: rows, columns: columns, channels: [Array(values[number * rows * columns..<(number + 1) * rows * columns])])
        }
        add(planes, caption + Self.range(values), isNumbered: true)
    }

    /// What the values of a band reach from and to.
    private static func range(_ values: [Float]) -> String {
        let finite = values.filter(\.isFinite)
        guard let low = finite.min(), let high = finite.max() else { return "" }
        return ", from \(Quantity.significant(Double(low), 3)) to \(Quantity.significant(Double(high), 3))"
    }

    private mutating func add(_ planes: [FeaturePlane], _ caption: String, isNumbered: Bool) {
        guard let first = planes.first else { return }
        let side = max(first.rows, first.columns)
        var zoom = max(1, (Self.side + side - 1) / side), factor = max(1, (side + Self.largestSide - 1) / Self.largestSide)
        func isTooHigh() -> Bool {
            let (rows, columns) = ((first.rows + factor - 1) / factor * zoom, (first.columns + factor - 1) / factor * zoom)
            return Self.grid(planes.count, rows: rows, columns: columns, isNumbered).height > Self.largestHeight
        }
        while isTooHigh() && (zoom > 1 || factor < side) { if zoom > 1 { zoom -= 1 } else { factor += 1 } }
        bands.append(Band(caption: caption, tiles: planes.map { Self.tile($0.reduced(by: factor), zoom) }, isNumbered: isNumbered))
    }

    /// The least value black, the greatest white; what is no number is middle grey, and so is a plane of one value. A value
    /// takes `zoom` × `zoom` pixels.
    private static func tile(_ plane: FeaturePlane, _ zoom: Int) -> Tile {
        let (rows, columns, planes) = (plane.rows, plane.columns, plane.channels)
        let finite = planes.joined().filter(\.isFinite)
        let (low, high) = (finite.min() ?? 0, finite.max() ?? 0)
        func byte(_ value: Float) -> UInt8 {
            guard value.isFinite, high > low else { return 128 }
            return UInt8(((value - low) / (high - low) * 255).rounded())
        }
        var pixels: [UInt8] = []
        pixels.reserveCapacity(rows * columns * zoom * zoom * 3)
        for row in 0..<rows * zoom {
            for column in 0..<columns * zoom {
                let place = row / zoom * columns + column / zoom
                for channel in 0..<3 { pixels.append(byte(planes[min(channel, planes.count - 1)][place])) }
            }
        }
        return Tile(rows: rows * zoom, columns: columns * zoom, pixels: pixels)
    }

    private static func grid(_ count: Int, rows: Int, columns: Int, _ isNumbered: Bool) -> TileGrid {
        TileGrid(count, rows: rows, columns: columns, head: isNumbered ? numberHeight : 0, gap: gap, width: width)
    }

    // MARK: Drawing

    /// All bands on white, each below its caption, with what the greys mean below all.
    /// - Throws: `SomaError` where there are so many tiles that no picture holds them.
    func picture() throws -> Picture {
        let grids = bands.map { Self.grid($0.tiles.count, rows: $0.tiles[0].rows, columns: $0.tiles[0].columns, $0.isNumbered) }
        let texts = (bands.map(\.caption) + [Self.explanation]).map { PixelFont.width($0) * Self.captionSize + 2 * Self.gap }
        let width = max(grids.map(\.width).max() ?? 1, min(texts.max() ?? 1, Self.width))
        let height = grids.reduce(0) { $0 + $1.height + Self.captionHeight + 2 * Self.gap } + Self.captionHeight
        guard width <= Picture.sideLimit, height <= Picture.sideLimit else {
            throw SomaError("\(bands.map(\.tiles.count).max() ?? 0) filters or maps are too many for one picture")
        }
        var canvas = PixelCanvas(width: width, height: height)
        var top = 0
        for (band, grid) in zip(bands, grids) {
            Self.write(band.caption, on: &canvas, y: top)
            top += Self.captionHeight
            Self.draw(band, grid, on: &canvas, y: top)
            top += grid.height + 2 * Self.gap
        }
        Self.write(Self.explanation, on: &canvas, y: top)
        return canvas.picture
    }

    /// Letters are smaller where the line would be longer than the picture.
    private static func write(_ caption: String, on canvas: inout PixelCanvas, y: Int) {
        let fits = PixelFont.width(caption) * captionSize + 2 * gap <= canvas.width
        canvas.write(caption, x: gap, y: y + gap, size: fits ? captionSize : 1, grey: 36)
    }

    private static func draw(_ band: Band, _ grid: TileGrid, on canvas: inout PixelCanvas, y top: Int) {
        for (number, tile) in band.tiles.enumerated() {
            let corner = grid.corner(number)
            if band.isNumbered { canvas.write("\(number)", x: corner.x, y: top + corner.y - numberHeight + 1, size: 1, grey: 107) }
            canvas.draw(tile.pixels, columns: tile.columns, x: corner.x, y: top + corner.y)
            // What is white at the edge of a tile would else be taken for the ground.
            canvas.frame(rows: tile.rows, columns: tile.columns, x: corner.x, y: top + corner.y, grey: 190)
        }
    }
}

/// Where tiles of one size lie, each with a head above it.
private struct TileGrid {
    let width, height: Int
    private let columns, rowStep, columnStep, head, gap: Int

    init(_ count: Int, rows: Int, columns: Int, head: Int, gap: Int, width: Int) {
        self.columns = min(count, max(1, (width - gap) / (columns + gap)))
        (rowStep, columnStep, self.head, self.gap) = (rows + head + gap, columns + gap, head, gap)
        self.width = self.columns * columnStep + gap
        height = (count + self.columns - 1) / self.columns * rowStep + gap
    }

    /// The upper left corner of a tile.
    func corner(_ number: Int) -> (y: Int, x: Int) {
        (gap + head + number / columns * rowStep, gap + number % columns * columnStep)
    }
}
