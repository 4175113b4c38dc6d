import Soma

/// A map of codes of pictures in the colours of their classes.
enum LatentMap {
    /// More points would lie above one another.
    private static let mostPoints = 2000

    /// Writes `map.svg`: two numbers of a code as they are, more along the first two principal axes of the codes, and a single one along one axis, with
    /// its class as height.
    /// - Parameters:
    ///   - digits: fields `image` and `label`, of which the first are shown.
    ///   - encode: [N, pixels] → [N, code].
    /// - Returns: the path.
    /// - Throws: `SomaError` where codes are not finite or the file cannot be written; `BackendError`.
    static func write(_ title: String, _ digits: any DataSet, to folder: String, encode: (Tensor) -> Tensor) throws -> String {
        let batch = try Minibatch(of: digits, 0..<min(digits.count, mostPoints))
        let codes = withInference { encode(batch["image"]) }
        let (values, size) = (try codes.scalars(as: Double.self), codes.shape[1])
        guard values.allSatisfy(\.isFinite) else { throw SomaError("codes of pictures are not finite: there is no map of them") }
        let rows = (0..<batch.count).map { Array(values[$0 * size..<($0 + 1) * size]) }
        let labels = try batch["label"].scalars(as: Int32.self).map { Int($0) }
        let path = "\(folder)/map.svg"
        try AtomicFile.write(try chart(title, rows, labels).svg, to: path, links: .replaced)
        return path
    }

    static func chart(_ title: String, _ codes: [[Double]], _ labels: [Int]) throws -> SVGScatter {
        let points: [SVGChart.Point]
        var names = ("first number of the code", "second number of the code")
        switch codes.first?.count ?? 0 {
        case 1:
            points = zip(codes, labels).map { SVGChart.Point($0[0], Double($1)) }
            names = ("the number of the code", "class")
        case 2: points = codes.map { SVGChart.Point($0[0], $0[1]) }
        default:
            let components = try PrincipalComponents(of: codes, count: 2)
            points = codes.map { components.coordinates(of: $0) }.map { SVGChart.Point($0[0], $0[1]) }
            let shares = components.variances.map { "\(Quantity.fixed(100 * $0 / max(components.totalVariance, .leastNormalMagnitude), 0)) %" }
            names = ("first principal axis of the codes, \(shares[0]) of their variance", "second, \(shares[1])")
        }
        var chart = SVGScatter(title: title, x: ChartAxis(names.0), y: ChartAxis(names.1))
        chart.groups = DigitClasses.names.enumerated().map { number, name in
            SVGScatter.Group(name, points: zip(points, labels).filter { $0.1 == number }.map(\.0))
        }
        return chart
    }
}
