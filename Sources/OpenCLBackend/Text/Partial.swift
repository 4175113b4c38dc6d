import SomaBackend
import SomaGraph

/// The text of a partial result: an accumulator `an` (and for argmax and argmin the index `kn` beside it) that becomes the value `vn`.
///
/// A sum of many real numbers is chained: elements go to `cn`, which is folded into the accumulator now and then.
struct Partial {
    let number: Int
    let operation: ReduceOperation
    /// The type of what is reduced.
    let argument: DType
    let result: DType
    private let isChained: Bool

    /// - Parameter isLong: whether one work-item takes in more elements than a chain of additions should have.
    init(_ reduction: Int, _ body: Body, isLong: Bool = false) {
        guard case .reduce(let operation, let argument) = body.instructions[reduction].operation else {
            programError("OpenCL", "instruction \(reduction) is no reduction")
        }
        (number, self.operation) = (reduction, operation)
        (self.argument, result) = (body.instructions[argument].dtype, body.instructions[reduction].dtype)
        isChained = isLong && operation == .sum && body.instructions[argument].dtype.isFloatingPoint
    }

    private var type: String { argument.valueType }

    /// Bytes of an element in memory, with its index.
    var byteCount: Int { argument.byteCount + (operation.givesIndex ? 4 : 0) }

    var declaration: [String] {
        (isChained ? ["\(type) c\(number) = 0;"] : []) + ["\(type) a\(number) = \(operation.identity(argument));"]
            + (operation.givesIndex ? ["int k\(number) = INT_MAX;"] : [])
    }

    /// Arrays of partial results, `tn` (and `un`, and `cn`).
    func storage(_ qualifier: String, _ count: String) -> [String] {
        let names = ["t"] + (isChained ? ["c"] : [])
        return names.map { "\(qualifier)\(type) \($0)\(number)[\(count)];" }
            + (operation.givesIndex ? ["\(qualifier)int u\(number)[\(count)];"] : [])
    }

    /// What takes in elements: the accumulator, or the chain before it.
    func running(_ accumulator: String) -> String { (isChained ? "c" : accumulator) + String(number) }

    /// Moves the chain into the accumulator; `place` is the place in both where they are arrays.
    func fold(_ accumulator: String, _ place: String = "") -> [String] {
        isChained ? ["\(accumulator)\(number)\(place) += c\(number)\(place);", "c\(number)\(place) = 0;"] : []
    }

    /// A candidate taken into a partial result.
    func combine(_ partial: String, _ partialIndex: String, _ candidate: String, _ index: String) -> [String] {
        guard operation.givesIndex else { return ["\(partial) = \(operation.combined(partial, candidate, argument));"] }
        let before = operation == .argmax ? ">" : "<"
        return [
            "if (SOMA_PRECEDES(\(candidate), \(index), \(partial), \(partialIndex), \(before))) {",
            "    \(partial) = \(candidate);", "    \(partialIndex) = \(index);", "}",
        ]
    }

    func combineInMemory(_ place: String, _ other: String) -> [String] {
        combine("t\(number)[\(place)]", "u\(number)[\(place)]", "t\(number)[\(other)]", "u\(number)[\(other)]")
    }

    func write(_ place: String) -> [String] {
        ["t\(number)[\(place)] = a\(number);"] + (operation.givesIndex ? ["u\(number)[\(place)] = k\(number);"] : [])
    }

    func initialise(_ place: String) -> [String] {
        (isChained ? ["c\(number)[\(place)] = 0;"] : []) + ["t\(number)[\(place)] = \(operation.identity(argument));"]
            + (operation.givesIndex ? ["u\(number)[\(place)] = INT_MAX;"] : [])
    }

    func read(_ place: String) -> String {
        "const \(result.valueType) v\(number) = \(operation.givesIndex ? "u" : "t")\(number)[\(place)];"
    }
}
