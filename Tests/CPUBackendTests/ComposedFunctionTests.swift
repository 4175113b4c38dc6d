import CPUBackend
import Foundation
import Soma
import Testing

/// How far functions that are composed of others are from the C library's in double precision, in units in the last place of float32.
@Suite struct ComposedFunctionTests {
    struct Function: Sendable, CustomTestStringConvertible {
        let testDescription: String
        let range: ClosedRange<Float>
        /// What the function's comment promises.
        let bound: Double
        let apply: @Sendable (Tensor) -> Tensor
        let exact: @Sendable (Double) -> Double

        init(
            _ name: String, _ range: ClosedRange<Float>, bound: Double, _ apply: @escaping @Sendable (Tensor) -> Tensor,
            exact: @escaping @Sendable (Double) -> Double
        ) {
            (testDescription, self.range, self.bound, self.apply, self.exact) = (name, range, bound, apply, exact)
        }
    }

    static let functions: [Function] = [
        Function("tan", -1000...1000, bound: 4, { tan($0) }, exact: { Foundation.tan($0) }),
        Function("tan, one branch", -1.57...1.57, bound: 4, { tan($0) }, exact: { Foundation.tan($0) }),
        Function("atan", -4...4, bound: 3, { atan($0) }, exact: { Foundation.atan($0) }),
        Function("atan, far", -1e6...1e6, bound: 3, { atan($0) }, exact: { Foundation.atan($0) }),
        Function("asin", -1...1, bound: 4, { asin($0) }, exact: { Foundation.asin($0) }),
        Function("acos", -1...1, bound: 4, { acos($0) }, exact: { Foundation.acos($0) }),
        Function("atan2 to the right", -3...3, bound: 3, { atan2($0, Tensor(1.25, device: $0.device)) }, exact: { Foundation.atan2($0, 1.25) }),
        Function("atan2 to the left", -3...3, bound: 3, { atan2($0, Tensor(-1.25, device: $0.device)) }, exact: { Foundation.atan2($0, -1.25) }),
        Function("sinh", -89...89, bound: 4, { sinh($0) }, exact: { Foundation.sinh($0) }),
        Function("sinh near 0", -1...1, bound: 4, { sinh($0) }, exact: { Foundation.sinh($0) }),
        Function("cosh", -89...89, bound: 4, { cosh($0) }, exact: { Foundation.cosh($0) }),
        Function("asinh", -3...3, bound: 4, { asinh($0) }, exact: { Foundation.asinh($0) }),
        Function("asinh, far", -1e6...1e6, bound: 4, { asinh($0) }, exact: { Foundation.asinh($0) }),
        Function("acosh", 1...20, bound: 4, { acosh($0) }, exact: { Foundation.acosh($0) }),
        Function("acosh, far", 1...1e6, bound: 4, { acosh($0) }, exact: { Foundation.acosh($0) }),
        Function("atanh", -0.9999...0.9999, bound: 4, { atanh($0) }, exact: { Foundation.atanh($0) }),
        Function("exp2", -126...127, bound: 3, { exp2($0) }, exact: { Foundation.exp2($0) }),
    ]

    @Test(arguments: functions) func isAsGoodAsItSays(_ function: Function) throws {
        let count = 20_000
        let width = function.range.upperBound - function.range.lowerBound
        let points = (0...count).map { function.range.lowerBound + width * (Float($0) / Float(count)) } + [1e-3, 1e-6, 0.41421354, 0.41421357, 0.41421360]
        let inside = points.filter(function.range.contains)
        let values = try function.apply(Tensor(inside, device: Device(running: CPUBackend()))).scalars(as: Float.self)
        var (worst, place) = (0.0, Float(0))
        for (point, value) in zip(inside, values) {
            let exact = function.exact(Double(point))
            let error = Swift.abs(Double(value) - exact) / Double(Swift.max(Float(exact).ulp, Float.leastNormalMagnitude.ulp))
            if !(error <= worst) { (worst, place) = (error, point) }
        }
        #expect(worst < function.bound, "\(worst) ulp at \(place)")
    }
}
