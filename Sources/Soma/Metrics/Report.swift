import SomaGraph

/// What measuring a model has found: figures by name and, where these are not enough, tables and pictures.
public struct Report: Hashable, Sendable {
    /// In the order in which they are told; names are different.
    public var figures: [Figure]
    /// What people read beside the figures.
    public var tables: [Table] = []
    /// What a reader looks at, such as the heat map of a confusion matrix.
    public var pictures: [ReportPicture] = []
    /// What programs read beside the figures.
    package var members: [JSON.Member] = []

    /// A report of figures, to which tables and pictures can be added.
    public init(_ figures: [Figure] = []) { self.figures = figures }

    /// The value of the figure called `name`.
    public subscript(name: String) -> Double? { figures.first { $0.name.isExactly(name) }?.value }

    /// The parts of several reports behind one another. A figure that an earlier one has is not repeated.
    init(joining reports: [Report]) {
        self.init()
        for report in reports {
            figures += report.figures.filter { self[$0.name] == nil }
            tables += report.tables
            pictures += report.pictures
            members += report.members
        }
    }
}

/// A number that tells how well a model does, and how it is to be read.
public struct Figure: Hashable, Sendable {
    /// Which values of a figure are better.
    public enum Direction: Hashable, Sendable {
        /// Greater ones, as of an accuracy.
        case higher
        /// Smaller ones, as of a loss.
        case lower
    }

    /// The name that files and programs use: `top5_accuracy`. Letters of ASCII, digits, spaces and _ - . @ : % can be in the name of what is
    /// measured.
    public let name: String
    /// The number, in the unit that the name or title tells.
    public var value: Double
    /// Which values are better; nil where neither are.
    public let better: Direction?
    /// The name for people: `top-5`.
    public let title: String
    /// The possible values, such as 0...1 for a share; nil for any.
    public let limits: ClosedRange<Double>?
    /// Whether values are counts, which people read without digits after the point.
    public let isCount: Bool
    /// What stands beside it where there is room: "350 of 360".
    public let remark: String?

    /// A figure called `name`, by its own name unless there is a better one for people.
    public init(
        _ name: String, _ value: Double, better: Direction?, title: String? = nil, limits: ClosedRange<Double>? = nil, isCount: Bool = false,
        remark: String? = nil
    ) {
        (self.name, self.value, self.better) = (name, value, better)
        (self.title, self.limits, self.isCount, self.remark) = (title ?? name, limits, isCount, remark)
    }

    /// The value as people read it.
    package var text: String {
        guard isCount, let count = Int(exactly: value) else { return Quantity.measure(value) }
        return Quantity.grouped(count)
    }
}

extension Figure: CustomStringConvertible {
    /// `top-5 0.9722`
    public var description: String { "\(title) \(Quantity.measure(value))" }
}

extension Report: CustomStringConvertible {
    /// The figures: `loss 0.0931, accuracy 0.9722`.
    public var description: String { figures.map(\.description).joined(separator: ", ") }

    /// The value of the figure called `name`, which must be there: another name ends the program with the names that there are.
    public func value(of name: String, file: StaticString = #fileID, line: UInt = #line) -> Double {
        guard let value = self[name] else { programError("report", "there is no figure '\(name)' among \(figures.map(\.name))", file: file, line: line) }
        return value
    }
}

/// A picture of a report.
public struct ReportPicture: Hashable, Sendable {
    /// What it shows, in a word, as the name of a file: `confusion`.
    public let name: String
    /// The text of an SVG file.
    public let svg: String

    /// The picture `name`, an SVG.
    public init(_ name: String, svg: String) { (self.name, self.svg) = (name, svg) }
}

/// Rows of text under headings.
public struct Table: Hashable, Sendable {
    /// Written above the rows.
    public let title: String
    /// The heading of each column.
    public let columns: [String]
    /// As many cells in each row as there are columns.
    public let rows: [[String]]
    /// How many columns on the left are words, which begin at the same place; the others are numbers, which end there.
    public var wordColumnCount = 0

    /// Rows of as many cells as there are columns.
    public init(_ title: String, columns: [String], rows: [[String]]) {
        (self.title, self.columns, self.rows) = (title, columns, rows)
    }
}
