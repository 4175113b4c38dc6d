import SomaGraph

/// An array of numbers of one dtype and any rank, that lives on one device.
///
/// An operation computes nothing: it adds a node to a graph, which is compiled and run when a value is read or an
/// optimiser updates. Tensors are values; no operation changes one.
public struct Tensor: Sendable {
    package let node: Node

    @inline(__always)
    package init(node: Node) {
        self.node = node
        if node.depth > Tensor.longestPendingPath { realizeEarly() }
    }

    /// The extents, outermost first; `[]` is a single number.
    public var shape: Shape { node.shape }
    /// The type of the elements.
    public var dtype: DType { node.dtype }
    /// The number of axes.
    public var rank: Int { node.shape.rank }
    /// The number of elements.
    public var count: Int { node.shape.count }
    /// Where the elements live.
    public var device: Device { Device(tag: node.device) }
}

extension Tensor {
    /// A single number, of rank 0, which `dtype` must hold: an integer no fraction, and nothing beyond its range. Its value is no part of a
    /// program's structure: another one compiles nothing.
    public init<Number: TensorNumber>(
        _ value: Number, dtype: DType = .float32, device: Device = .current, file: StaticString = #fileID, line: UInt = #line
    ) {
        self.init(number: value, dtype, device, file, line)
    }

    init<Number: TensorNumber>(number: Number, _ dtype: DType, _ device: Device, _ file: StaticString, _ line: UInt) {
        guard let scalar = Scalar(number.exactly, fitting: dtype) else {
            programError("Tensor", "\(number.exactly.text) is no number of \(dtype)", file: file, line: line)
        }
        node = .constant(scalar, device: device.tag)
    }

    /// `value` as a rank-0 operand beside this tensor, whose dtype must hold it.
    func operand(_ value: Double, _ operation: @autoclosure () -> String) -> Tensor {
        guard dtype.holds(value) else {
            programError(operation(), "\(value) is no number of \(dtype); cast the tensor with `as(_:)` first")
        }
        return Tensor(node: .constant(Scalar(value, dtype), device: node.device))
    }

    /// The same numbers in another dtype. Real to integer truncates towards zero and saturates, on every device: beyond the range and at ±∞ it
    /// is the nearest end of the range, and NaN becomes 0. Anything to `bool` is `!= 0`; integer to integer keeps the low bits.
    public func `as`(_ dtype: DType) -> Tensor {
        if case .constant(let value) = node.primitive, !Capture.varies(node), let folded = value.converted(to: dtype) {
            return Tensor(node: .constant(folded, device: node.device))
        }
        return Tensor(node: .cast(node, to: dtype))
    }

    /// The axis counted from the front, for one that may be counted from the back (`-1` is the last).
    func normalized(
        axis: Int, _ operation: @autoclosure () -> String, limit: Int? = nil, file: StaticString, line: UInt
    ) -> Int {
        let limit = limit ?? rank
        let normalized = axis < 0 ? axis + limit : axis
        guard normalized >= 0 && normalized < limit else {
            programError(operation(), "axis \(axis) is out of range for shape \(shape)", file: file, line: line)
        }
        return normalized
    }

    /// Axes counted from the front, each once.
    func normalized(axes: [Int], _ operation: @autoclosure () -> String, file: StaticString, line: UInt) -> [Int] {
        let normalized = axes.map { self.normalized(axis: $0, operation(), file: file, line: line) }
        guard Set(normalized).count == axes.count else {
            programError(operation(), "axes \(axes) of shape \(shape) name an axis twice", file: file, line: line)
        }
        return normalized
    }
}
