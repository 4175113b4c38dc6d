import SomaGraph

/// The name of an axis: a letter, or a place among the axes of an ellipsis, counted from the last one.
enum EinsumAxis: Hashable {
    case letter(Character)
    case further(Int)

    var text: String {
        switch self {
        case .letter(let letter): "'\(letter)'"
        case .further: "an axis of '...'"
        }
    }
}

/// The equation of `einsum`, read for operands of given shapes.
struct EinsumEquation {
    private(set) var inputs: [[EinsumAxis]] = []
    private(set) var output: [EinsumAxis] = []
    private(set) var extents: [EinsumAxis: Int] = [:]

    private let equation: String
    private let file: StaticString
    private let line: UInt

    init(_ equation: String, _ shapes: [Shape], _ file: StaticString, _ line: UInt) {
        (self.equation, self.file, self.line) = (equation, file, line)
        let sides = Self.sides(equation)
        guard sides.count <= 2 else { fail("more than one '->'") }
        let terms = sides[0].split(separator: ",", omittingEmptySubsequences: false).map { letters(in: $0) }
        guard terms.count == shapes.count else { fail("\(terms.count) terms for \(shapes.count) operands") }
        for (term, shape) in zip(terms, shapes) { read(term, shape) }
        output = sides.count == 2 ? namedOutput(letters(in: Substring(sides[1]))) : impliedOutput
    }

    private func fail(_ reason: String) -> Never { programError("einsum", "'\(equation)': \(reason)", file: file, line: line) }

    /// What stands on both sides of the arrow, without blanks.
    private static func sides(_ equation: String) -> [String] {
        var sides = [""]
        for character in equation where character != " " {
            if character == ">" && sides[sides.count - 1].last == "-" {
                sides[sides.count - 1].removeLast()
                sides.append("")
            } else {
                sides[sides.count - 1].append(character)
            }
        }
        return sides
    }

    /// The letters of a term; nil for an ellipsis.
    private func letters(in term: Substring) -> [Character?] {
        var (letters, rest): ([Character?], Substring) = ([], term)
        while let first = rest.first {
            if rest.hasPrefix("...") {
                guard !letters.contains(nil) else { fail("two ellipses in '\(term)'") }
                letters.append(nil)
                rest = rest.dropFirst(3)
            } else {
                guard first.isASCII, first.isLetter else { fail("'\(first)' is no letter") }
                letters.append(first)
                rest = rest.dropFirst()
            }
        }
        return letters
    }

    private mutating func read(_ term: [Character?], _ shape: Shape) {
        let further = shape.rank - term.count + 1
        guard term.contains(nil) ? further >= 0 : further == 1 else {
            fail("a term of \(term.filter { $0 != nil }.count) letters for an operand of shape \(shape)")
        }
        let axes = term.flatMap { letter -> [EinsumAxis] in
            letter.map { [.letter($0)] } ?? (0..<further).reversed().map { .further($0) }
        }
        for (place, axis) in axes.enumerated() {
            let extent = shape[place], known = extents[axis] ?? 1
            if let first = axes[..<place].firstIndex(of: axis), shape[first] != extent {
                fail("\(axis.text) has extents \(shape[first]) and \(extent) in an operand of shape \(shape)")
            }
            guard extent == known || extent == 1 || known == 1 else { fail("\(axis.text) has extents \(known) and \(extent)") }
            extents[axis] = known == 1 ? extent : known
        }
        inputs.append(axes)
    }

    private func namedOutput(_ letters: [Character?]) -> [EinsumAxis] {
        var axes: [EinsumAxis] = []
        for letter in letters {
            for axis in letter.map({ [.letter($0)] }) ?? widestEllipsis {
                guard extents[axis] != nil else { fail("the result has \(axis.text), which no operand has") }
                guard !axes.contains(axis) else { fail("the result has \(axis.text) twice") }
                axes.append(axis)
            }
        }
        return axes
    }

    private var impliedOutput: [EinsumAxis] {
        let letters = inputs.joined().compactMap { axis in
            if case .letter(let letter) = axis { letter } else { nil }
        }
        let once = Set(letters).filter { letter in letters.filter { $0 == letter }.count == 1 }
        return widestEllipsis + once.sorted().map { .letter($0) }
    }

    /// The axes that any ellipsis stands for.
    private var widestEllipsis: [EinsumAxis] {
        var axes: [EinsumAxis] = []
        while extents[.further(axes.count)] != nil { axes.insert(.further(axes.count), at: 0) }
        return axes
    }
}
