/// Numbers the traversals of graphs; reached through `Node.lock`, so that one traversal runs at a time.
public struct TraversalNumber: Sendable {
    private var current: UInt32 = 0

    mutating func next() -> UInt32 {
        current &+= 1
        if current == 0 { current = 1 }
        return current
    }
}

extension Node {
    /// The nodes that must be known to compute `roots`, each after its inputs, without recursion.
    ///
    /// A node whose elements lie in memory ends the walk unless `throughComputed` is set (a gradient looks behind what was
    /// computed, a program does not). Sets `place(of:)` of each.
    /// - Parameter number: the lock's content, proof that it is held.
    public static func topologicalOrder(
        of roots: [Node], throughComputed: Bool = false, _ number: inout TraversalNumber
    ) -> [Node] {
        let visit = number.next()
        var order: [Node] = []
        // A node is pushed once to be expanded and once, after its inputs, to be placed (position -2). The stack holds no references:
        // the roots hold the graph.
        var stack = roots.reversed().map(Unmanaged.passUnretained)
        while let top = stack.last {
            top._withUnsafeGuaranteedRef { node in
                if node.visit == visit {
                    stack.removeLast()
                    if node.position == -2 {
                        node.position = Int32(order.count)
                        order.append(node)
                    }
                    return
                }
                node.visit = visit
                node.position = -2
                if node.storage != nil && !throughComputed { return }
                node.pushInputs(notVisitedIn: visit, onto: &stack)
            }
        }
        return order
    }

    @inline(__always)
    private func pushInputs(notVisitedIn visit: UInt32, onto stack: inout [Unmanaged<Node>]) {
        func push(_ input: Node) { if input.visit != visit { stack.append(.passUnretained(input)) } }
        switch inputs {
        case .none: break
        case .one(let a): push(a)
        case .two(let a, let b):
            push(b)
            push(a)
        case .three(let a, let b, let c):
            push(c)
            push(b)
            push(a)
        case .many(let nodes): for input in nodes.reversed() { push(input) }
        }
    }

    /// The node's place in the last traversal that met it. Only meaningful while the lock is held since.
    public var placeInOrder: Int { Int(position) }
}
