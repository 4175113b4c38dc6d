import SomaGraph

/// Sums of products over named axes, by Einstein's convention: `einsum("bij,bjk->bik", a, b)` is the matrix product of each batch.
///
/// A term names the axes of an operand by letters; axes of one letter go together, and those that the result does not name are summed over.
/// A letter that a term has twice takes the diagonal: `"ii->i"` gives it, `"ii"` its sum, the trace. Without `->` the result has the letters that
/// occur once, in alphabetical order, capitals first. An ellipsis `...` stands for all further axes, which broadcast and come first in a result
/// without `->`. An axis of extent 1 stretches.
///
/// Operands have one dtype; `uint8` counts as `int32`. Two operands at a time are multiplied, from the left: as one (batched) `matmul` where an axis of
/// `float32` is summed over that both have, else element by element. Gradients are those of these.
public func einsum(_ equation: String, _ operands: Tensor..., file: StaticString = #fileID, line: UInt = #line) -> Tensor {
    einsum(equation, operands, file: file, line: line)
}

/// Sums of products over named axes of an array of operands; see `einsum(_:_:)`.
public func einsum(_ equation: String, _ operands: [Tensor], file: StaticString = #fileID, line: UInt = #line) -> Tensor {
    let equation = EinsumEquation(equation, operands.map(\.shape), file, line)
    for operand in operands where operand.dtype != operands[0].dtype || operand.dtype == .bool {
        programError("einsum", "a \(operand.dtype) beside \(operands[0].dtype); cast with `as(_:)` first", file: file, line: line)
    }
    var factors = zip(operands, equation.inputs).map { operand, axes in
        NamedAxes(operand.dtype == .uint8 ? operand.as(.int32) : operand, axes).prepared(equation.extents)
    }
    var product = factors.removeFirst()
    while !factors.isEmpty {
        let factor = factors.removeFirst()
        product = product.times(factor, keeping: Set(equation.output + factors.flatMap(\.axes)))
    }
    return product.summed(keeping: Set(equation.output)).arranged(as: equation.output).tensor
}

/// A tensor whose axes have names.
private struct NamedAxes {
    var tensor: Tensor
    var axes: [EinsumAxis]

    init(_ tensor: Tensor, _ axes: [EinsumAxis]) { (self.tensor, self.axes) = (tensor, axes) }

    /// Each name once, and without the axes that stretch, of which the product does not depend.
    func prepared(_ extents: [EinsumAxis: Int]) -> NamedAxes {
        var result = self
        while let (first, second) = result.repetition {
            result.tensor = result.tensor.diagonal(first, second)
            let name = result.axes.remove(at: second)
            result.axes.remove(at: first)
            result.axes.append(name)
        }
        let stretched = result.axes.indices.filter { result.tensor.shape[$0] == 1 && extents[result.axes[$0]] != 1 }
        return NamedAxes(result.tensor.dropping(stretched), result.axes.indices.filter { !stretched.contains($0) }.map { result.axes[$0] })
    }

    private var repetition: (Int, Int)? {
        for (second, name) in axes.enumerated() {
            if let first = axes.firstIndex(of: name), first < second { return (first, second) }
        }
        return nil
    }

    func summed(keeping kept: Set<EinsumAxis>) -> NamedAxes {
        let rest = axes.indices.filter { !kept.contains(axes[$0]) }
        return rest.isEmpty ? self : NamedAxes(tensor.sum(alongAxes: rest), axes.filter(kept.contains))
    }

    /// With the axes in an order that has each of them, those that are missing with extent 1.
    func arranged(as order: [EinsumAxis]) -> NamedAxes {
        let own = order.filter(axes.contains)
        let permuted = tensor.permuted(axes: own.compactMap { axes.firstIndex(of: $0) })
        return NamedAxes(permuted.reshaped(to: Shape(order.map { axes.contains($0) ? extent($0) : 1 })), order)
    }

    func extent(_ name: EinsumAxis) -> Int { axes.firstIndex(of: name).map { tensor.shape[$0] } ?? 1 }

    func times(_ other: NamedAxes, keeping kept: Set<EinsumAxis>) -> NamedAxes {
        let a = summed(keeping: kept.union(other.axes)), b = other.summed(keeping: kept.union(axes))
        let common = a.axes.filter(b.axes.contains)
        let batch = common.filter(kept.contains), contracted = common.filter { !kept.contains($0) }
        let rows = a.axes.filter { !common.contains($0) }, columns = b.axes.filter { !common.contains($0) }
        if contracted.isEmpty || rows.isEmpty && columns.isEmpty || a.tensor.dtype != .float32 {
            let order = batch + rows + columns + contracted
            let products = NamedAxes(a.arranged(as: order).tensor * b.arranged(as: order).tensor, order)
            return products.summed(keeping: kept)
        }
        func count(_ names: [EinsumAxis]) -> Int { names.reduce(1) { $0 * (a.axes.contains($1) ? a : b).extent($1) } }
        func merged(_ x: NamedAxes, _ first: [EinsumAxis], _ second: [EinsumAxis]) -> Tensor {
            let leading = batch.isEmpty ? [] : [count(batch)]
            return x.arranged(as: batch + first + second).tensor.reshaped(to: Shape(leading + [count(first), count(second)]))
        }
        let product = matmul(merged(a, rows, contracted), merged(b, contracted, columns))
        let extents = batch.map(a.extent) + rows.map(a.extent) + columns.map(b.extent)
        return NamedAxes(product.reshaped(to: Shape(extents)), batch + rows + columns)
    }
}

extension Tensor {
    /// The diagonal of axes of one extent, which both go, as a new last axis.
    fileprivate func diagonal(_ first: Int, _ second: Int) -> Tensor {
        let (rest, n) = ((0..<rank).filter { $0 != first && $0 != second }, shape[first])
        let dimensions = rest.map { shape[$0] }
        let flat = permuted(axes: rest + [first, second]).reshaped(to: Shape(dimensions + [n * n]))
        let starts = [Int](repeating: 0, count: rest.count + 1)
        let steps = rest.map { _ in 1 } + [n + 1]
        return Tensor(node: .slice(flat.node, starts: starts, counts: dimensions + [n], steps: steps))
    }
}
