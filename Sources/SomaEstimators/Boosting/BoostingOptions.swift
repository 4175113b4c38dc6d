/// How a sum of trees is grown, tree by tree, each along the gradient of the loss that the others leave.
///
/// J. H. Friedman, *Greedy Function Approximation: A Gradient Boosting Machine*, Annals of Statistics 29(5), 2001; with columns cut into bins and
/// the leaf that gains most split first as in G. Ke et al., *LightGBM*, NeurIPS 2017. NaN is a missing number: each split learns which side it goes
/// to.
public struct BoostingOptions: Hashable, Sendable {
    /// The most rounds: one tree each, or one for each of more than two classes (`max_iter`).
    public var rounds = 100
    /// What leaves are multiplied by (`learning_rate`).
    public var learningRate = 0.1
    /// The most leaves of a tree, from 2 to 32,768 (`max_leaf_nodes`).
    public var maxLeaves = 31
    /// The most splits between the root and a leaf; nil: any number (`max_depth`).
    public var maxDepth: Int?
    /// The fewest rows on either side of a split (`min_samples_leaf`).
    public var minRowsInLeaf = 20
    /// Added to the sum of second derivatives of a leaf (`l2_regularization`).
    public var l2 = 0.0
    /// The most bins of a column, from 2 to 255, missing numbers apart (`max_bins`).
    public var maxBins = 255
    /// When to stop before all rounds are done; nil: never.
    public var earlyStopping: EarlyStopping?
    /// Decides which rows are held out.
    public var seed: UInt64 = 0

    /// A hundred rounds of trees of 31 leaves, unless changed.
    public init() {}

    /// Some rows are held out of the training; where their loss has not fallen for a while, rounds end and those after the best are dropped.
    public struct EarlyStopping: Hashable, Sendable {
        /// The share of rows that is held out (`validation_fraction`).
        public var share = 0.1
        /// Rounds without a lower loss after which to stop (`n_iter_no_change`).
        public var patience = 10
        /// By how much a loss must be lower to count (`tol`).
        public var tolerance = 1e-7

        /// Stops once `patience` rounds in a row have not lowered the loss of the rows held out by more than `tolerance`.
        public init(share: Double = 0.1, patience: Int = 10, tolerance: Double = 1e-7) {
            (self.share, self.patience, self.tolerance) = (share, patience, tolerance)
        }
    }
}
