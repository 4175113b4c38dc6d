import Glibc
import Soma

/// A kind of garment, and how one is cut: silhouettes of straight lines in a square from 0 to 1, whose middle is x = 0.5 and whose top is y = 0.
enum Garment: Int, CaseIterable, Sendable {
    case shirt, pullover, trousers, dress, skirt, coat, bag, shoe

    var title: String {
        switch self {
        case .shirt: "T-shirt"
        case .pullover: "pullover"
        case .trousers: "trousers"
        case .dress: "dress"
        case .skirt: "skirt"
        case .coat: "coat"
        case .bag: "bag"
        case .shoe: "shoe"
        }
    }

    static let names = allCases.map(\.title)

    /// What the garment with a number is: all kinds come round in turn.
    static func of(_ number: Int) -> Garment { allCases[number % allCases.count] }

    /// The parts of one, the lower ones first, cut by random numbers.
    func parts(_ cut: inout Cut) -> [GarmentPart] {
        switch self {
        case .shirt: Self.top(&cut, sleeve: cut(0.10, 0.19), bottom: cut(0.68, 0.88), isLong: false)
        case .pullover: Self.top(&cut, sleeve: cut(0.10, 0.16), bottom: cut(0.72, 0.86), isLong: true)
        case .trousers: Self.trousers(&cut)
        case .dress: Self.dress(&cut)
        case .skirt: Self.skirt(&cut)
        case .coat: Self.coat(&cut)
        case .bag: Self.bag(&cut)
        case .shoe: Self.shoe(&cut)
        }
    }

    // MARK: Cuts

    /// A shirt or, with long sleeves, cuffs and a hem, a pullover.
    private static func top(_ cut: inout Cut, sleeve: Double, bottom: Double, isLong: Bool) -> [GarmentPart] {
        let (top, shoulder, neck, depth) = (cut(0.12, 0.18), cut(0.20, 0.26), cut(0.07, 0.11), cut(0.03, 0.12))
        let (chest, hem) = (shoulder - cut(0.02, 0.05), shoulder - cut(-0.02, 0.05))
        let end = isLong ? cut(0.62, 0.74) : top + 0.08 + sleeve * 0.9
        let width = isLong ? 0.06 : 0.08
        var right = [(neck, top), (shoulder, top + 0.03)]
        right += [(shoulder + sleeve, end), (shoulder + sleeve - width, end + width * 0.5), (chest, top + 0.22), (hem, bottom)]
        let body = GarmentPart(mirroring: right, behind: [(0, top + depth)])
        guard isLong else { return [body] }
        let cuff = [(shoulder + sleeve, end), (shoulder + sleeve - width, end + width * 0.5), (shoulder + sleeve - width - 0.005, end - 0.03), (shoulder + sleeve - 0.012, end - 0.05)]
        return [
            body, GarmentPart(.dark, right: cuff), GarmentPart(.dark, left: cuff),
            GarmentPart(.dark, mirroring: [(hem, bottom - 0.04), (hem, bottom)]),
        ]
    }

    private static func trousers(_ cut: inout Cut) -> [GarmentPart] {
        let (waist, hip, top, bottom) = (cut(0.14, 0.19), cut(0.19, 0.24), cut(0.08, 0.14), cut(0.55, 0.93))
        let (outer, leg) = (cut(0.15, 0.30), cut(0.08, 0.13))
        let crotch = top + cut(0.26, 0.32)
        let body = GarmentPart(mirroring: [(waist, top), (hip, top + 0.18), (outer, bottom), (outer - leg, bottom)], behind: [(0, top)], ahead: [(0, crotch)])
        return [body, GarmentPart(.dark, mirroring: [(waist, top), (waist + 0.008, top + 0.035)]), GarmentPart(.dark, points: [(0.495, top), (0.505, top), (0.505, crotch), (0.495, crotch)])]
    }

    private static func dress(_ cut: inout Cut) -> [GarmentPart] {
        let (top, shoulder, neck, depth) = (cut(0.08, 0.13), cut(0.13, 0.19), cut(0.06, 0.10), cut(0.05, 0.14))
        let (waist, height, hem, bottom) = (cut(0.10, 0.15), cut(0.38, 0.46), cut(0.17, 0.36), cut(0.70, 0.94))
        let right = [(neck, top), (shoulder, top + 0.02), (waist + 0.03, top + 0.18), (waist, height), (hem, bottom)]
        let belt = GarmentPart(.dark, mirroring: [(waist + 0.004, height - 0.02), (waist + 0.01, height + 0.02)])
        return [GarmentPart(mirroring: right, behind: [(0, top + depth)])] + (cut(0, 1) < 0.6 ? [belt] : [])
    }

    private static func skirt(_ cut: inout Cut) -> [GarmentPart] {
        let (waist, top, hem, bottom) = (cut(0.12, 0.17), cut(0.18, 0.26), cut(0.19, 0.38), cut(0.55, 0.86))
        let body = GarmentPart(mirroring: [(waist, top), (hem, bottom)])
        let pleats = cut(0, 1) < 0.5 ? Int(cut(2, 5)) : 0
        let lines = (0..<pleats).map { number in
            let share = 2 * (Double(number) + 1) / Double(pleats + 1) - 1
            let (x, y) = (0.5 + share * waist, 0.5 + share * hem)
            return GarmentPart(.dark, points: [(x - 0.004, top + 0.05), (x + 0.004, top + 0.05), (y + 0.006, bottom), (y - 0.006, bottom)])
        }
        return [body] + lines + [GarmentPart(.dark, mirroring: [(waist, top), (waist + 0.01, top + 0.045)])]
    }

    private static func coat(_ cut: inout Cut) -> [GarmentPart] {
        let (top, shoulder, neck) = (cut(0.08, 0.12), cut(0.20, 0.25), cut(0.06, 0.09))
        let (sleeve, end, hem, bottom) = (cut(0.08, 0.13), cut(0.58, 0.68), cut(0.20, 0.28), cut(0.84, 0.94))
        let right = [
            (neck, top), (shoulder, top + 0.03), (shoulder + sleeve, end), (shoulder + sleeve - 0.07, end + 0.03), (shoulder - 0.04, top + 0.22), (hem, bottom),
        ]
        let lapel = [(neck, top), (neck + 0.05, top + 0.10), (0.006, top + 0.28), (0.0, top + 0.20)]
        let front = GarmentPart(.dark, points: [(0.494, top + 0.2), (0.506, top + 0.2), (0.506, bottom), (0.494, bottom)])
        let buttons = (0..<Int(cut(2, 5))).map { GarmentPart(.light, circle: (0.53, top + 0.34 + 0.11 * Double($0)), 0.013) }
        return [GarmentPart(mirroring: right, behind: [(0, top + 0.04)]), front, GarmentPart(.dark, right: lapel), GarmentPart(.dark, left: lapel)] + buttons
    }

    private static func bag(_ cut: inout Cut) -> [GarmentPart] {
        let (width, narrowing, top, bottom) = (cut(0.20, 0.34), cut(-0.04, 0.06), cut(0.40, 0.52), cut(0.76, 0.90))
        let (reach, height, strap) = (cut(0.09, 0.17), cut(0.14, 0.30), cut(0.015, 0.035))
        let arc = (0...12).map { Double($0) / 12 * .pi }
        let outer = arc.map { (0.5 - (reach + strap) * cos($0), top - (height + strap) * sin($0)) }
        let inner = arc.reversed().map { (0.5 - reach * cos($0), top - height * sin($0)) }
        let body = GarmentPart(mirroring: [(width - narrowing, top), (width, bottom)])
        let flap = GarmentPart(.dark, mirroring: [(width - narrowing, top), (width - narrowing - 0.03, top + cut(0.08, 0.18))])
        let clasp = GarmentPart(.light, circle: (0.5, top + 0.12), cut(0.015, 0.03))
        return [GarmentPart(.dark, points: outer + inner), body] + (cut(0, 1) < 0.6 ? [flap, clasp] : [])
    }

    private static func shoe(_ cut: inout Cut) -> [GarmentPart] {
        let (ankle, sole, floor) = (cut(0.14, 0.50), cut(0.02, 0.07), cut(0.74, 0.82))
        let (toe, heel) = (cut(0.80, 0.90), cut(0.12, 0.18))
        let body = GarmentPart(points: [
            (heel, floor), (heel + 0.01, ankle), (heel + 0.22, ankle - 0.01), (heel + 0.27, 0.53), (toe - 0.14, floor - 0.14), (toe, floor - 0.05), (toe, floor),
        ])
        let laces = (0..<3).map { number in
            let (x, y) = (heel + 0.27 + 0.06 * Double(number), 0.55 + 0.03 * Double(number))
            return GarmentPart(.light, points: [(x, y), (x + 0.012, y), (x + 0.035, y + 0.06), (x + 0.023, y + 0.06)])
        }
        let under = GarmentPart(.dark, points: [(heel - 0.01, floor), (toe + 0.015, floor), (toe + 0.015, floor + sole), (heel - 0.01, floor + sole)])
        return [body] + (cut(0, 1) < 0.7 ? laces : []) + [under]
    }
}

/// Random numbers for a cut.
struct Cut {
    var numbers: Philox

    mutating func callAsFunction(_ low: Double, _ high: Double) -> Double { Double.random(in: low...high, using: &numbers) }
}

/// A polygon of a garment.
struct GarmentPart {
    /// How its colour is made of the garment's.
    enum Tone { case cloth, dark, light }

    let tone: Tone
    private let points: [(x: Double, y: Double)]
    /// Where the outline begins and ends from left to right and from top to bottom.
    private let (columns, rows): (ClosedRange<Double>, ClosedRange<Double>)

    init(_ tone: Tone = .cloth, points: [(Double, Double)]) {
        (self.tone, self.points) = (tone, points.map { (x: $0.0, y: $0.1) })
        func range(_ values: [Double]) -> ClosedRange<Double> { (values.min() ?? 0)...(values.max() ?? 0) }
        (columns, rows) = (range(points.map(\.0)), range(points.map(\.1)))
    }

    /// Points right of the middle, by their distance from it, and the same left of it; `behind` comes before them in the middle, `ahead` after them.
    init(_ tone: Tone = .cloth, mirroring right: [(Double, Double)], behind: [(Double, Double)] = [], ahead: [(Double, Double)] = []) {
        let moved = behind + right + ahead + right.reversed().map { (-$0.0, $0.1) }
        self.init(tone, points: moved.map { (0.5 + $0.0, $0.1) })
    }

    init(_ tone: Tone, right points: [(Double, Double)]) { self.init(tone, points: points.map { (0.5 + $0.0, $0.1) }) }
    init(_ tone: Tone, left points: [(Double, Double)]) { self.init(tone, points: points.map { (0.5 - $0.0, $0.1) }) }

    init(_ tone: Tone, circle centre: (x: Double, y: Double), _ radius: Double) {
        self.init(tone, points: (0..<12).map { (centre.x + radius * cos(Double($0) * .pi / 6), centre.y + radius * sin(Double($0) * .pi / 6)) })
    }

    /// Whether a ray from the point to the right crosses the outline an odd number of times.
    func contains(_ x: Double, _ y: Double) -> Bool {
        guard columns.contains(x), rows.contains(y) else { return false }
        var (isInside, last) = (false, points[points.count - 1])
        for point in points {
            if (point.y > y) != (last.y > y), x < (last.x - point.x) * (y - point.y) / (last.y - point.y) + point.x { isInside.toggle() }
            last = point
        }
        return isInside
    }
}
