import SomaGraph

/// Which elements of a tensor are shown, and how they are laid out in lines.
struct TensorLayout {
    private let shape: Shape
    /// For each axis the positions that are shown; nil stands for those left out.
    private let positions: [[Int?]]

    /// A tensor of more elements is abbreviated.
    private static let fullCount = 1000
    private static let edge = 3
    private static let lineWidth = 80

    init(_ shape: Shape) {
        self.shape = shape
        let isFull = shape.count <= Self.fullCount
        positions = shape.dimensions.map { extent in
            if isFull || extent <= 2 * Self.edge { return Array(0..<extent) }
            return Array(0..<Self.edge) + [nil] + Array(extent - Self.edge..<extent)
        }
    }

    /// The elements that are shown, in stretches that lie side by side.
    var runs: [Range<Int>] {
        var runs: [Range<Int>] = []
        visit(0, 0) { place in
            if let last = runs.last, last.upperBound == place {
                runs[runs.count - 1] = last.lowerBound..<place + 1
            } else {
                runs.append(place..<place + 1)
            }
        }
        return runs
    }

    private func visit(_ axis: Int, _ place: Int, _ body: (Int) -> Void) {
        if axis == shape.rank { return body(place) }
        for position in positions[axis] {
            if let position { visit(axis + 1, place * shape[axis] + position, body) }
        }
    }

    /// The numbers that `runs` are, within brackets.
    /// - Parameter indent: columns before the first line.
    func text(_ numbers: [ExactNumber], _ dtype: DType, indent: Int) -> String {
        if shape.count == 0 { return "[]" }
        let texts = NumberFormat(numbers, dtype).texts
        var rest = texts[...]
        return text(axis: 0, indent, &rest, width: texts.map(\.count).max() ?? 0)
    }

    private func text(axis: Int, _ indent: Int, _ rest: inout ArraySlice<String>, width: Int) -> String {
        if axis == shape.rank { return padded(rest.popFirst() ?? "", shape.rank == 0 ? 0 : width) }
        let parts = positions[axis].map { position in
            position == nil ? "…" : text(axis: axis + 1, indent + 1, &rest, width: width)
        }
        let isInnermost = axis == shape.rank - 1
        return "[\(isInnermost ? row(parts, indent + 1) : parts.joined(separator: gap(below: axis, indent + 1)))]"
    }

    /// Between matrices is a line more than between rows, and so on.
    private func gap(below axis: Int, _ indent: Int) -> String {
        "," + String(repeating: "\n", count: shape.rank - 1 - axis) + String(repeating: " ", count: indent)
    }

    /// The elements of a row, in as many lines as they need.
    private func row(_ parts: [String], _ indent: Int) -> String {
        let width = (parts.map(\.count).max() ?? 0) + 2
        let size = max(1, (Self.lineWidth - indent) / width)
        let lines = stride(from: 0, to: parts.count, by: size).map { parts[$0..<min($0 + size, parts.count)].joined(separator: ", ") }
        return lines.joined(separator: ",\n" + String(repeating: " ", count: indent))
    }

    private func padded(_ text: String, _ width: Int) -> String { String(repeating: " ", count: max(0, width - text.count)) + text }
}
