import CPUKernels
import SomaBackend
import SomaGraph

/// An operand of a plan; its strides are apart, since C only points at them.
struct PlannedOperand {
    var flat: soma_operand
    var lineStrides: [Int]
    var innerStrides: [Int]
}

/// What the C runner is given for a loop nest.
struct LoopPlan {
    var isByColumns = false
    var lineExtents: [Int] = []
    var innerExtents: [Int] = []
    var width = 1
    var block = 1
    var walkCount = 1
    var fold = 1
    var hasWholeLines = false
    var hasAfter = false
    var operands: [PlannedOperand] = []
    var uniforms: [soma_instruction] = []
    var instructions: [soma_instruction] = []
    var reductions: [soma_reduction] = []
    /// Of all chains.
    var steps: [soma_chain_step] = []
    /// Offset of each value in scratch memory, or -1 for one whose address is set as the nest runs.
    var valuePlaces: [Int] = []
    /// Pairs: a value, and the place of the scalar it is.
    var scalarValues: [Int32] = []
    var scratchBytes = 0
    var reductionPlace = 0
    var grain = 1
}

extension DType {
    /// The type as the C loops know it.
    var loopType: soma_type {
        switch self {
        case .float32: SOMA_FLOAT32
        case .int32: SOMA_INT32
        case .uint32: SOMA_UINT32
        case .int64: SOMA_INT64
        case .uint8: SOMA_UINT8
        case .bool: SOMA_BOOL
        }
    }
}

extension UnaryFunction {
    var loopFunction: soma_unary {
        switch self {
        case .negate: SOMA_NEGATE
        case .abs: SOMA_ABS
        case .sign: SOMA_SIGN
        case .exp: SOMA_EXP
        case .expm1: SOMA_EXPM1
        case .log: SOMA_LOG
        case .log1p: SOMA_LOG1P
        case .log2: SOMA_LOG2
        case .log10: SOMA_LOG10
        case .sqrt: SOMA_SQRT
        case .rsqrt: SOMA_RSQRT
        case .reciprocal: SOMA_RECIPROCAL
        case .sin: SOMA_SIN
        case .cos: SOMA_COS
        case .tanh: SOMA_TANH
        case .sigmoid: SOMA_SIGMOID
        case .erf: SOMA_ERF
        case .floor: SOMA_FLOOR
        case .ceil: SOMA_CEIL
        case .round: SOMA_ROUND
        case .not: SOMA_NOT
        }
    }
}

extension BinaryFunction {
    var loopFunction: soma_binary {
        switch self {
        case .add: SOMA_ADD
        case .subtract: SOMA_SUBTRACT
        case .multiply: SOMA_MULTIPLY
        case .divide: SOMA_DIVIDE
        case .power: SOMA_POWER
        case .minimum: SOMA_MINIMUM
        case .maximum: SOMA_MAXIMUM
        case .remainder: SOMA_REMAINDER
        case .equal: SOMA_EQUAL
        case .notEqual: SOMA_NOT_EQUAL
        case .less: SOMA_LESS
        case .lessOrEqual: SOMA_LESS_OR_EQUAL
        case .greater: SOMA_GREATER
        case .greaterOrEqual: SOMA_GREATER_OR_EQUAL
        case .and: SOMA_AND
        case .or: SOMA_OR
        case .xor: SOMA_XOR
        case .shiftLeft: SOMA_SHIFT_LEFT
        case .shiftRight: SOMA_SHIFT_RIGHT
        }
    }
}

extension ReduceOperation {
    var loopFunction: soma_reduce {
        switch self {
        case .sum: SOMA_SUM
        case .product: SOMA_PRODUCT
        case .max: SOMA_MAX
        case .min: SOMA_MIN
        case .argmax: SOMA_ARGMAX
        case .argmin: SOMA_ARGMIN
        }
    }
}
