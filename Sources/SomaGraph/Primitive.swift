/// What a node computes from its inputs. Everything else is composed of these.
///
/// Shapes and dtypes of results are those of the node; the rules stand in `Node+Primitives.swift`.
public enum Primitive: Sendable {
    // Sources
    /// Elements that lie in memory: the node's storage.
    case buffer
    /// One number that every element equals; the value is no part of the structure.
    case constant(Scalar)
    /// The whole numbers 0, 1, … along the only axis.
    case range
    /// Uniform 32-bit words of Philox-4x32-10. Inputs: key0, key1, counter (uint32, rank 0). Element i is word i mod 4 of
    /// the block b = i div 4, whose counter words are (the low half of b, the high half of b, counter, 0).
    case random

    // Maps: inputs have the node's shape or rank 0.
    /// Input: x.
    case unary(UnaryFunction)
    /// Inputs: a and b, of one dtype.
    case binary(BinaryFunction)
    /// Inputs: condition (bool), value where true, value where false.
    case select
    /// The same number in the node's dtype. Real to integer truncates towards zero and saturates, NaN gives 0;
    /// to bool is `!= 0`; integer to integer keeps the low bits.
    case cast

    // Views
    /// The elements of the input in row-major order, under the node's shape.
    case reshape
    /// Axis i of the result is axis `axes[i]` of the input.
    case permute(axes: [Int])
    /// Axes of extent 1 repeated to the node's shape.
    case expand
    /// Element i along an axis is element `start + i·step` of the input; a step may be negative.
    case slice(starts: [Int], steps: [Int])
    /// Inputs: x and a rank-0 fill value. `before[i]` elements precede axis i; the node's shape tells how many follow.
    case pad(before: [Int])
    /// Windows that slide along an axis, which becomes the place of the window; the place in the window is a further, last axis:
    /// y[…, o, …, r] = x[…, o·step + r·dilation, …].
    case window(axis: Int, step: Int, dilation: Int)
    /// The adjoint of `window`: every element of windows is added where it came from. The last axis goes.
    /// Inputs: the windows, and the number 0.
    case fold(axis: Int, step: Int, dilation: Int)
    /// The inputs one after the other along an axis; all other extents are equal.
    case concatenate(axis: Int)
    /// The same elements in memory of their own, row-major. Within a program they are computed once: who reads them reads that memory.
    case contiguous
    /// The same elements on the node's device, which is not the input's. The node's storage brings them, so no program computes it.
    case deviceCopy
    /// Inputs: x, starts (int32, [rank]). A block of the node's shape; starts are clamped so that it fits.
    case dynamicSlice
    /// Inputs: x, update, starts (int32, [rank]). x with a block overwritten; starts are clamped so that it fits.
    case updateSlice

    // Reductions
    /// Axes stay with extent 1. `argmax` and `argmin` take exactly one axis.
    case reduce(ReduceOperation, axes: [Int])

    // Products and indices
    /// Inputs: [..., m, k] and [..., k, n] with equal leading extents.
    case matmul
    /// Inputs: x, indices (int32, any shape). The axis is replaced by the indices' axes.
    /// An index out of range gives NaN, or 0 in an integer.
    case gather(axis: Int)
    /// Inputs: base, indices, updates, shaped so that `gather(base, indices)` has the shape of updates. Adds each update at its index in
    /// index order, so that the same inputs give the same bits; an index out of range is dropped.
    case scatterAdd(axis: Int)

    /// Inputs: the composition of each result, and the operands. With several results it has no value itself; `result` tells one.
    case library(LibraryOperation)

    // Loops
    /// Steps one after the other. Inputs: states, sequences and invariants of the body. It has no value itself; `result` tells one.
    case scan(ScanBody)
    /// Input: the scan or the library operation that the value is a result of.
    case result(NodeResult)

    // The door for users
    /// A kernel of the user's.
    case custom(CustomOperation)
    /// The first input's value; differentiated by the rule with respect to the other inputs.
    case customGradient(CustomGradient)
    /// The input's value; no gradient passes.
    case stopGradient
}

/// A user's own rule of differentiation; held by a node and read by whoever differentiates the graph.
open class CustomGradient: @unchecked Sendable {
    /// Called by subclasses, which hold the rule.
    public init() {}
}

/// A user's own kernel; held by a node and read by backends.
open class CustomOperation: @unchecked Sendable {
    /// A name for listings, and the entry point of the kernel.
    public let name: String
    /// The name must be an identifier of OpenCL C where the operation has a kernel.
    public init(name: String) { self.name = name }
}
