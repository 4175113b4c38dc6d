import Soma

/// A picture of tiles in rows: filters, and below them maps.
struct FeatureSheet {
    private struct Tile {
        let rows, columns: Int
        /// [rows · columns · 3] from 0 to 255.
        let pixels: [UInt8]
    }

    private var bands: [[Tile]] = []
    /// Tiles of a few pixels are enlarged to about this side.
    private static let side = 56
    private static let gap = 4
    private static let width = 960
    /// Tiles of more pixels a side are reduced, and those of a band that would be higher than this, further.
    private static let largestSide = 240
    private static let largestHeight = 8000

    /// A tile for each filter [K, C, rows, columns]: colours where C is 3, else the mean over the channels in grey.
    mutating func addFilters(_ filters: Tensor) throws {
        guard filters.rank == 4 else { throw SomaError("filters of \(filters.shape) are no pictures") }
        let (count, channels, rows, columns) = (filters.shape[0], filters.shape[1], filters.shape[2], filters.shape[3])
        let values = try filters.scalars(as: Float.self)
        let size = rows * columns
        add((0..<count).map { number in
            let planes = (0..<channels).map { Array(values[(number * channels + $0) * size..<(number * channels + $0 + 1) * size]) }
            let mean = (0..<size).map { place in planes.reduce(0) { $0 + $1[place] } / Float(channels) }
            return Plane(rows: rows, columns: columns, channels: channels == 3 ? planes : [mean])
        })
    }

    /// A tile for each map of the first picture of [N, K, rows, columns].
    mutating func addMaps(_ maps: Tensor) throws {
        guard maps.rank == 4 else { throw SomaError("maps of \(maps.shape) are no pictures") }
        let (rows, columns) = (maps.shape[2], maps.shape[3])
        let values = try maps.scalars(as: Float.self)
        add((0..<maps.shape[1]).map { number in
            Plane(rows: rows, columns: columns, channels: [Array(values[number * rows * columns..<(number + 1) * rows * columns])])
        })
    }

    private mutating func add(_ planes: [Plane]) {
        guard let first = planes.first else { return }
        let side = max(first.rows, first.columns)
        var zoom = max(1, (Self.side + side - 1) / side), factor = max(1, (side + Self.largestSide - 1) / Self.largestSide)
        func isTooHigh() -> Bool {
            let (rows, columns) = ((first.rows + factor - 1) / factor * zoom, (first.columns + factor - 1) / factor * zoom)
            return Grid(planes.count, rows: rows, columns: columns, gap: Self.gap, width: Self.width).height > Self.largestHeight
        }
        while isTooHigh() && (zoom > 1 || factor < side) { if zoom > 1 { zoom -= 1 } else { factor += 1 } }
        bands.append(planes.map { Self.tile($0.reduced(by: factor), zoom) })
    }

    /// The least value black, the greatest white; what is no number is middle grey, and so is a plane of one value. A value
    /// takes `zoom` × `zoom` pixels.
    private static func tile(_ plane: Plane, _ zoom: Int) -> Tile {
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

    /// All tiles on white, with a wider gap between filters and maps.
    /// - Throws: `SomaError` where there are so many that no picture holds them.
    func picture() throws -> Picture {
        let grids = bands.map { Grid($0.count, rows: $0[0].rows, columns: $0[0].columns, gap: Self.gap, width: Self.width) }
        let width = grids.map(\.width).max() ?? 1
        let height = grids.reduce(0) { $0 + $1.height } + 4 * Self.gap * (grids.count - 1)
        guard width <= Picture.sideLimit, height <= Picture.sideLimit else {
            throw SomaError("\(bands.map(\.count).max() ?? 0) filters or maps are too many for one picture")
        }
        var pixels = [UInt8](repeating: 255, count: width * height * 3)
        var top = 0
        for (band, grid) in zip(bands, grids) {
            for (number, tile) in band.enumerated() {
                let (y, x) = grid.corner(number)
                for row in 0..<tile.rows {
                    let target = ((top + y + row) * width + x) * 3
                    let source = row * tile.columns * 3
                    pixels.replaceSubrange(target..<target + tile.columns * 3, with: tile.pixels[source..<source + tile.columns * 3])
                }
            }
            top += grid.height + 4 * Self.gap
        }
        return Picture(width: width, height: height, channels: 3, pixels: pixels)
    }

    /// A filter or map.
    private struct Plane {
        let rows, columns: Int
        /// One for grey or three for colour, [rows · columns] each.
        let channels: [[Float]]

        /// The means over squares of `factor` × `factor`, of which those at the right and lower edge may be cut.
        func reduced(by factor: Int) -> Plane {
            if factor == 1 { return self }
            let (height, width) = ((rows + factor - 1) / factor, (columns + factor - 1) / factor)
            let means = channels.map { values in
                (0..<height * width).map { place -> Float in
                    let (top, left) = (place / width * factor, place % width * factor)
                    let (bottom, right) = (min(top + factor, rows), min(left + factor, columns))
                    var sum: Float = 0
                    for row in top..<bottom { for column in left..<right { sum += values[row * columns + column] } }
                    return sum / Float((bottom - top) * (right - left))
                }
            }
            return Plane(rows: height, columns: width, channels: means)
        }
    }

    /// Where tiles of one size lie.
    private struct Grid {
        let columns, tileRows, tileColumns, gap, width, height: Int

        init(_ count: Int, rows: Int, columns: Int, gap: Int, width: Int) {
            self.columns = min(count, max(1, (width - gap) / (columns + gap)))
            (tileRows, tileColumns, self.gap) = (rows, columns, gap)
            self.width = self.columns * (columns + gap) + gap
            height = (count + self.columns - 1) / self.columns * (rows + gap) + gap
        }

        func corner(_ number: Int) -> (y: Int, x: Int) {
            (gap + number / columns * (tileRows + gap), gap + number % columns * (tileColumns + gap))
        }
    }
}
