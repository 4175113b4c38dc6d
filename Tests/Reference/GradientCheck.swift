import Soma
import SomaGraph

extension OperationCase {
    /// Compares the gradient rules with central differences in double precision, in first and second order.
    ///
    /// First order: L is a weighted sum of the result; ∂L/∂x against (L(x+h) − L(x−h)) / 2h, element by element. Second order: the
    /// same with a weighted sum of the first gradients in the place of L.
    /// - Returns: what differs first, or `nil`.
    public func gradientDifference() -> String? {
        let tensors = inputs.map { Tensor(reference: $0) }
        let real = tensors.indices.filter { inputs[$0].dtype.isFloatingPoint }
        let variables = real.map { tensors[$0] }
        let loss = weightedSum([build(tensors)])
        let first = gradient(of: loss, withRespectTo: variables)
        if let difference = difference(loss, first, variables) { return "first order, \(difference)" }
        let slope = weightedSum(first)
        let second = gradient(of: slope, withRespectTo: variables)
        return difference(slope, second, variables).map { "second order, \($0)" }
    }

    private func weightedSum(_ tensors: [Tensor]) -> Tensor {
        tensors.map { ($0 * seed($0)).sum() }.reduce(Tensor(0, device: .reference)) { $0 + $1 }
    }

    /// Central differences of `loss` with respect to each element of each of `variables`, which lie in memory.
    private func difference(_ loss: Tensor, _ gradients: [Tensor], _ variables: [Tensor]) -> String? {
        let values = Interpreter().evaluate(gradients)
        for (index, variable) in variables.enumerated() {
            let point = Interpreter().evaluate(variable)
            let function = Interpreter().function(loss, of: variable)
            for place in 0..<variable.count {
                let slope = slope(of: function, point, place)
                let analytic = values[index].elements[place]
                guard Swift.abs(analytic - slope) <= 2e-6 * Swift.max(1, Swift.abs(slope)) else {
                    return "input \(index) at \(variable.shape.position(place)): \(analytic), differences give \(slope)"
                }
            }
        }
        return nil
    }

    /// Richardson's extrapolation of two central differences: the error is of fourth order in the step.
    private func slope(of function: (Value) -> Value, _ point: Value, _ place: Int) -> Double {
        func moved(_ distance: Double) -> Double {
            var value = point
            value.elements[place] += distance
            return function(value).elements[0]
        }
        let step = 1e-3
        let coarse = (moved(step) - moved(-step)) / (2 * step)
        let fine = (moved(step / 2) - moved(-step / 2)) / step
        return (4 * fine - coarse) / 3
    }
}
