import SomaGraph

/// What steps of a scan add to the gradient of an invariant, where that is products: Σ_t A_t B_t is one product over all steps at once,
/// [m, count · k] by [count · k, n], and no step need read and write the whole sum.
struct ProductsOverSteps {
    /// A factor of a step: a node, or that transposed.
    private struct Factor {
        let node: Node
        let isTransposed: Bool

        init(_ node: Node) {
            if case .permute([1, 0]) = node.primitive {
                (self.node, isTransposed) = (Node.lock.withLock { _ in node.inputs[0] }, true)
            } else {
                (self.node, isTransposed) = (node, false)
            }
        }

        /// The factors of all steps beside each other, or with `areRows` below each other.
        func joined(_ stack: Tensor, areRows: Bool) -> Tensor {
            let (count, rows, columns) = (stack.shape[0], stack.shape[1], stack.shape[2])
            if isTransposed == areRows {
                let wide = stack.permuted(axes: [1, 0, 2]).reshaped(to: [rows, count * columns])
                return areRows ? wide.transposed() : wide
            }
            let high = stack.reshaped(to: [count * rows, columns])
            return areRows ? high : high.transposed()
        }
    }

    private struct Term {
        let left, right: Factor
        /// What becomes of the product, the last first.
        let views: [Node]
    }

    private var terms: [Term] = []

    /// Nil where the gradient is something else.
    init?(_ gradient: Tensor) {
        guard add(gradient.node, []) else { return nil }
    }

    private mutating func add(_ node: Node, _ views: [Node]) -> Bool {
        let inputs = Node.lock.withLock { _ in node.inputs.array }
        switch node.primitive {
        case .binary(.add): return inputs.allSatisfy { $0.shape == node.shape } && inputs.reduce(true) { $0 && add($1, views) }
        case .permute, .reshape: return add(inputs[0], views + [node])
        case .matmul where node.shape.rank == 2:
            terms.append(Term(left: Factor(inputs[0]), right: Factor(inputs[1]), views: views))
            return true
        default: return false
        }
    }

    /// What must be stacked.
    var factors: [Node] { terms.flatMap { [$0.left.node, $0.right.node] } }

    /// The sum over all steps.
    /// - Parameter stack: the values of a factor at all steps, [count, …].
    func sum(_ stack: (Node) -> Tensor) -> Tensor? {
        let products = terms.map { term in
            let product = matmul(
                term.left.joined(stack(term.left.node), areRows: false), term.right.joined(stack(term.right.node), areRows: true))
            return term.views.reversed().reduce(product) { value, view in
                if case .permute(let axes) = view.primitive { value.permuted(axes: axes) } else { value.reshaped(to: view.shape) }
            }
        }
        return products.first.map { first in products.dropFirst().reduce(first) { $0 + $1 } }
    }
}
