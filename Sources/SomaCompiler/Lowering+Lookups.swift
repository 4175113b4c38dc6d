import SomaBackend
import SomaGraph

// Products of rows that are looked up in a table, as those after an embedding are.
//
// Where at least twice as many rows are taken as the table has, its own product is the smaller one. X = gather(E, i) has R rows of the V in E, and
// scatter(G, i) adds row r of G to row i[r] of zeros [V, n]:
//
//     X W              = gather(E W, i)               R · k · n multiply-adds become V · k · n, k and n being the features of E and of the product
//     X W + b          = gather(E W + b, i)
//     Xᵀ G             = Eᵀ scatter(G, i)             the gradient of W
//     scatter(G Wᵀ, i) = scatter(G, i) Wᵀ             the gradient of E

/// Rows of a table [V, k] at R indices: what X is.
private struct Lookup {
    var table: StridedView
    /// Where the indices lie, in the order of X's rows.
    var indices: StridedView

    /// Whether the product with the table takes at most half the work, and enough less to pay for moving its rows.
    func isWorthwhile(features: Int) -> Bool {
        table.shape[0] > 0 && 2 * table.shape[0] <= indices.shape.count && min(table.shape[1], features) >= 32
    }
}

extension Lowering {
    /// The product of a [..., m, k] and b [..., k, n].
    mutating func matmul(_ a: StridedView, _ b: StridedView, _ shape: Shape) -> StridedView {
        if shape.rank == 2 {
            if let found = productOfTable(a, b) ?? gradientByTable(a, b) { return found }
            if let found = gradientByTable(b.permuted([1, 0]), a.permuted([1, 0])) { return found.permuted([1, 0]) }
        }
        return add(.matmul, [matrix(a), matrix(b)], shape, .float32)
    }

    /// X W as rows of E W.
    private mutating func productOfTable(_ x: StridedView, _ w: StridedView) -> StridedView? {
        guard let lookup = lookup(x), lookup.isWorthwhile(features: w.shape[1]) else { return nil }
        let product = add(.matmul, [matrix(lookup.table), matrix(w)], [lookup.table.shape[0], w.shape[1]], .float32)
        return rows(of: product, inOrder(lookup.indices))
    }

    private mutating func rows(of product: StridedView, _ indices: StridedView) -> StridedView {
        let found = add(.gather(axis: 0), [contiguous(product), indices], [indices.shape.count, product.shape[1]], .float32)
        rowsOfProducts[found.base] = (product, indices)
        return found
    }

    /// X W + b as rows of E W + b, where one operand is the rows and the other the same for all of them.
    mutating func sumOfRows(_ operands: [StridedView], _ shape: Shape) -> StridedView? {
        for (rows, other) in [(operands[0], operands[1]), (operands[1], operands[0])] {
            guard let (product, indices) = rowsOfProducts[rows.base], rows.isIdentity(count: product.shape[1] * indices.shape.count),
                rows.shape == shape, shape.dimensions.last == product.shape[1],
                other.shape.rank == 0 || other.shape == shape && other.strides.dropLast().allSatisfy({ $0 == 0 })
            else { continue }
            var bias = other
            (bias.shape, bias.strides) = (product.shape, [0, other.strides.last ?? 0])
            let sum = map(.binary(.add), [product, bias], product.shape, .float32)
            return self.rows(of: sum, indices).reshaped(to: shape)
        }
        return nil
    }

    /// Xᵀ G, of a = Xᵀ, as a product of the table.
    private mutating func gradientByTable(_ a: StridedView, _ g: StridedView) -> StridedView? {
        guard let lookup = lookup(a.permuted([1, 0])), lookup.isWorthwhile(features: g.shape[1]) else { return nil }
        let sums = sums(of: g, at: inOrder(lookup.indices), count: lookup.table.shape[0])
        // A row that is never looked up counts for nothing, even where it is infinite: 0 · ∞ is no 0.
        let counts = map(.cast, [map(.binary(.notEqual), [sums, zero(like: sums)], sums.shape, .bool)], sums.shape, .int32)
        let largest = reduction(.max, counts, [1], [sums.shape[0], 1], .int32).expanded(to: lookup.table.shape)
        let isTaken = map(.cast, [largest], lookup.table.shape, .bool)
        let table = map(.select, [isTaken, lookup.table, zero(like: lookup.table)], lookup.table.shape, .float32)
        return add(.matmul, [matrix(table.permuted([1, 0])), matrix(sums)], [table.shape[1], sums.shape[1]], .float32)
    }

    /// A base [V, k] plus the rows of a product at indices, where the product of the rows' sums is the smaller one.
    mutating func scatteredProduct(_ base: StridedView, _ indices: StridedView, _ updates: StridedView) -> StridedView? {
        guard base.shape.rank == 2, let rows = rows(updates, features: base.shape[1]), case .matmul = operations[rows.base].kind,
            operations[rows.base].shape.rank == 2, Shape(Array(rows.shape.dimensions.dropLast())) == indices.shape
        else { return nil }
        // The axes of the rows in the order of the product.
        let axes = (0..<indices.shape.rank).sorted { rows.strides[$0] > rows.strides[$1] }
        let (g, w) = (operations[rows.base].operands[0], operations[rows.base].operands[1])
        guard rows.permuted(axes + [indices.shape.rank]).isIdentity(count: operations[rows.base].shape.count),
            Lookup(table: base, indices: indices).isWorthwhile(features: g.shape[1])
        else { return nil }
        let sums = sums(of: g, at: inOrder(indices.permuted(axes)), count: base.shape[0])
        let product = add(.matmul, [sums, matrix(w)], base.shape, .float32)
        return map(.binary(.add), [base, product], base.shape, .float32)
    }

    /// scatter(g, indices): [count, n].
    private mutating func sums(of g: StridedView, at indices: StridedView, count: Int) -> StridedView {
        let key = ScatteredRows(rows: g, indices: indices, count: count)
        if let known = scatteredRows[key] { return known }
        let shape: Shape = [count, g.shape[1]]
        let zeros = copy(map(.cast, [add(.range, [], [1], .int32).expanded(toZeros: shape)], shape, .float32))
        let sums = add(.scatterAdd(axis: 0), [zeros, indices, contiguous(g)], shape, .float32)
        scatteredRows[key] = sums
        return sums
    }

    private mutating func zero(like view: StridedView) -> StridedView {
        map(.cast, [add(.range, [], [1], .int32).expanded(toZeros: view.shape)], view.shape, .float32)
    }

    /// Indices in memory as [R], in this order.
    private mutating func inOrder(_ indices: StridedView) -> StridedView {
        var result = orderedIndices[indices] ?? contiguous(indices)
        orderedIndices[indices] = result
        (result.shape, result.strides) = ([indices.shape.count], [1])
        return result
    }

    /// What a matrix was looked up in, if rows of a table are all that it is.
    private func lookup(_ x: StridedView) -> Lookup? {
        guard let rows = rows(x, features: x.shape[1]), case .gather(axis: 0) = operations[rows.base].kind else { return nil }
        let (table, taken) = (operations[rows.base].operands[0], operations[rows.base].operands[1])
        guard table.shape.rank == 2, table.shape[1] == x.shape[1], operations[table.base].dtype == .float32 else { return nil }
        var indices = taken
        indices.shape = Shape(Array(rows.shape.dimensions.dropLast()))
        indices.strides = rows.strides.dropLast().map { $0 / x.shape[1] }
        return Lookup(table: table, indices: indices)
    }

    /// A view as whole rows of the operation below, through copies that only put them in another order.
    private func rows(_ view: StridedView, features: Int) -> StridedView? {
        var view = view
        while case .elementwise(.copy) = operations[view.base].kind, view.isIdentity(count: operations[view.base].shape.count) {
            view = operations[view.base].operands[0]
        }
        guard view.starts.isEmpty, view.shape.rank > 1, view.shape.dimensions.last == features, features > 1, view.strides.last == 1,
            operations[view.base].shape.dimensions.last == features, view.strides.dropLast().allSatisfy({ $0 % features == 0 })
        else { return nil }
        return view
    }
}

/// Rows g added to `count` rows of zeros at indices.
struct ScatteredRows: Hashable {
    var rows, indices: StridedView
    var count: Int
}
