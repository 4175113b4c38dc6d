/// Steps of a recurrent layer over sequences, in one direction.
///
/// A step adds U h to what the input gives to its gates, gx, and makes the next state of the sums:
///
///     tanh, relu   h ← φ(gx + U h)
///     lstm         i, f, o = σ and g = tanh of gx + U h;  c ← f ⊙ c + i ⊙ g;  h ← o ⊙ tanh c
///     gru          s = U h + b;  r, z = σ(gx + s);  n = tanh(gx + r ⊙ s);  h ← n + z ⊙ (h − n)
///
/// J. L. Elman, *Finding Structure in Time*, 1990; S. Hochreiter, J. Schmidhuber, *Long Short-Term Memory*, 1997, with the forget gate of F. A. Gers et
/// al., 2000; K. Cho et al., 2014, in the form of cuDNN and PyTorch.
public struct Recurrence: Hashable, Sendable {
    /// What a step makes of its sums.
    public enum Cell: UInt8, Hashable, Sendable {
        /// An Elman network with tanh, or with the rectifier.
        case tanh, relu
        /// Long short-term memory; gates i, f, g, o.
        case lstm
        /// A gated recurrent unit; gates r, z, n.
        case gru

        /// How many gates there are: G.
        public var gates: Int {
            switch self {
            case .tanh, .relu: 1
            case .lstm: 4
            case .gru: 3
            }
        }

        /// Whether the gradient needs the gates, and what lies within a step: c of an LSTM, s of n of a GRU.
        public var keepsGates: Bool { gates > 1 }
        /// h, and of an LSTM c.
        public var stateCount: Int { self == .lstm ? 2 : 1 }
    }

    /// What a step makes of its sums.
    public var cell: Cell
    /// Whether the last elements of sequences come first.
    public var isReversed: Bool
    /// Whether b is added to U h; of a GRU alone.
    public var hasBias: Bool
    /// Whether each sequence has its own number of steps: at the others its state stays and y is 0.
    public var hasLengths: Bool

    /// Nothing is checked.
    public init(_ cell: Cell, isReversed: Bool = false, hasBias: Bool = false, hasLengths: Bool = false) {
        (self.cell, self.isReversed, self.hasBias, self.hasLengths) = (cell, isReversed, hasBias, hasLengths)
    }

    /// Everything that tells it from others, as numbers.
    var words: [Int] { [Int(cell.rawValue), isReversed ? 1 : 0, hasBias ? 1 : 0, hasLengths ? 1 : 0] }
    /// y, the last states, and what the gradient needs.
    var resultCount: Int { 1 + cell.stateCount + (cell.keepsGates ? 2 : 0) }
}
