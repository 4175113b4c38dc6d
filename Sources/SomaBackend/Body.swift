import SomaGraph

/// One line of a fused program. Arguments are indices of earlier instructions.
public struct Instruction: Hashable, Sendable {
    /// What an instruction computes. An `Int` without a label is an argument.
    public enum Operation: Hashable, Sendable {
        /// The element of `Body.loads[operand]` at this position.
        case load(operand: Int)
        /// A number known when the program runs: `Body.scalars[index]` is its place in `Bindings.scalars`.
        case scalar(index: Int)
        /// The position itself, mapped to one number: `offset + Σ iₐ·strides[a]` (int32, or int64 where that does not hold it).
        case index(Access)
        /// In the epilogue of a matmul: the product at this position.
        case accumulator
        /// Word `index` of Philox-4x32-10; see `Primitive.random`.
        case random(key0: Int, key1: Int, counter: Int, index: Int)
        /// f of the argument.
        case unary(UnaryFunction, Int)
        /// f of the two arguments.
        case binary(BinaryFunction, Int, Int)
        /// Condition, value where true, value where false.
        case select(Int, Int, Int)
        /// a·b + c, rounded once or twice as the device prefers.
        case multiplyAdd(Int, Int, Int)
        /// The argument in this instruction's dtype, by the rules of `Primitive.cast`.
        case cast(Int)
        /// The argument combined over the inner domain of the loop nest; the same for every inner position.
        case reduce(ReduceOperation, Int)
    }

    /// What it computes, and from which earlier instructions.
    public var operation: Operation
    /// The dtype of its value.
    public var dtype: DType

    /// Does not check that arguments come earlier and that dtypes agree.
    public init(_ operation: Operation, _ dtype: DType) {
        self.operation = operation
        self.dtype = dtype
    }

    /// The instructions whose values this one takes.
    public var arguments: [Int] {
        switch operation {
        case .load, .scalar, .index, .accumulator: []
        case .unary(_, let a), .cast(let a), .reduce(_, let a): [a]
        case .binary(_, let a, let b): [a, b]
        case .select(let a, let b, let c), .multiplyAdd(let a, let b, let c): [a, b, c]
        case .random(let key0, let key1, let counter, let index): [key0, key1, counter, index]
        }
    }
}

/// A value written to memory at each position (at each outer position, where it is the same for all inner ones).
public struct Store: Hashable, Sendable {
    /// The instruction whose value is written; it has the target's dtype.
    public var value: Int
    /// Where in memory, over the same positions as the loads.
    public var target: Operand

    /// The target's dtype must be that of the instruction; this is not checked here.
    public init(value: Int, target: Operand) {
        self.value = value
        self.target = target
    }
}

/// A straight-line program in single assignment, run at every position of a domain. Loads and stores of one position never
/// depend on another position's stores: a target that is also loaded is loaded through the same access.
public struct Body: Hashable, Sendable {
    /// What the body reads, by the index that `Instruction.Operation.load` takes.
    public var loads: [Operand]
    /// Indices into `Bindings.scalars`.
    public var scalars: [Int]
    /// In an order in which each comes after its arguments.
    public var instructions: [Instruction]
    /// What the body writes, in order.
    public var stores: [Store]

    /// The order of instructions and the ranges of indices are not checked here.
    public init(loads: [Operand] = [], scalars: [Int] = [], instructions: [Instruction] = [], stores: [Store] = []) {
        self.loads = loads
        self.scalars = scalars
        self.instructions = instructions
        self.stores = stores
    }
}

/// A body and the domain it runs over. Accesses have one stride for each outer extent, then one for each inner extent.
///
/// Extents of 1 are dropped and neighbouring extents are merged wherever every access allows it, so that a contiguous map has a single extent.
public struct LoopNest: Hashable, Sendable {
    /// Extents of the positions that are independent of each other.
    public var outer: [Int]
    /// Extents that reductions run over; empty in a map.
    public var inner: [Int]
    /// What runs at each position.
    public var body: Body

    /// Does not check that each access has a stride for every extent.
    public init(outer: [Int], inner: [Int] = [], body: Body) {
        self.outer = outer
        self.inner = inner
        self.body = body
    }

    /// How many outer positions there are: the product of `outer`, 1 if that is empty.
    public var outerCount: Int { outer.reduce(1, *) }
    /// How many inner positions each outer one has: the product of `inner`, 1 if that is empty.
    public var innerCount: Int { inner.reduce(1, *) }
}

extension Instruction {
    /// The instruction with its arguments under other numbers.
    package func renumbered(_ place: (Int) -> Int) -> Instruction {
        let operation: Operation =
            switch operation {
            case .load, .scalar, .index, .accumulator: operation
            case .random(let a, let b, let c, let d): .random(key0: place(a), key1: place(b), counter: place(c), index: place(d))
            case .unary(let function, let a): .unary(function, place(a))
            case .binary(let function, let a, let b): .binary(function, place(a), place(b))
            case .select(let a, let b, let c): .select(place(a), place(b), place(c))
            case .multiplyAdd(let a, let b, let c): .multiplyAdd(place(a), place(b), place(c))
            case .cast(let a): .cast(place(a))
            case .reduce(let function, let a): .reduce(function, place(a))
            }
        return Instruction(operation, dtype)
    }
}
