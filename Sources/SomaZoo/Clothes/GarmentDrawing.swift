import Glibc
import Soma
import Synchronization

/// One garment as it is drawn: cut, cloth, and how it lies.
struct GarmentDrawing {
    let garment: Garment
    private let parts: [GarmentPart]
    private let cloth: Cloth
    private let ground: Double
    private let (scale, right, down): (Double, Double, Double)
    /// Of the angle by which it is turned.
    private let (cosine, sine): (Double, Double)

    /// What the sample `index` of a seed is: the same whoever asks, in whatever order.
    init(seed: UInt64, index: Int) {
        var cut = Cut(numbers: Philox(seed: seed, stream: UInt64(index)))
        garment = Garment.of(index)
        parts = garment.parts(&cut)
        cloth = Cloth(&cut)
        ground = cut(0.93, 1)
        let turn = cut(-0.08, 0.08)
        (scale, right, down) = (cut(0.92, 1.06), cut(-0.03, 0.03), cut(-0.03, 0.03))
        (cosine, sine) = (cos(turn), sin(turn))
    }

    /// The picture as [3, side, side] from 0 to 255; each pixel is the mean of four points.
    func pixels(side: Int) -> [UInt8] {
        let plane = side * side
        var values = [UInt8](repeating: 0, count: 3 * plane)
        for place in 0..<plane {
            let (row, column) = (place / side, place % side)
            var sum = (0.0, 0.0, 0.0)
            for point in 0..<4 {
                let (x, y) = (0.25 + 0.5 * Double(point & 1), 0.25 + 0.5 * Double(point >> 1))
                let colour = colour(at: (Double(column) + x) / Double(side), (Double(row) + y) / Double(side))
                sum = (sum.0 + colour.0, sum.1 + colour.1, sum.2 + colour.2)
            }
            values[place] = Self.byte(sum.0 / 4)
            values[plane + place] = Self.byte(sum.1 / 4)
            values[2 * plane + place] = Self.byte(sum.2 / 4)
        }
        return values
    }

    private static func byte(_ value: Double) -> UInt8 { UInt8((max(0, min(1, value)) * 255).rounded()) }

    private func colour(at x: Double, _ y: Double) -> (Double, Double, Double) {
        let (dx, dy) = ((x - 0.5 - right) / scale, (y - 0.5 - down) / scale)
        let (u, v) = (0.5 + dx * cosine - dy * sine, 0.5 + dx * sine + dy * cosine)
        // The last part that is there lies on top.
        var number = parts.count - 1
        while number >= 0 && !parts[number].contains(u, v) { number -= 1 }
        if number < 0 { return (ground, ground, ground) }
        // Cloth is darker towards the sides.
        return cloth.colour(parts[number].tone, u, v, light: 1 - 0.5 * (u - 0.5) * (u - 0.5))
    }
}

/// What a garment is made of: two colours and a pattern.
private struct Cloth {
    private enum Pattern: CaseIterable { case plain, alsoPlain, rows, columns, checks, dots }

    private let base: (Double, Double, Double)
    private let second: (Double, Double, Double)
    private let pattern: Pattern
    private let (count, share): (Double, Double)

    init(_ cut: inout Cut) {
        let (hue, strength, value) = (cut(0, 1), cut(0.1, 0.95), cut(0.25, 0.95))
        base = Self.colour(hue, strength, value)
        second = Self.colour(hue + cut(-0.25, 0.25), cut(0, 0.9), value > 0.6 ? value - cut(0.25, 0.5) : value + cut(0.25, 0.4))
        pattern = Pattern.allCases[Int(cut(0, Double(Pattern.allCases.count) - 0.001))]
        (count, share) = (cut(5, 10).rounded(), cut(0.3, 0.5))
    }

    func colour(_ tone: GarmentPart.Tone, _ x: Double, _ y: Double, light: Double) -> (Double, Double, Double) {
        let colour: (Double, Double, Double)
        switch tone {
        case .cloth: colour = isSecond(x, y) ? second : base
        case .dark: colour = (base.0 * 0.62, base.1 * 0.62, base.2 * 0.62)
        case .light: colour = (0.5 + base.0 / 2, 0.5 + base.1 / 2, 0.5 + base.2 / 2)
        }
        return (colour.0 * light, colour.1 * light, colour.2 * light)
    }

    private func isSecond(_ x: Double, _ y: Double) -> Bool {
        func phase(_ value: Double) -> Double { value * count - (value * count).rounded(.down) }
        switch pattern {
        case .plain, .alsoPlain: return false
        case .rows: return phase(y) < share
        case .columns: return phase(x) < share
        case .checks: return (phase(x) < 0.5) != (phase(y) < 0.5)
        case .dots:
            let (dx, dy) = (phase(x) - 0.5, phase(y) - 0.5)
            return dx * dx + dy * dy < share * share * 0.5
        }
    }

    /// Red, green and blue of a hue (a turn of the circle of colours is 1), strength and value from 0 to 1.
    private static func colour(_ hue: Double, _ strength: Double, _ value: Double) -> (Double, Double, Double) {
        func channel(_ shift: Double) -> Double {
            let place = 6 * (hue + shift - (hue + shift).rounded(.down))
            return value * (1 - strength * max(0, min(1, min(place, 4 - place))))
        }
        // At 5/6, 3/6 and 1/6 of the circle the three rise and fall.
        return (channel(5.0 / 6), channel(0.5), channel(1.0 / 6))
    }
}

/// Garments drawn by a seed, in colour: `image` float32 [3, 64, 64] from 0 to 1, and `label`, by `Garment.names`.
struct GarmentDataSet: DataSet {
    let seed: UInt64
    /// The numbers of the garments.
    let range: Range<Int>
    let fields = [Field("image", .float32, [3, side, side]), Field("label", .int32, [])]
    let readingEffort = ReadingEffort.decoding
    static let side = 64
    private let drawn = DrawnGarments()

    init(seed: UInt64, range: Range<Int>) { (self.seed, self.range) = (seed, range) }

    var count: Int { range.count }

    func read(_ indices: [Int], into batch: BatchMemory) {
        let labels = batch.values(of: "label", as: Int32.self)
        for (row, index) in indices.enumerated() {
            let number = range.lowerBound + index
            labels[row] = Int32(Garment.of(number).rawValue)
            let pixels = drawn.pixels(number) { GarmentDrawing(seed: seed, index: number).pixels(side: Self.side) }
            let values = batch.row(row, of: "image", as: Float.self)
            for place in pixels.indices { values[place] = Float(pixels[place]) / 255 }
        }
    }
}

/// Garments that were drawn before: each epoch has the same ones.
private final class DrawnGarments: Sendable {
    /// Of 12 KB each.
    private static let most = 20_000
    private let kept = Mutex<[Int: [UInt8]]>([:])

    func pixels(_ number: Int, draw: () -> [UInt8]) -> [UInt8] {
        if let pixels = kept.withLock({ $0[number] }) { return pixels }
        let pixels = draw()
        kept.withLock { if $0.count < Self.most { $0[number] = pixels } }
        return pixels
    }
}
