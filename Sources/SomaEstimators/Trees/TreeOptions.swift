/// How many columns are tried for each split.
public enum FeatureChoice: Hashable, Sendable {
    /// Every column.
    case all
    /// √ of the columns, rounded down.
    case squareRoot
    /// log₂ of the columns, rounded down.
    case logarithm
    /// A share of the columns from 0 to 1.
    case share(Double)
    /// So many columns.
    case count(Int)

    /// Of so many columns, 1 at least and all at most.
    func count(of columns: Int) -> Int {
        let wanted = switch self {
        case .all: columns
        case .squareRoot: Int(Double(columns).squareRoot())
        case .logarithm: Int.bitWidth - 1 - columns.leadingZeroBitCount
        case .share(let share): share >= 1 ? columns : share > 0 ? Int(share * Double(columns)) : 1
        case .count(let count): count
        }
        return min(max(wanted, 1), columns)
    }
}

/// When a tree stops growing. Rows are counted, whatever they weigh.
public struct TreeOptions: Hashable, Sendable {
    /// The most splits between the root and a leaf; nil: any number (`max_depth`).
    public var maxDepth: Int?
    /// The fewest rows that a node must have to be split (`min_samples_split`).
    public var minRowsToSplit = 2
    /// The fewest rows on either side of a split (`min_samples_leaf`).
    public var minRowsInLeaf = 1
    /// By how much a split must lower the impurity, times the node's share of the weight (`min_impurity_decrease`).
    public var minImpurityDecrease = 0.0
    /// The columns that are tried at a split, drawn anew for each (`max_features`). Constant ones count; where all drawn are constant others follow.
    public var features = FeatureChoice.all

    /// Trees that grow until their leaves are pure, unless stopped.
    public init(
        maxDepth: Int? = nil, minRowsToSplit: Int = 2, minRowsInLeaf: Int = 1, minImpurityDecrease: Double = 0, features: FeatureChoice = .all
    ) {
        (self.maxDepth, self.minRowsToSplit, self.minRowsInLeaf) = (maxDepth, minRowsToSplit, minRowsInLeaf)
        (self.minImpurityDecrease, self.features) = (minImpurityDecrease, features)
    }
}
