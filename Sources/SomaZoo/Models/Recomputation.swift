import Soma

/// Which values of a network are computed again in the backward pass instead of being kept for it.
public enum Recomputation: String, SettingChoice {
    /// Nothing: all intermediate values are kept, which is fastest.
    case none
    /// The inside of each block, so that what is kept is what blocks hand to one another.
    case blocks

    /// block(x).
    func callAsFunction(_ block: some Layer, _ x: Tensor) -> Tensor {
        self == .blocks ? recomputed(block, x) : block(x)
    }
}

extension Sequential {
    /// The layers from each pooling to the next as a block of their own.
    func runInBlocks(_ x: Tensor, _ recomputation: Recomputation) -> Tensor {
        var blocks: [[any Layer]] = [[]]
        for layer in layers {
            blocks[blocks.count - 1].append(layer)
            if layer is MaxPooling { blocks.append([]) }
        }
        return blocks.reduce(x) { $1.isEmpty ? $0 : recomputation(Sequential($1), $0) }
    }
}
