import SomaGraph

/// One launch: what a backend must be able to run. Backends switch over it without a `default`, so that a new case
/// is a list of compiler errors and not a surprise.
public enum Step: Hashable, Sendable {
    /// A fused chain of elementwise operations; `inner` is empty.
    case map(LoopNest)
    /// Reductions completed in one walk over the inner domain, which may be long or strided.
    case reduce(LoopNest)
    /// Reductions over contiguous rows short enough to stay in local memory or the first-level cache, walked several times.
    case row(LoopNest)
    /// A batch of matrix products with an epilogue.
    case matmul(MatmulStep)
    /// Only where `Capabilities.images` allows it.
    case convolution(ConvolutionStep)
    /// Only where `Capabilities.images` allows it.
    case pooling(PoolingStep)
    /// Slices picked by indices that are read when the step runs.
    case gather(GatherStep)
    /// Slices added at indices that are read when the step runs, in place.
    case scatterAdd(ScatterAddStep)
    /// A block copied from or to a position that is read when the step runs.
    case blockCopy(BlockCopyStep)
    /// Only for heads as wide as `Capabilities.attentionWidth` allows.
    case attention(AttentionStep)
    /// Only where `Capabilities.hasRecurrence` is set.
    case recurrence(RecurrenceStep)
    /// Steps that run many times, each run going on from the one before.
    case scan(ScanStep)
    /// A user's own kernel.
    case custom(CustomStep)
}

/// A batch of matrix products, C = A·B, and what becomes of each element of C.
public struct MatmulStep: Hashable, Sendable {
    /// C is [batch, m, n], A [batch, m, k], B [batch, k, n].
    public var batch, m, n, k: Int
    /// Strides over [batch, m, k]; that of m or that of k is 1 (both may be where an extent is 1).
    public var a: Operand
    /// Strides over [batch, k, n]; that of k or that of n is 1.
    public var b: Operand
    /// Run at each position of [batch, m, n]; `accumulator` is the element of C. Accesses keep all three strides.
    public var epilogue: Body

    /// The ranks of the accesses are not checked here.
    public init(batch: Int, m: Int, n: Int, k: Int, a: Operand, b: Operand, epilogue: Body) {
        (self.batch, self.m, self.n, self.k) = (batch, m, n, k)
        (self.a, self.b, self.epilogue) = (a, b, epilogue)
    }

    /// The loop nest of the epilogue.
    public var nest: LoopNest { LoopNest(outer: [batch, m, n], body: epilogue) }

    /// Where the product itself, and nothing else, is written.
    public var plainTarget: Operand? { epilogue.plainTarget }
}

/// output[o, j, i] = input[o, indices[j], i], with o < outer, j < count, i < inner; all contiguous.
public struct GatherStep: Hashable, Sendable {
    /// The axis that indices pick from has `extent` slices before and `count` after; `outer` and `inner` are the products of the extents around it.
    public var outer, extent, inner, count: Int
    /// `indices` are int32 [count]; an index out of 0 ..< extent gives NaN, or 0 in an integer.
    public var input, indices, output: Operand

    /// Does not check that operands have these extents.
    public init(outer: Int, extent: Int, inner: Int, count: Int, input: Operand, indices: Operand, output: Operand) {
        (self.outer, self.extent, self.inner, self.count) = (outer, extent, inner, count)
        (self.input, self.indices, self.output) = (input, indices, output)
    }
}

/// target[o, indices[j], i] += updates[o, j, i] in the order of j, in place; an index out of 0 ..< extent is dropped.
public struct ScatterAddStep: Hashable, Sendable {
    /// The axis that indices pick from has `extent` slices; there are `count` updates, and `outer` and `inner` are the products of the extents
    /// around.
    public var outer, extent, inner, count: Int
    /// `indices` are int32 [count]; `target` holds what is added to.
    public var indices, updates, target: Operand

    /// Does not check that operands have these extents.
    public init(outer: Int, extent: Int, inner: Int, count: Int, indices: Operand, updates: Operand, target: Operand) {
        (self.outer, self.extent, self.inner, self.count) = (outer, extent, inner, count)
        (self.indices, self.updates, self.target) = (indices, updates, target)
    }
}

/// Copies a block whose place in the source or in the target is read from a buffer when the step runs.
public struct BlockCopyStep: Hashable, Sendable {
    /// The extents of the block.
    public var extents: [Int]
    /// Where the block lies at starts of 0; one of the two moves with the starts.
    public var source, target: Operand
    /// int32, one for each extent. Start a is clamped to 0 ... `limits[a]`.
    public var starts: Operand
    /// The largest start along each axis, so that the block stays inside.
    public var limits: [Int]
    /// Elements by which the moving side advances for each unit of a start.
    public var startStrides: [Int]
    /// Whether the source moves (a slice is read) or the target (a slice is written).
    public var movesSource: Bool

    /// Does not check that lists have one element for each extent.
    public init(
        extents: [Int], source: Operand, target: Operand, starts: Operand, limits: [Int], startStrides: [Int], movesSource: Bool
    ) {
        (self.extents, self.source, self.target, self.starts) = (extents, source, target, starts)
        (self.limits, self.startStrides, self.movesSource) = (limits, startStrides, movesSource)
    }
}

/// A user's own kernel over contiguous operands.
public struct CustomStep: Hashable, Sendable {
    /// A `CustomKernel`; it tells the kernel from others by identity.
    public var operation: CustomOperation
    /// What the kernel reads, in the order of its parameters.
    public var inputs: [Operand]
    /// The shapes of the inputs, in their order.
    public var inputShapes: [Shape]
    /// What the kernel writes.
    public var output: Operand
    /// The shape of the output.
    public var outputShape: Shape

    /// Operands must be contiguous; this is not checked here.
    public init(operation: CustomOperation, inputs: [Operand], inputShapes: [Shape], output: Operand, outputShape: Shape) {
        (self.operation, self.inputs, self.inputShapes) = (operation, inputs, inputShapes)
        (self.output, self.outputShape) = (output, outputShape)
    }

    public static func == (a: CustomStep, b: CustomStep) -> Bool {
        a.operation === b.operation && a.inputs == b.inputs && a.inputShapes == b.inputShapes && a.output == b.output
            && a.outputShape == b.outputShape
    }

    public func hash(into hasher: inout Hasher) {
        hasher.combine(ObjectIdentifier(operation))
        hasher.combine(inputs)
        hasher.combine(output)
    }
}

extension Step {
    /// What it says of itself.
    public var descriptor: any StepDescriptor {
        switch self {
        case .map(let nest): LoopDescriptor(name: "map", nest: nest)
        case .reduce(let nest): LoopDescriptor(name: "reduce", nest: nest)
        case .row(let nest): LoopDescriptor(name: "row", nest: nest)
        case .matmul(let step): step
        case .convolution(let step): step
        case .pooling(let step): step
        case .gather(let step): step
        case .scatterAdd(let step): step
        case .blockCopy(let step): step
        case .attention(let step): step
        case .recurrence(let step): step
        case .scan(let step): step
        case .custom(let step): step
        }
    }

    /// The operands this step reads (a target that is added to counts as both).
    public var reads: [Operand] { descriptor.reads }
    /// The operands this step writes.
    public var writes: [Operand] { descriptor.writes }
    /// A word for listings.
    public var name: String { descriptor.name }
    /// The step in a few words for people: its kind, its extents, and what is fused with it.
    public var label: String { descriptor.label }
    /// The floating-point operations of products; see `StepDescriptor`.
    public var productOperations: Double { descriptor.productOperations }

    /// What the step cannot do without. Each operation of a fused body on real numbers counts as one, a multiply-add as two; what several
    /// operands share, or windows have in common, is moved once. Integers are not counted, those that make random words among them: what
    /// bounds them is not what a device is measured by.
    public var work: Work {
        let (descriptor, bytes) = (descriptor, descriptor.byteCounts)
        return Work(
            operations: descriptor.productOperations + descriptor.otherOperations, bytesRead: Double(bytes.read), bytesWritten: Double(bytes.written))
    }
}
