/// A filter, a map or a picture.
struct FeaturePlane {
    let rows, columns: Int
    /// One for grey or three for colour, [rows · columns] each.
    let channels: [[Float]]

    /// The means over squares of `factor` × `factor`, of which those at the right and lower edge may be cut.
    func reduced(by factor: Int) -> FeaturePlane {
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
        return FeaturePlane(rows: height, columns: width, channels: means)
    }
}
