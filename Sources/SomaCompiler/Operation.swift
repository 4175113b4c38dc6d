import SomaBackend
import SomaGraph

/// What is left of the graph once views are resolved: values that are computed, and the views through which
/// each reads its operands.
struct Operation {
    enum Kind: Hashable {
        /// Lies in memory: its place among the sources.
        case source(Int)
        /// Known when the program runs: its place among the constants.
        case scalar(Int)
        /// Generators: computed anew at each use, at whatever positions the use asks for.
        case range, random
        case elementwise(Elementwise)
        case reduce(ReduceOperation, axes: [Int])
        case matmul
        /// Operands and shape lie in `images`' order; one axis of the two may be missing in front.
        case convolution(ConvolutionPass, Windows, groups: Int, ImageOrder)
        case pooling(PoolingFunction, isGradient: Bool, Windows, ImageOrder)
        case gather(axis: Int)
        /// Operands: the copy of the base that is added to in place, indices, updates.
        case scatterAdd(axis: Int)
        /// Operands: x, starts.
        case dynamicSlice
        /// Operands: the copy of x that is written in place, update, starts.
        case updateSlice
        case custom
        /// Its shape is that of the workspace in bytes. Operands: states, sequences and invariants.
        case scan(ScanPlan)
        /// A library operation with several results, in memory of their own. Its shape is that of a workspace in bytes.
        case library(LibraryOperation)
        /// Memory that its operand, an operation with several results, has written; nothing is left to run.
        case result(NodeResult)
        /// Memory that its operands have written their parts of; nothing is left to run.
        case assembly
    }

    enum Elementwise: Hashable {
        case unary(UnaryFunction)
        case binary(BinaryFunction)
        case select, cast, copy
    }

    /// Where an operation writes when not into memory of its own: part of an assembly's.
    struct Placement: Hashable {
        var assembly: Int
        var offset: Int
        /// Over the operation's shape.
        var strides: [Int]
    }

    var kind: Kind
    var operands: [StridedView]
    var shape: Shape
    var dtype: DType
    var placement: Placement?
    /// Operations that must have run before this one although it does not read them (a fill below a padded part).
    var after: [Int] = []
    var customOperation: CustomOperation?
    /// The operations whose memory an operation with several results writes: a scan's in the order of its plan.
    var results: [Int] = []
    /// Whether it is computed once, and read from memory by all who need it: never computed again beside one of them.
    var isMaterialized = false
    /// Whether its axes follow each other in memory as they are seen from outside, so that what is computed from it elementwise
    /// should keep their order.
    var isReordered = false

    var isGenerator: Bool {
        switch kind {
        case .scalar, .range, .random: true
        default: false
        }
    }

    /// Whether a step of its own computes it, with what becomes of its elements as the epilogue.
    var isProduct: Bool {
        switch kind {
        case .matmul, .convolution: true
        default: false
        }
    }

    var isReduction: Bool {
        if case .reduce = kind { true } else { false }
    }

    /// Whether a step computes it.
    var isComputed: Bool {
        switch kind {
        case .source, .scalar, .range, .random, .assembly, .result: false
        default: true
        }
    }

    /// Whether it is memory that others have written by the time it is read.
    var isWritten: Bool {
        switch kind {
        case .assembly, .result: true
        default: false
        }
    }
}
