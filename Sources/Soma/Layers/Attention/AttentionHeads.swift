import SomaGraph

// Features by head and back.

extension Tensor {
    /// [N, T, heads · d] as [N, heads, T, d]: what each head of attention takes of the features. Traps where the heads do not divide them.
    public func splitIntoHeads(_ heads: Int, file: StaticString = #fileID, line: UInt = #line) -> Tensor {
        guard rank == 3, heads > 0, shape[2] % heads == 0 else {
            programError("splitIntoHeads", "\(heads) heads of \(shape), which is not [N, T, heads · d]", file: file, line: line)
        }
        return reshaped(to: [shape[0], shape[1], heads, shape[2] / heads]).transposed(1, 2)
    }

    /// [N, heads, T, d] as [N, T, heads · d]: what the heads give, side by side.
    public func joiningHeads(file: StaticString = #fileID, line: UInt = #line) -> Tensor {
        guard rank == 4 else { programError("joiningHeads", "\(shape) is not [N, heads, T, d]", file: file, line: line) }
        return transposed(1, 2).reshaped(to: [shape[0], shape[2], shape[1] * shape[3]])
    }
}
