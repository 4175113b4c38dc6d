import CPUKernels
import SomaBackend

/// A map that only copies, to where another axis is contiguous than at the source: [N, C, H, W] to [N, H, W, C].
final class TransposeProgram: CPUStep, @unchecked Sendable {
    private let source, target: Operand
    private let transpose: soma_transpose

    /// `nil` for other maps, and for those whose elements lie too far apart for it to pay.
    init?(_ nest: LoopNest) {
        let body = nest.body
        guard nest.inner.isEmpty, body.instructions.count == 1, body.loads.count == 1, body.stores.count == 1, nest.outer.count <= 16,
            body.instructions[0].operation == .load(operand: 0), body.loads[0].dtype.byteCount == 4
        else { return nil }
        (source, target) = (body.loads[0], body.stores[0].target)
        let (from, to) = (source.access.strides, target.access.strides)
        guard let column = from.firstIndex(of: 1), let row = to.firstIndex(of: 1), row != column, !from.contains(0), nest.outer[row] > 1,
            nest.outer[column] > 1
        else { return nil }
        var transpose = soma_transpose()
        (transpose.rows, transpose.columns) = (nest.outer[row], nest.outer[column])
        (transpose.row_stride, transpose.column_stride) = (from[row], to[column])
        let others = nest.outer.indices.filter { $0 != row && $0 != column }
        transpose.rank = Int32(others.count)
        withUnsafeMutableBytes(of: &transpose.extents) { $0.bindMemory(to: Int.self).update(others.map { nest.outer[$0] }) }
        withUnsafeMutableBytes(of: &transpose.source_strides) { $0.bindMemory(to: Int.self).update(others.map { from[$0] }) }
        withUnsafeMutableBytes(of: &transpose.target_strides) { $0.bindMemory(to: Int.self).update(others.map { to[$0] }) }
        self.transpose = transpose
    }

    override func run(_ context: RunContext) throws {
        var transpose = transpose
        soma_transpose_run(
            &transpose, context.base(source).assumingMemoryBound(to: Float.self), context.base(target).assumingMemoryBound(to: Float.self))
    }
}

extension UnsafeMutableBufferPointer<Int> {
    fileprivate func update(_ numbers: [Int]) { for (place, number) in numbers.enumerated() { self[place] = number } }
}
