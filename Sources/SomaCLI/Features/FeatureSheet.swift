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

    /// A tile for each filter [K, C, rows, columns]: colours where C is 3, else the mean over the channels in grey.
    mutating func addFilters(_ filters: Tensor) throws {
        guard filters.rank == 4 else { throw SomaError("filters of \(filters.shape) are no pictures") }
        let (count, channels, rows, columns) = (filters.shape[0], filters.shape[1], filters.shape[2], filters.shape[3])
        let values = try filters.scalars(as: Float.self)
        let size = rows * columns
        bands.append((0..<count).map { number in
            let planes = (0..<channels).map { Array(values[(number * channels + $0) * size..<(number * channels + $0 + 1) * size]) }
            let mean = (0..<size).map { place in planes.reduce(0) { $0 + $1[place] } / Float(channels) }
            return Self.tile(channels == 3 ? planes : [mean], rows, columns)
        })
    }

    /// A tile for each map of the first picture of [N, K, rows, columns].
    mutating func addMaps(_ maps: Tensor) throws {
        guard maps.rank == 4 else { throw SomaError("maps of \(maps.shape) are no pictures") }
        let (rows, columns) = (maps.shape[2], maps.shape[3])
        let values = try maps.scalars(as: Float.self)
        bands.append((0..<maps.shape[1]).map { number in
            Self.tile([Array(values[number * rows * columns..<(number + 1) * rows * columns])], rows, columns)
        })
    }

    /// The least value black, the greatest white; what is no number is middle grey, and so is a plane of one value.
    private static func tile(_ planes: [[Float]], _ rows: Int, _ columns: Int) -> Tile {
        let finite = planes.joined().filter(\.isFinite)
        let (low, high) = (finite.min() ?? 0, finite.max() ?? 0)
        func byte(_ value: Float) -> UInt8 {
            guard value.isFinite, high > low else { return 128 }
            return UInt8(((value - low) / (high - low) * 255).rounded())
        }
        let zoom = max(1, (side + max(rows, columns) - 1) / max(rows, columns))
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
    var picture: Picture {
        let grids = bands.map { Grid($0.count, rows: $0[0].rows, columns: $0[0].columns, gap: Self.gap, width: Self.width) }
        let width = grids.map(\.width).max() ?? 1
        let height = grids.reduce(0) { $0 + $1.height } + 4 * Self.gap * (grids.count - 1)
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
