import Soma
import SomaGraph

/// Numbers with a shape: what a fitted model is written to and read from.
public struct NamedArray: Hashable, Sendable {
    /// The elements, of the types that models are made of.
    public enum Values: Hashable, Sendable {
        /// Numbers in single precision.
        case float32([Float])
        /// Numbers in double precision.
        case float64([Double])
        /// Whole numbers.
        case int32([Int32])
    }

    /// The extents, outermost first.
    public let shape: [Int]
    /// As many as the shape says, the last axis fastest.
    public let values: Values

    /// Numbers in single precision, of as many as the shape says.
    public init(shape: [Int], _ floats: [Float]) { (self.shape, values) = (shape, .float32(floats)) }
    /// Numbers in double precision, of as many as the shape says.
    public init(shape: [Int], _ doubles: [Double]) { (self.shape, values) = (shape, .float64(doubles)) }
    /// Whole numbers, of as many as the shape says.
    public init(shape: [Int], _ integers: [Int32]) { (self.shape, values) = (shape, .int32(integers)) }
    init(_ floats: [Float]) { self.init(shape: [floats.count], floats) }
    init(_ doubles: [Double]) { self.init(shape: [doubles.count], doubles) }
    init(_ integers: [Int32]) { self.init(shape: [integers.count], integers) }
}

/// Reads named arrays that may hold anything.
struct NamedArrayReader {
    let arrays: [String: NamedArray]
    let kind: String

    func refusal(_ reason: String) -> SomaError { SomaError("this is no model of kind '\(kind)': \(reason)") }

    private func array(_ name: String, axes: Int) throws -> NamedArray {
        guard let array = arrays[name] else { throw refusal("there is no array '\(name)'") }
        guard array.shape.count == axes else { throw refusal("'\(name)' has \(array.shape.count) axes, not \(axes)") }
        var product = 1
        for extent in array.shape {
            let (next, overflows) = product.multipliedReportingOverflow(by: extent)
            guard extent >= 0, !overflows else { throw refusal("'\(name)' has the shape \(array.shape)") }
            product = next
        }
        let count = switch array.values {
        case .float32(let values): values.count
        case .float64(let values): values.count
        case .int32(let values): values.count
        }
        guard product == count else { throw refusal("'\(name)' has \(count) elements, not \(array.shape)") }
        return array
    }

    /// Finite numbers, with their shape.
    func floats(_ name: String, axes: Int = 1) throws -> (values: [Float], shape: [Int]) {
        let array = try array(name, axes: axes)
        guard case .float32(let values) = array.values else { throw refusal("'\(name)' holds no float32") }
        guard values.allSatisfy(\.isFinite) else { throw refusal("'\(name)' holds a number that is not finite") }
        return (values, array.shape)
    }

    /// Finite numbers in double precision, or of a model of earlier versions in single precision, with their shape.
    func doubles(_ name: String, axes: Int = 1) throws -> (values: [Double], shape: [Int]) {
        let array = try array(name, axes: axes)
        guard case .float64(let values) = array.values else {
            let (values, shape) = try floats(name, axes: axes)
            return (values.map(Double.init), shape)
        }
        guard values.allSatisfy(\.isFinite) else { throw refusal("'\(name)' holds a number that is not finite") }
        return (values, array.shape)
    }

    /// Whole numbers within `range`.
    func integers(_ name: String, in range: ClosedRange<Int32>) throws -> [Int32] {
        let array = try array(name, axes: 1)
        guard case .int32(let values) = array.values else { throw refusal("'\(name)' holds no int32") }
        if let value = values.first(where: { !range.contains($0) }) { throw refusal("'\(name)' holds \(value), which is not in \(range)") }
        return values
    }

    /// One whole number within `range`.
    func integer(_ name: String, in range: ClosedRange<Int>) throws -> Int {
        let bounds = Int32(clamping: range.lowerBound)...Int32(clamping: range.upperBound)
        let values = try integers(name, in: bounds)
        guard values.count == 1 else { throw refusal("'\(name)' has \(values.count) elements, not 1") }
        return Int(values[0])
    }

    /// Finite numbers of a given shape.
    func floats(_ name: String, shape: [Int]) throws -> [Float] {
        let (values, found) = try floats(name, axes: shape.count)
        guard found == shape else { throw refusal("'\(name)' has the shape \(found), not \(shape)") }
        return values
    }

    /// Numbers of the given shape above 0.
    func positive(_ name: String, shape: [Int]) throws -> [Float] {
        let values = try floats(name, shape: shape)
        guard values.allSatisfy({ $0 > 0 }) else { throw refusal("'\(name)' holds a number that is not above 0") }
        return values
    }
}
