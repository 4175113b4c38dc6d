/// An operation that is composed of other primitives and that a device may have a step of its own for.
///
/// A node of it carries the composition of each of its results as the first inputs, of the same values; the operands follow. A device without such
/// a step runs the compositions, and so does whoever wants to know what the operation means.
public enum LibraryOperation: Hashable, Sendable {
    /// One of the three products that a convolution and its gradients are. Operands: see `ConvolutionPass`.
    case convolution(ConvolutionPass, Windows, groups: Int)
    /// The windows of x [N, C, spatial…] combined. Operand: x.
    case pooling(PoolingFunction, Windows)
    /// What each element of x gets of the gradient g of the pooled. Operands: x (of `max` alone), g.
    case poolingGradient(PoolingFunction, Windows)
    /// Scaled dot-product attention. Operands: query [B, H, T, d], key [B, G, S, d], value [B, G, S, e], and as the attention says, the keys' lengths
    /// (int32, [B]) and the bias [B, H, T, S]. Results: the output [B, H, T, e], and of each row of scores the greatest and the
    /// logarithm of the sum of their exponentials relative to it [B, H, T, 2], 0 and ∞ where no key is seen. In one number, their sum, the second would
    /// drown in a great first.
    case attention(Attention)
    /// What query, key and value get of the gradient g of the output. Operands: query, key, value, the logarithms l [B, H, T, 2], d [B, H, T], which
    /// is Σ g · output less the gradient of the logarithms' sum, and g [B, H, T, e]; then lengths and bias. Results: three, of the shapes of query, key and value.
    case attentionGradient(Attention)
    /// Steps of a recurrent layer. Operands: gx [T, N, G · H], U [G · H, H], the states before the first step [N, H], and as it says the bias [G · H] and
    /// lengths (int32, [N], 1 ... T). Results: y [T, N, H], the states after the last step, and of cells that keep their gates these [T, N, G · H] after
    /// their functions, and what lies within a step [T, N, H].
    case recurrence(Recurrence)
    /// What gx and the first states get. Operands: gx and U, the first states, the bias, y, gates and what lies within a step, the gradients of y and of
    /// the last states; then lengths. Results: of the shapes of gx and of the states.
    case recurrenceGradient(Recurrence)

    /// A word for listings.
    public var name: String {
        switch self {
        case .convolution(.forward, _, _): "convolution"
        case .convolution(.inputGradient, _, _): "convolution's input gradient"
        case .convolution(.filterGradient, _, _): "convolution's filter gradient"
        case .pooling(let function, _): "\(function) pooling"
        case .poolingGradient(let function, _): "\(function) pooling's gradient"
        case .attention: "attention"
        case .attentionGradient: "attention's gradient"
        case .recurrence(let recurrence): "\(recurrence.cell) recurrence"
        case .recurrenceGradient(let recurrence): "\(recurrence.cell) recurrence's gradient"
        }
    }

    /// How many results it has; with more than one, they are told apart by `NodeResult.value`.
    public var resultCount: Int {
        switch self {
        case .convolution, .pooling, .poolingGradient: 1
        case .attention: 2
        case .attentionGradient: 3
        case .recurrence(let recurrence): recurrence.resultCount
        case .recurrenceGradient(let recurrence): 1 + recurrence.cell.stateCount
        }
    }

    /// Whether the table of gradients has a rule for it; otherwise its composition is differentiated.
    public var hasGradientRule: Bool {
        switch self {
        case .convolution, .pooling, .poolingGradient(.sum, _), .attention, .recurrence: true
        case .poolingGradient(.max, _), .attentionGradient, .recurrenceGradient: false
        }
    }

    /// Everything that tells it from others, as numbers.
    public var words: [Int] {
        switch self {
        case .convolution(let pass, let windows, let groups): [0, Int(pass.rawValue), groups] + windows.words
        case .pooling(let function, let windows): [1, Int(function.rawValue)] + windows.words
        case .poolingGradient(let function, let windows): [2, Int(function.rawValue)] + windows.words
        case .attention(let attention): [3] + attention.words
        case .attentionGradient(let attention): [4] + attention.words
        case .recurrence(let recurrence): [5] + recurrence.words
        case .recurrenceGradient(let recurrence): [6] + recurrence.words
        }
    }
}

/// One of the three products of a convolution, with x [N, C, spatial…], the filter w [K, C / groups, sizes…], and g of the shape of the result y [N,
/// K, outputs…].
public enum ConvolutionPass: UInt8, Hashable, Sendable {
    /// y from x and w: y[n, k, o] = Σ_c Σ_r x[n, c, o·stride + r·dilation − before] · w[k, c, r].
    case forward
    /// What x gets of g, from g and w: dx[n, c, o·stride + r·dilation − before] += g[n, k, o] · w[k, c, r].
    case inputGradient
    /// What w gets of g, from x and g: dw[k, c, r] = Σ_n Σ_o x[n, c, o·stride + r·dilation − before] · g[n, k, o].
    case filterGradient
}

/// How the elements of a window become one.
public enum PoolingFunction: UInt8, Hashable, Sendable {
    /// The greatest element; the first of equal ones takes the gradient. What is added outside of x never counts.
    case max
    /// The sum, in which what is added outside of x counts nothing.
    case sum
}

/// Windows that slide over the spatial axes; one number for each.
public struct Windows: Hashable, Sendable {
    /// In elements of an axis: how many a window takes, from one window to the next, and from one element of a window to the next. All at least 1.
    public var size, stride, dilation: [Int]
    /// Elements added on both sides of an axis.
    public var before, after: [Int]

    /// One number for each spatial axis in every argument. Does not check that the windows fit; what uses them does.
    public init(size: [Int], stride: [Int], dilation: [Int], before: [Int], after: [Int]) {
        (self.size, self.stride, self.dilation, self.before, self.after) = (size, stride, dilation, before, after)
    }

    var words: [Int] { [size.count] + size + stride + dilation + before + after }
}
