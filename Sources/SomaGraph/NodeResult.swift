/// One of the values of a node that has several: a scan, or a library operation with more than one result.
public enum NodeResult: Hashable, Sendable {
    /// A state of a scan after the last step.
    case state(Int)
    /// What each step of a scan had on a line of its body, stacked.
    case stacked(line: Int)
    /// A result of a library operation: its index.
    case value(Int)
}

extension Node {
    /// Whether it has one value, and not several that `Primitive.result` tells apart.
    public var hasOneValue: Bool {
        switch primitive {
        case .scan: false
        case .library(let operation): operation.resultCount == 1
        default: true
        }
    }

    /// A result of a library operation that has several. Traps where `operation` is none.
    public static func libraryResult(_ operation: Node, _ index: Int) -> Node {
        guard case .library(let kind) = operation.primitive, index < kind.resultCount else {
            programError("library", "result \(index) of what has no such result")
        }
        let composition = Node.lock.withLock { _ in operation.inputs[index] }
        return Node(.result(.value(index)), .one(operation), shape: composition.shape, dtype: composition.dtype, device: operation.device)
    }
}
