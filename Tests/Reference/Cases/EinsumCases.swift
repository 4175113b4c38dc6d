import Soma
import SomaGraph

extension OperationCase {
    static let einsums: [OperationCase] = [
        OperationCase("einsum, batches of matrices", .sample([2, 3, 4]), .sample([2, 4, 2], seed: 1), terms: 4) { einsum("bij,bjk->bik", $0) },
        OperationCase("einsum, transposed product", .sample([3, 4]), .sample([2, 4], seed: 1), terms: 4) { einsum("ij, kj -> ki", $0) },
        OperationCase("einsum, trace", .sample([3, 3]), terms: 3) { einsum("ii", $0) },
        OperationCase("einsum, diagonals of a batch", .sample([3, 2, 3])) { einsum("iji->ji", $0) },
        OperationCase("einsum, three of one letter", Value([1, 2, 3, 4, 5, 6, 7, 8], shape: [2, 2, 2]), answer: [1, 8]) { einsum("iii->i", $0) },
        OperationCase("einsum, outer", .sample([3]), .sample([2], seed: 1)) { einsum("i,j", $0) },
        OperationCase("einsum, dot", .sample([5]), .sample([5], seed: 1), terms: 5) { einsum("i,i", $0) },
        OperationCase("einsum, three factors", .sample([2, 3]), .sample([3, 2], seed: 1), .sample([2, 2], seed: 2), terms: 6) { einsum("ab,bc,cd->ad", $0) },
        OperationCase("einsum, sums of one factor", .sample([2, 3]), .sample([4], seed: 1), terms: 12) { einsum("ij,k->j", $0) },
        OperationCase("einsum, ellipsis", .sample([2, 1, 2, 3]), .sample([3, 3, 2], seed: 1), terms: 3) { einsum("...ij,...jk->...ik", $0) },
        OperationCase("einsum, ellipsis of nothing, implied", .sample([2, 3]), .sample([3], seed: 1), terms: 3) { einsum("...i,...i", $0) },
        OperationCase("einsum, axes of extent 1 stretch", .sample([2, 1]), .sample([3, 2], seed: 1), terms: 3) { einsum("ij,jk->ik", $0) },
        OperationCase("einsum of int32", Value([1, 2, 3, 4], shape: [2, 2], dtype: .int32), Value([5, 6], dtype: .int32), answer: [17, 39]) { einsum("ij,j", $0) },
        OperationCase("einsum of uint8", Value([200, 100], dtype: .uint8), Value([2, 3], dtype: .uint8), answer: [700]) { einsum("i,i", $0) },
        OperationCase("einsum of numbers", Value(scalar: 3), .sample([2])) { einsum(",i->i", $0) },
        OperationCase("einsum over nothing", .sample([2, 0]), .sample([0, 3]), answer: [0, 0, 0, 0, 0, 0]) { einsum("ij,jk", $0) },
    ]
}
