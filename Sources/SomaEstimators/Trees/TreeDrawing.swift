import Soma
import SomaGraph

/// A tree as a picture, from the root at the top: the question of each node, its rows, and what its leaves say.
public struct TreeDrawing: Sendable {
    /// Written above the tree.
    public var title: String
    /// Names of columns; others are called by their number.
    public var columnNames: [String]
    /// Names of classes; others are called by their number.
    public var classNames: [String]
    /// Nodes below this depth are left out, which their parent says.
    public var maxDepth: Int
    /// What "column ≤ threshold" asks, where that is told in other words or units than the tree has; nil: the name of the column and the threshold.
    public var question: (@Sendable (_ column: Int, _ threshold: Float) -> String)?
    /// Brings a number that a leaf says to the unit in which it is written; nil: as the tree has it.
    public var number: (@Sendable (Float) -> Float)?

    /// A picture of the nodes down to `maxDepth`, with the names given.
    public init(title: String = "Decision tree", columnNames: [String] = [], classNames: [String] = [], maxDepth: Int = 6) {
        (self.title, self.columnNames, self.classNames, self.maxDepth) = (title, columnNames, classNames, maxDepth)
    }

    private static let boxHeight = 58.0, levelHeight = 104.0, gap = 14.0, margin = 24.0

    /// Tree `tree` of a model of classes as the text of an SVG file. Traps where there is no such tree.
    public func svg(_ model: TreeClassifierModel, tree: Int = 0) -> String { picture(model.trees, tree) }

    /// Tree `tree` of a model of numbers as the text of an SVG file. Traps where there is no such tree.
    public func svg(_ model: TreeRegressorModel, tree: Int = 0) -> String { picture(model.trees, tree) }

    /// A node that is drawn, with its place among all.
    private struct Box {
        let node: Int
        let depth: Int
        let lines: [String]
        let colour: String
        var x = 0.0
        var children: [Int] = []
        /// Its box, by the longest line: 7 units a character.
        var width: Double { 24 + 7 * Double(lines.map(\.count).max() ?? 0) }
    }

    private func picture(_ trees: TreeEnsemble, _ tree: Int) -> String {
        guard 0..<trees.treeCount ~= tree else { programError("TreeDrawing", "there is no tree \(tree) among \(trees.treeCount)") }
        let range = trees.nodes(of: tree)
        var boxes: [Box] = []
        var right = Self.margin
        arrange(trees, range, 0, depth: 0, &boxes, &right)
        var frame = ChartFrame()
        frame.width = max(right + Self.margin - Self.gap, 360)
        frame.height = 56 + Self.levelHeight * Double(boxes.map(\.depth).max() ?? 0) + Self.boxHeight + Self.margin
        frame.left = Self.margin
        let lines = boxes.flatMap { box in box.children.enumerated().flatMap { edge(frame, from: box, to: boxes[$1], isLeft: $0 == 0) } }
        return frame.picture(title: title, lines + boxes.flatMap { drawn($0, frame) })
    }

    /// Appends a node and what is below it; leaves stand beside one another, parents in the middle of their children.
    @discardableResult
    private func arrange(_ trees: TreeEnsemble, _ range: Range<Int>, _ node: Int, depth: Int, _ boxes: inout [Box], _ right: inout Double) -> Int {
        let at = range.lowerBound + node
        let isSplit = trees.feature[at] >= 0
        let isCut = isSplit && depth >= maxDepth
        let place = boxes.count
        boxes.append(Box(node: node, depth: depth, lines: lines(trees, at, isCut: isCut), colour: colour(trees, at)))
        if isSplit, !isCut {
            let begin = right
            let left = arrange(trees, range, node + 1, depth: depth + 1, &boxes, &right)
            let other = arrange(trees, range, Int(trees.right[at]), depth: depth + 1, &boxes, &right)
            boxes[place].children = [left, other]
            boxes[place].x = (boxes[left].x + boxes[other].x) / 2
            // A question that is longer than the leaves below it are wide.
            boxes[place].x = max(boxes[place].x, begin + boxes[place].width / 2)
            right = max(right, boxes[place].x + boxes[place].width / 2 + Self.gap)
        } else {
            boxes[place].x = right + boxes[place].width / 2
            right += boxes[place].width + Self.gap
        }
        return place
    }

    private func lines(_ trees: TreeEnsemble, _ at: Int, isCut: Bool) -> [String] {
        let values = Array(trees.values[at * trees.outputs..<(at + 1) * trees.outputs])
        let says: String
        if trees.outputs == 1 {
            says = Self.number(number?(values[0]) ?? values[0])
        } else {
            let best = greatestIndex(values.count) { values[$0] }
            says = "\(name(best, classNames, "class")) \(Self.number(values[best] * 100)) %"
        }
        let rows = "\(trees.samples[at]) rows"
        guard trees.feature[at] >= 0 else { return [says, rows] }
        let (column, threshold) = (Int(trees.feature[at]), trees.threshold[at])
        let asked = question?(column, threshold) ?? "\(name(column, columnNames, "column")) ≤ \(Self.number(threshold))"
        return [asked + (isCut ? " …" : ""), says, rows]
    }

    private func name(_ index: Int, _ names: [String], _ kind: String) -> String { names.indices.contains(index) ? names[index] : "\(kind) \(index)" }

    /// The class that is most frequent, paler the less frequent it is; numbers are all the same.
    private func colour(_ trees: TreeEnsemble, _ at: Int) -> String {
        guard trees.outputs > 1 else { return "#e8f1f8" }
        let values = trees.values[at * trees.outputs..<(at + 1) * trees.outputs]
        let best = greatestIndex(trees.outputs) { values[values.startIndex + $0] }
        let strength = 0.15 + 0.35 * Double(values[values.startIndex + best])
        let hue = ChartFrame.colours[best % ChartFrame.colours.count].dropFirst()
        let channels = stride(from: 0, to: 6, by: 2).map { start -> String in
            let digits = hue.dropFirst(start).prefix(2)
            let mixed = 255 - (255 - Double(Int(digits, radix: 16) ?? 255)) * strength
            let text = String(Int(mixed.rounded()), radix: 16)
            return text.count == 1 ? "0" + text : text
        }
        return "#" + channels.joined()
    }

    private func top(_ box: Box) -> Double { 56 + Self.levelHeight * Double(box.depth) }

    private func edge(_ frame: ChartFrame, from parent: Box, to child: Box, isLeft: Bool) -> [SVGElement] {
        let (start, end) = (top(parent) + Self.boxHeight, top(child))
        let line = frame.line(parent.x, start, child.x, end, ChartFrame.faint)
        let label = frame.text(
            isLeft ? "yes" : "no", x: (parent.x + child.x) / 2 + (isLeft ? -6 : 6), y: (start + end) / 2 - 4, anchor: isLeft ? "end" : "start")
        return [line, label]
    }

    private func drawn(_ box: Box, _ frame: ChartFrame) -> [SVGElement] {
        let n = SVGElement.number
        let rectangle = SVGElement(
            "rect",
            [
                "x": n(box.x - box.width / 2), "y": n(top(box)), "width": n(box.width), "height": n(Self.boxHeight), "rx": "6", "fill": box.colour,
                "stroke": ChartFrame.faint,
            ])
        let first = top(box) + Self.boxHeight / 2 + 4 - 8.5 * Double(box.lines.count - 1)
        let texts = box.lines.enumerated().map { index, line in
            frame.text(line, x: box.x, y: first + 17 * Double(index), colour: ChartFrame.ink, weight: index == 0 ? "600" : "400")
        }
        return [rectangle] + texts
    }

    /// Four digits that matter, as people write them.
    private static func number(_ value: Float) -> String {
        guard value != 0, value.isFinite, abs(value) < 1e9, abs(value) >= 1e-4 else { return value == 0 ? "0" : "\(value)" }
        var unit = 1.0
        while Double(abs(value)) * unit < 1000, unit < 1e8 { unit *= 10 }
        let scaled = Int((Double(abs(value)) * unit).rounded())
        let (whole, fraction) = (scaled / Int(unit), scaled % Int(unit))
        var digits = fraction == 0 ? "" : String(String(fraction + Int(unit)).dropFirst())
        while digits.hasSuffix("0") { digits.removeLast() }
        return (value < 0 ? "−" : "") + String(whole) + (digits.isEmpty ? "" : "." + digits)
    }
}
