import SomaGraph

/// What keeps gradients from growing too large before a rule sees them.
public enum GradientClipping: Sendable {
    /// All gradients together shrink in proportion where their Euclidean norm is above the bound, also where that norm is beyond all numbers
    /// of float32. Where one of them is infinite there is no proportion: it becomes NaN, and the others 0.
    ///
    /// R. Pascanu, T. Mikolov, Y. Bengio, *On the Difficulty of Training Recurrent Neural Networks*, ICML 2013.
    case byNorm(Double)
    /// Each element is moved to within ±bound.
    case byValue(Double)

    /// - Parameter gradient: all gradients end to end.
    func callAsFunction(_ gradient: Tensor) -> Tensor {
        switch self {
        case .byValue(let bound): return gradient.clamped(to: -bound...bound)
        case .byNorm(let bound):
            // Where squares are beyond all numbers they are taken of gradients times 2⁻⁹⁶, which the same walk adds up.
            let small = 0x1p-96
            let (plain, shrunk) = (square(gradient).sum(), square(gradient * small).sum())
            let isLarge = plain .== .infinity
            let scale = Tensor.select(isLarge, Tensor(small, device: gradient.device), 1)
            let norm = sqrt(.select(isLarge, shrunk, plain))
            // The small number keeps a norm of 0 from dividing 0 by 0.
            return gradient * scale * minimum(bound / (norm + scale * 1e-6), 1 / scale)
        }
    }
}
