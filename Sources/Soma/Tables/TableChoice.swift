/// Which column of a table a model is to predict, from which others, and how columns are read where that is not as usual.
public struct TableChoice: Hashable, Sendable {
    /// Whether the target is one of some classes, or a number.
    public enum TargetKind: String, Hashable, Sendable, CaseIterable {
        /// One of some classes, each a different word or number.
        case classes
        /// A number.
        case number
    }

    /// The column that a model is to predict.
    public var target: String
    /// Nil: told from the column. Words are classes, and so are two numbers, or up to 20 whole ones that occur five times each on average.
    public var targetKind: TargetKind?
    /// The columns to predict it from, and no others; nil: all that are of use.
    public var features: [String]?
    /// Columns to leave out.
    public var leftOut: [String]
    /// Columns of numbers that are names of something, such as a postal code.
    public var categories: [String]
    /// Which cells are missing values.
    public var missing: MissingValues

    /// Does not check that the columns are there; `TableSchema` does.
    /// - Parameters:
    ///   - target: the column to predict.
    ///   - kind: nil: decided by the column's values; see `targetKind`.
    ///   - features: the columns to predict it from; nil: all that are of use.
    public init(
        target: String, kind: TargetKind? = nil, features: [String]? = nil, leavingOut leftOut: [String] = [], categories: [String] = [],
        missing: MissingValues = .usual
    ) {
        (self.target, targetKind, self.features, self.leftOut) = (target, kind, features, leftOut)
        (self.categories, self.missing) = (categories, missing)
    }
}
