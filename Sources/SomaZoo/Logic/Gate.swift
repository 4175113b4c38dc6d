/// A logical function of two inputs.
public enum Gate: String, SettingChoice {
    /// 1 where both inputs are 1.
    case and
    /// 1 where an input is 1.
    case or
    /// 0 where both inputs are 1.
    case nand
    /// 0 where an input is 1.
    case nor
    /// 1 where the inputs differ; no line parts its ones from its zeros.
    case xor
    /// 1 where the inputs are equal; no line parts its ones from its zeros.
    case xnor

    /// The four pairs of inputs.
    static let inputs: [[Float]] = [[0, 0], [0, 1], [1, 0], [1, 1]]

    /// The output for each pair.
    var outputs: [Float] {
        switch self {
        case .and: [0, 0, 0, 1]
        case .or: [0, 1, 1, 1]
        case .nand: [1, 1, 1, 0]
        case .nor: [1, 0, 0, 0]
        case .xor: [0, 1, 1, 0]
        case .xnor: [1, 0, 0, 1]
        }
    }

    var title: String { rawValue.uppercased() }

    /// Two inputs with output 1 and two with output 0 that have the same sum, if there are any: then no line parts the ones from the zeros.
    ///
    /// For every affine function f such pairs have f(p) + f(q) = f(r) + f(s), but a line would make the left side at least 0 and the
    /// right side negative. Of the corners of a square only the two diagonals are such pairs, and nothing else keeps a line from parting them.
    var crossing: (ones: [[Float]], zeros: [[Float]])? {
        let (ones, zeros) = (pairs(withOutput: 1), pairs(withOutput: 0))
        for one in ones {
            for zero in zeros where Self.sum(one) == Self.sum(zero) { return (one, zero) }
        }
        return nil
    }

    private func pairs(withOutput output: Float) -> [[[Float]]] {
        let members = zip(Self.inputs, outputs).filter { $0.1 == output }.map(\.0)
        return members.indices.flatMap { i in members.indices.filter { $0 > i }.map { [members[i], members[$0]] } }
    }

    private static func sum(_ pair: [[Float]]) -> [Float] { zip(pair[0], pair[1]).map(+) }
}
