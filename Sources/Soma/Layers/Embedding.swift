import SomaGraph

/// A vector for each of a number of things, such as the words of a vocabulary: y[…] = W[i[…]], with i [...] integers, W [count, size] and
/// y [..., size].
public struct Embedding: Layer {
    /// W: [count, size].
    public let weight: Parameter
    /// The index whose vector is not trained, if there is one.
    public let paddingIndex: Int?

    /// W is [count, size]. Traps where a number is not positive or the padding index is none of the vectors.
    /// - Parameters:
    ///   - count: of the vectors.
    ///   - size: of each.
    ///   - paddingIndex: an index that stands for nothing: its vector begins as 0, and its gradient is 0.
    ///   - weight: how W is drawn; by default normal with mean 0 and deviation 1, as PyTorch has it.
    public init(
        count: Int, size: Int, paddingIndex: Int? = nil, weight: Initializer = .normal(standardDeviation: 1), device: Device = .current,
        file: StaticString = #fileID, line: UInt = #line
    ) {
        guard count > 0, size > 0 else { programError("Embedding", "\(count) vectors of size \(size)", file: file, line: line) }
        if let paddingIndex, !(0..<count).contains(paddingIndex) {
            programError("Embedding", "a padding index of \(paddingIndex) for \(count) vectors", file: file, line: line)
        }
        let drawn = weight(shape: [count, size], fan: Fan(inputs: count, outputs: size), device: device)
        let rows = Tensor.range(count, device: device).expandingDims(at: 1)
        self.weight = Parameter(paddingIndex.map { drawn.replacing(with: 0, where: rows .== $0) } ?? drawn)
        self.paddingIndex = paddingIndex
    }

    /// The vectors at `indices` (integers): [...] → [..., size]. An index out of range gives NaN. The gradients of a vector are added in the order of
    /// the indices.
    public func callAsFunction(_ indices: Tensor) -> Tensor {
        named(by: weight) {
            guard let paddingIndex else { return tapped(weight.tensor.gathered(atIndices: indices)) }
            let indices = indices.asIndices("Embedding", #fileID, #line)
            // Beyond the range, where a scatter drops it.
            let trained = Tensor.select(indices .== paddingIndex, -1, indices)
            let rows = withCustomGradient(of: weight.tensor) {
                $0.gathered(atIndices: indices)
            } pullback: { gradient, weight, _ in
                Tensor.zeros(like: weight).scatteredAdd(gradient, atIndices: trained)
            }
            return tapped(rows)
        }
    }
}
