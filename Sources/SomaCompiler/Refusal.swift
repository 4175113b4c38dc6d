/// Why two clusters of operations do not become one step.
public enum Refusal: Error, Hashable, Sendable {
    /// One of them is an operation that always runs by itself, or has no elements.
    case runsAlone
    /// One overwrites part of what the other writes, and the order of the two would be lost.
    case overwrites
    /// Both have a matrix product or a convolution, and a step computes one.
    case twoProducts
    /// Together they have so many instructions and operands, more than `Capabilities.maximumInstructions`.
    case tooManyInstructions(Int, limit: Int)
    /// Together they read so many operands, more than a step of the device may.
    case tooManyOperands(Int, limit: Int)
    /// Their extents have no common factors, or one reduces what the other keeps.
    case differentDomains
    /// A reduction would have to wait for all of a product.
    case reductionOfProduct
    /// A product reads each element of its operands many times, so that these must lie in memory.
    case operandOfProduct
    /// Something is read or written that cannot be reached in the order in which a product makes its elements.
    case awayFromProduct
    /// An element needs others than that of its own position.
    case otherElements
    /// An element needs its row's reduction, and the row cannot be walked twice.
    case rowTooLong(Int, limit: Int)
    /// An element needs its row's reduction, and the row's elements are not neighbours in memory.
    case rowScattered
    /// A comparison looks at a value beside its like, or a program asks for it in memory: a step that reads it must not compute it again.
    case materialized
    /// A third step would have to run after one half and before the other.
    case circle
}

extension Refusal: CustomStringConvertible {
    public var description: String {
        switch self {
        case .runsAlone: "one of them always runs by itself"
        case .overwrites: "one overwrites part of what the other writes, and their order would be lost"
        case .twoProducts: "a step computes one product"
        case .tooManyInstructions(let count, let limit): "together they have \(count) instructions and operands, more than the \(limit) of a step"
        case .tooManyOperands(let count, let limit): "together they read \(count) operands, more than the \(limit) of a step"
        case .differentDomains: "they run over different positions, or reduce different ones"
        case .reductionOfProduct: "a reduction would have to wait for all of the product"
        case .operandOfProduct: "a product reads each element of its operands many times, so these must lie in memory"
        case .awayFromProduct: "an operand cannot be walked in the order in which the product makes its elements"
        case .otherElements: "an element is made of others than the one at its own position"
        case .rowTooLong(let count, let limit): "each element needs a reduction of its row, and \(count) elements are more than the \(limit) that are walked twice"
        case .rowScattered: "each element needs a reduction of its row, whose elements do not follow each other in memory"
        case .materialized: "a value that is computed once is read from memory by all who need it"
        case .circle: "a third step needs one and is needed by the other"
        }
    }
}
